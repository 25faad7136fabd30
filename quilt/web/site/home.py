"""The first page: the contest that is on, its quilt, and the next small step."""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, make_response, redirect, render_template
from markupsafe import Markup

from quilt.contests.queries import list_contests, pick_face
from quilt.results.models import Result
from quilt.results.queries import find_published, list_places
from quilt.results.scores import read_scores
from quilt.standings.rules import hide_few
from quilt.web.clock import now
from quilt.web.context import asset, plural
from quilt.web.pages import slot
from quilt.web.site import site
from quilt.web.site.contest_heads import describe_contest
from quilt.web.site.contest_list import ListedContest, describe_listed, read_contests
from quilt.web.site.galleries import MOST_PATCHES, Gallery, build_quilt, find_gallery
from quilt.web.site.kept import answer_kept, this_minute
from quilt.web.site.standings import list_rows

WINNERS = 3


@dataclass(frozen=True, slots=True)
class Winner:
    """A line of the result; `place` is None while only the public's votes are known, and judges have a share."""

    place: int | None
    url: str
    title: str
    words: str


@site.get("/")
def show_home() -> Response:
    """The quilt of the contest that ends soonest, or a kind word where there is none yet."""
    moment = now()
    contests = read_contests()
    face = pick_face(contests, moment)
    gallery = find_gallery(face.slug) if face else None
    if face is None or gallery is None:
        return answer_kept(("home", 0), 0, lambda: render_template("site/home_empty.html"))
    others = [describe_listed(contest, moment) for contest in contests if contest.id != face.id]
    return answer_kept(
        ("home", face.id), (gallery.serial, others, this_minute()), lambda: _render(gallery, others, moment)
    )


@site.get("/favicon.ico")
def show_icon() -> Response:
    """On to the icon, for those who ask without having read a page."""
    response = make_response(redirect(asset("img/icon.svg"), 302))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@site.get("/robots.txt")
def show_robots() -> Response:
    """What robots may read: the public pages, each once; no personal link, no desk."""
    response = Response(render_template("site/robots.txt"), mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@site.get("/sitemap.xml")
def show_sitemap() -> Response:
    """The public pages by name: every contest, and the newest entries of each."""
    galleries = [gallery for contest in list_contests() if (gallery := find_gallery(contest.slug))]
    body = render_template("site/sitemap.xml", galleries=galleries, most=10_000)
    response = Response(body, mimetype="application/xml")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _render(gallery: Gallery, others: list[ListedContest], moment: datetime) -> str:
    result = find_published(gallery.contest.id) if gallery.is_final else None
    return render_template(
        "site/home.html",
        picture=build_quilt(gallery),
        figures=list_totals(gallery),
        total=len(gallery.cards),
        most_patches=MOST_PATCHES,
        result=result,
        winners=_list_placed(gallery, result) if result else _list_leaders(gallery),
        is_final=gallery.is_final,
        shows_counts=gallery.shows_counts,
        others=others,
        csp_nonce=Markup(slot("csp_nonce")),
        **describe_contest(gallery.contest, moment),
    )


def list_totals(gallery: Gallery) -> list[tuple[str, str]]:
    """The contest's true totals in words; a figure with fewer than five people behind it is left out."""
    totals = gallery.totals
    figures = []
    if hide_few(totals.reach):
        figures.append((f"{totals.reach:,}", "people reached"))
    if gallery.shows_counts and hide_few(totals.votes):
        figures.append((f"{totals.votes:,}", "votes that people confirmed"))
    if totals.causes > 1:
        figures.append((f"{totals.causes:,}", "causes"))
    if hide_few(totals.longest_chain):
        figures.append((f"{totals.longest_chain:,}", "people: the longest chain so far"))
    return figures


def _list_placed(gallery: Gallery, result: Result) -> list[Winner]:
    """The first places of a published result, runners-up among them."""
    scores, paid = read_scores(result), gallery.contest.policy.places
    winners = []
    for place, entry_id in enumerate(list_places(result)[:WINNERS], 1):
        card, score = gallery.cards.get(entry_id), scores.get(entry_id)
        if card is None:
            continue
        made_of = (
            f"{float(score.score):.2f} of 100" if score else plural(gallery.figures[entry_id].votes, "vote")
        )
        words = f"{card.cause}, {made_of}" + (", runner-up" if place > paid else "")
        winners.append(Winner(place, f"/entries/{card.id}-{card.slug}", card.title, words))
    return winners


def _list_leaders(gallery: Gallery) -> list[Winner]:
    """Who has the most votes, once all are in and shown; equals stand together. No places where judges have a share."""
    if not gallery.has_result:
        return []
    is_by_votes = not gallery.contest.policy.judges_share
    return [
        Winner(
            standing.place if is_by_votes else None,
            row.url,
            row.title,
            f"{row.cause}, {plural(standing.votes, 'vote')}",
        )
        for row in list_rows(gallery)
        if (standing := row.standing).place and standing.place <= WINNERS and standing.votes
    ]
