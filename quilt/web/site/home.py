"""The first page: the contest that is on, its quilt, and the next small step."""

from datetime import datetime

from flask import Response, make_response, redirect, render_template
from markupsafe import Markup

from quilt.contests.queries import list_contests, pick_face
from quilt.standings.rules import hide_few
from quilt.web.clock import now
from quilt.web.context import asset
from quilt.web.pages import slot
from quilt.web.site import site
from quilt.web.site.contest_heads import describe_contest
from quilt.web.site.contest_list import ListedContest, describe_listed, read_contests
from quilt.web.site.galleries import MOST_PATCHES, Gallery, build_quilt, find_gallery
from quilt.web.site.kept import answer_kept, this_minute
from quilt.web.site.standings import Row, list_rows

WINNERS = 3


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
    return render_template(
        "site/home.html",
        picture=build_quilt(gallery),
        figures=list_totals(gallery),
        total=len(gallery.cards),
        most_patches=MOST_PATCHES,
        winners=_list_winners(gallery),
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


def _list_winners(gallery: Gallery) -> list[Row]:
    """Who came first, second and third, once the count is in; equals stand together."""
    if not gallery.has_result:
        return []
    placed = [row for row in list_rows(gallery) if row.standing.place and row.standing.votes]
    return [row for row in placed if (row.standing.place or 0) <= WINNERS]
