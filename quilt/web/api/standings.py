"""The standings of a contest, each hundred of them computed at most once a second however many ask."""

from typing import Any

import orjson
from flask import Response

from quilt.contests.queries import ContestFacts
from quilt.contests.rules import is_voting_over, shows_counts
from quilt.database import database_key
from quilt.standings.leaders import count_ahead, list_window
from quilt.standings.rules import Figures, place_in_order
from quilt.web.api.answers import answer_public, build_page, make_url, read_page
from quilt.web.api.finding import get_contest
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, FLAG, NUMBER, TEXT, many, maybe, thing
from quilt.web.api.table import PAGED, Operation
from quilt.web.clock import now
from quilt.web.settings import get_settings
from quilt.web.shared_flight import SharedFlight
from quilt.web.single_flight import SingleFlight

FRESHNESS = 1.0  # seconds
BLOCK = 100  # places that are computed together
STANDING = thing(
    place=maybe(NUMBER), id=NUMBER, title=TEXT, cause=TEXT, url=ADDRESS, votes=maybe(NUMBER),
    reach=maybe(NUMBER), is_eligible=FLAG,
)  # fmt: skip
STANDINGS = thing(contest=TEXT, shows_counts=FLAG, is_final=FLAG, items=many(STANDING), next=maybe(TEXT))

_rows: SingleFlight[list[dict[str, Any]]] = SingleFlight()  # as a process has read them
_written = SharedFlight("standings")


@operation(
    Operation(
        "show_standings",
        "GET",
        "/contests/<slug>/standings",
        "Places, votes and reach. Places may move between two pages.",
        "Standings",
        STANDINGS,
        PAGED,
    )
)
def show_standings(slug: str) -> Response:
    """A page of the standings; without places and votes while the contest hides them."""
    contest = get_contest(slug)
    start, limit = read_page()
    moment = now()
    shown, is_final = shows_counts(contest.phases, moment), is_voting_over(contest.phases, moment)
    blocks = range(start // BLOCK, (start + limit) // BLOCK + 1)
    rows = [row for block in blocks for row in _get_block(contest, block, shown, is_final)]
    first = start - blocks[0] * BLOCK
    window = list(enumerate(rows[first : first + limit + 1], start + 1))
    page = build_page(window, limit, lambda row: row[1], lambda row: row[0])
    return answer_public({"contest": contest.slug, "shows_counts": shown, "is_final": is_final, **page})


def _get_block(contest: ContestFacts, block: int, shown: bool, is_final: bool) -> list[dict[str, Any]]:
    freshness = FRESHNESS if get_settings().page_freshness else 0.0
    key = f"{contest.id} {block} {shown} {is_final}"

    def read() -> list[dict[str, Any]]:
        written = _written.get(
            key,
            freshness,
            get_settings().data,
            lambda: orjson.dumps(build_block(contest, block, shown, is_final)),
        )
        rows: list[dict[str, Any]] = orjson.loads(written)
        return rows

    return _rows.get((database_key(), key), freshness, read)


def build_block(contest: ContestFacts, block: int, shown: bool, is_final: bool) -> list[dict[str, Any]]:
    """A hundred lines of the standings, as the API says them."""
    # Where votes are hidden the order would tell what the contest hides.
    leaders = list_window(contest.id, block * BLOCK, BLOCK, by_votes=shown)
    figures = [
        Figures(each.id, each.votes if shown else 0, each.reach, 0, each.is_eligible) for each in leaders
    ]
    ahead = count_ahead(contest.id, figures[0].votes) if figures and shown else (0, 0)
    return [
        {
            "place": standing.place if shown else None,
            "id": leader.id,
            "title": leader.title,
            "cause": leader.cause,
            "url": make_url(f"/entries/{leader.id}-{leader.slug}"),
            "votes": standing.votes if shown else None,
            "reach": standing.reach,
            "is_eligible": standing.is_eligible,
        }
        for leader, standing in zip(leaders, place_in_order(figures, is_final, *ahead), strict=True)
    ]
