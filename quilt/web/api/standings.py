"""The standings of a contest, computed at most once a second however many ask."""

from dataclasses import replace
from typing import Any

from flask import Response

from quilt.contests.queries import ContestFacts
from quilt.contests.rules import is_voting_over, shows_counts
from quilt.database import database_key
from quilt.entries.queries import list_cards
from quilt.standings.queries import list_figures
from quilt.standings.rules import build_standings
from quilt.web.api.answers import answer_public, build_page, make_url, read_page
from quilt.web.api.finding import get_contest
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, FLAG, NUMBER, TEXT, many, maybe, thing
from quilt.web.api.table import PAGED, Operation
from quilt.web.clock import now
from quilt.web.settings import get_settings
from quilt.web.single_flight import SingleFlight

FRESHNESS = 1.0  # seconds
STANDING = thing(
    place=maybe(NUMBER), id=NUMBER, title=TEXT, cause=TEXT, url=ADDRESS, votes=maybe(NUMBER),
    reach=maybe(NUMBER), is_eligible=FLAG,
)  # fmt: skip
STANDINGS = thing(contest=TEXT, shows_counts=FLAG, is_final=FLAG, items=many(STANDING), next=maybe(TEXT))

_rows: SingleFlight[list[dict[str, Any]]] = SingleFlight()


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
    freshness = FRESHNESS if get_settings().page_freshness else 0.0
    key = (database_key(), contest.id, shown, is_final)
    rows = _rows.get(key, freshness, lambda: _build(contest, shown, is_final))
    window = list(enumerate(rows[start : start + limit + 1], start + 1))
    page = build_page(window, limit, lambda row: row[1], lambda row: row[0])
    return answer_public({"contest": contest.slug, "shows_counts": shown, "is_final": is_final, **page})


def _build(contest: ContestFacts, shown: bool, is_final: bool) -> list[dict[str, Any]]:
    figures = list_figures(contest.id)
    if not shown:  # the order would tell what the contest hides
        figures = [replace(each, votes=0) for each in figures]
    cards = {card.id: card for card in list_cards(contest.id)}
    return [
        {
            "place": standing.place if shown else None,
            "id": standing.entry_id,
            "title": cards[standing.entry_id].title,
            "cause": cards[standing.entry_id].cause,
            "url": make_url(f"/entries/{standing.entry_id}-{cards[standing.entry_id].slug}"),
            "votes": standing.votes if shown else None,
            "reach": standing.reach,
            "is_eligible": standing.is_eligible,
        }
        for standing in build_standings(figures, is_final)
        if standing.entry_id in cards
    ]
