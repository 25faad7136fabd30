"""Decisions about many votes at once, in as few leaves as may be."""

from collections.abc import Iterable

from quilt.ledger.leaves import MAX_RANGES, DecisionLeaf, Range


def build_decisions(
    contest: str, votes: Iterable[int], state: str, actor: str, reason: str, rules: str
) -> list[DecisionLeaf]:
    """Return the leaves that bring `votes` (leaf numbers, in any order) into `state`.

    One leaf in most cases; more where the numbers are scattered over more ranges than one leaf may hold.
    """
    ranges = join_ranges(votes)
    return [
        DecisionLeaf(contest, tuple(ranges[start : start + MAX_RANGES]), state, actor, reason, rules)
        for start in range(0, len(ranges), MAX_RANGES)
    ]


def join_ranges(numbers: Iterable[int]) -> list[Range]:
    """Return the fewest ranges that hold exactly these numbers, in order."""
    ranges: list[Range] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] + 1 == number:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
