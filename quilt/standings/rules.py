"""Votes and spread become places, steps of a border, and words: facts in, figures out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import NamedTuple

LEAST_SHOWN = 5  # no figure below five people is shown while votes are still coming in
STEPS = (5, 15, 40, 100, 250, 600, 1_500, 4_000, 10_000)  # people reached that widen a border


class Figures(NamedTuple):
    """An entry's votes, the people it reached, and its longest chain. A tuple: ten thousand are made at once."""

    entry_id: int
    votes: int
    reach: int
    longest_chain: int
    is_eligible: bool = True


class Standing(NamedTuple):
    """An entry's line: its place (None: it has none), and what may be shown (None: too few to show)."""

    place: int | None
    entry_id: int
    votes: int | None
    reach: int | None
    is_eligible: bool


_make_standing = partial(tuple.__new__, Standing)  # a third of the price of Standing(…), ten thousand times


@dataclass(frozen=True, slots=True)
class Totals:
    """What a whole contest has moved."""

    entries: int
    causes: int
    votes: int
    reach: int
    longest_chain: int


def build_standings(figures: Iterable[Figures], is_final: bool) -> list[Standing]:
    """The entries with the most votes first; equal votes share a place, and the next place is skipped.

    While votes come in, an entry with fewer than five has no place yet; in the final count everyone has.
    Entries that are shown but not eligible have no place. Among equals the earlier entry stands first.
    """
    ordered = sorted(figures, key=itemgetter(0))  # by entry_id
    ordered.sort(key=itemgetter(1), reverse=True)  # by votes; it keeps the order of equals
    return place_in_order(ordered, is_final)


def place_in_order(
    ordered: Sequence[Figures], is_final: bool, more: int = 0, as_many: int = 0
) -> list[Standing]:
    """The same for a part of the whole order, which begins behind others.

    `more` is how many entries that can have a place have more votes than its first one, `as_many` how many have as
    many or more, those of the part among them.
    """
    standings: list[Standing] = []
    place, previous, ahead = 0, -1, more
    first = ordered[0].votes if ordered else 0
    for entry_id, votes, reach, _, is_eligible in ordered:
        shown_reach = reach if reach >= LEAST_SHOWN else None
        if votes < LEAST_SHOWN and not is_final:
            standings.append(_make_standing((None, entry_id, None, shown_reach, is_eligible)))
        elif not is_eligible:
            standings.append(_make_standing((None, entry_id, votes, shown_reach, False)))
        else:
            if votes != previous:
                ahead = ahead if votes == first else max(ahead, as_many)
                place, previous = ahead + 1, votes
            ahead += 1
            standings.append(_make_standing((place, entry_id, votes, shown_reach, True)))
    return standings


def build_totals(figures: Sequence[Figures], causes: int) -> Totals:
    """The sums of a contest, and its longest chain; who was reached by entries with fewer than five is not told."""
    return Totals(
        entries=len(figures),
        causes=causes,
        votes=sum(each.votes for each in figures),
        reach=sum(each.reach for each in figures if each.reach >= LEAST_SHOWN),
        longest_chain=max((each.longest_chain for each in figures), default=0),
    )


def hide_few(count: int) -> int | None:
    """The figure, or None where fewer than five people stand behind it."""
    return count if count >= LEAST_SHOWN else None


def find_spread_step(reach: int) -> int:
    """How wide the border of an entry is, 0 to 9: each step takes about two and a half times the people."""
    return sum(reach >= step for step in STEPS)
