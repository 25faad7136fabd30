"""How far an entry has travelled, in numbers; the whole tree stands at the address that is told."""

from flask import Response

from quilt.arrivals.queries import describe_spread, get_measures
from quilt.standings.rules import LEAST_SHOWN, hide_few
from quilt.web.api.answers import answer_public, make_url
from quilt.web.api.entries import find_votes, get_contest_of
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, INSTANT, NUMBER, many, maybe, thing
from quilt.web.api.table import Operation
from quilt.web.lookups import get_head_or_404

RATIO = {"type": "number"}
SPREAD = thing(
    id=NUMBER, reach=maybe(NUMBER), passed_on=maybe(NUMBER), longest_chain=maybe(NUMBER),
    structural_virality=maybe(RATIO), shared_votes=maybe(NUMBER), people_by_generation=many(NUMBER),
    counted_to=maybe(INSTANT), tree_url=maybe(ADDRESS),
)  # fmt: skip


@operation(
    Operation(
        "show_spread",
        "GET",
        "/entries/<int:entry_id>/spread",
        "An entry’s spread. Nothing is told below five people.",
        "Spread",
        SPREAD,
    )
)
def show_spread(entry_id: int) -> Response:
    """The figures of one entry's spread, as of the last fold."""
    head = get_head_or_404(entry_id)
    figures = describe_spread(head.id)
    is_told = figures.reach >= LEAST_SHOWN
    shows_votes = find_votes(head, get_contest_of(head)) is not None
    return answer_public(
        {
            "id": head.id,
            "reach": hide_few(figures.reach),
            "passed_on": hide_few(figures.passed_on) if is_told else None,
            "longest_chain": figures.longest_chain if is_told else None,
            "structural_virality": figures.structural_virality if is_told else None,
            "shared_votes": hide_few(figures.shared_votes) if shows_votes else None,
            "people_by_generation": list(get_measures(head.id).breadth[1:]) if is_told else [],
            "counted_to": figures.folded_at,
            "tree_url": make_url(f"/entries/{head.id}/spread.json") if is_told else None,
        }
    )
