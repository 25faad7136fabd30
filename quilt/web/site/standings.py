"""The standings of a contest, as a table and as JSON."""

from dataclasses import dataclass, replace

import orjson
from flask import Response, abort
from markupsafe import Markup

from quilt.contests.rules import describe_instant, find_counts_opening
from quilt.database import database_key
from quilt.results.queries import find_published
from quilt.standings.rules import Figures, Standing, build_standings
from quilt.web.clock import now
from quilt.web.context import patch
from quilt.web.pages import VersionedCache
from quilt.web.repeats import repeat_for_all
from quilt.web.site import site
from quilt.web.site.contest_heads import render_contest
from quilt.web.site.galleries import Gallery, get_gallery_or_404
from quilt.web.site.kept import answer_kept, this_minute
from quilt.web.site.wishes import Wish
from quilt.web.tagged import TaggedJson, answer_tagged, tag_json

PAGE_SIZE = 100

_documents: VersionedCache[TaggedJson] = VersionedCache(most=100)


@dataclass(frozen=True)
class Row:
    """A line of the standings, as it is shown."""

    standing: Standing
    url: str
    title: str
    cause: str
    patch_svg: Markup


@site.get("/contests/<slug>/standings.json")
def show_standings_json(slug: str) -> Response:
    """The standings as JSON: the same bytes for everybody until a figure changes."""
    gallery = get_gallery_or_404(slug)
    kept = _documents.get((database_key(), slug), gallery.serial, lambda: _build_document(gallery))
    repeat_for_all()
    return answer_tagged(kept, {"Cache-Control": "public, no-cache"})


def show_standings(gallery: Gallery, wish: Wish) -> Response:
    """The standings as a table, a hundred places a page; while votes are hidden, the reason."""
    rows = list_rows(gallery) if gallery.shows_counts else []
    page_count = max(1, -(-len(rows) // PAGE_SIZE))
    if not 1 <= wish.page <= page_count:
        abort(404, "There are no more places. The first page has those there are.")
    start = (wish.page - 1) * PAGE_SIZE
    contest = gallery.contest
    opening = find_counts_opening(contest.phases, now())

    def render() -> str:
        return render_contest(
            gallery,
            "standings",
            rows=rows[start : start + PAGE_SIZE],
            is_final=gallery.is_final,
            has_published_result=gallery.is_final and find_published(contest.id) is not None,
            shows_counts=gallery.shows_counts,
            opening_text=describe_instant(opening, contest.time_zone) if opening else "",
            page=wish.page,
            page_count=page_count,
        )

    version = (gallery.serial, this_minute())
    return answer_kept((contest.id, "standings", wish.page), version, render)


def list_rows(gallery: Gallery) -> list[Row]:
    """The standings with what is shown of each entry."""
    rows = []
    for standing in build_standings(gallery.figures.values(), gallery.is_final):
        card = gallery.cards[standing.entry_id]
        rows.append(
            Row(standing, f"/entries/{card.id}-{card.slug}", card.title, card.cause, patch(card.cause))
        )
    return rows


def _build_document(gallery: Gallery) -> TaggedJson:
    """The standings as JSON, and their ETag."""
    shown = gallery.shows_counts
    entries = [
        {
            "place": row.standing.place if shown else None,
            "id": row.standing.entry_id,
            "title": row.title,
            "cause": row.cause,
            "url": row.url,
            "votes": row.standing.votes if shown else None,
            "reach": row.standing.reach,
            "is_eligible": row.standing.is_eligible,
        }
        for row in list_rows(gallery if shown else replace(gallery, figures=_without_votes(gallery)))
    ]
    body = orjson.dumps(
        {
            "contest": gallery.contest.slug,
            "phase": gallery.phase_name,
            "shows_counts": shown,
            "is_final": gallery.is_final,
            "entries": entries,
        }
    )
    return tag_json(body)


def _without_votes(gallery: Gallery) -> dict[int, Figures]:
    return {entry_id: figures._replace(votes=0) for entry_id, figures in gallery.figures.items()}
