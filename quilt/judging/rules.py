"""Judging: who still owes what, and how scores become an entry's points."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

UNIT = 1_000  # points are thousandths of a point: 10 of 10 in everything is 10,000


class JudgingRefused(Exception):
    """Nothing was changed; `message` says why, for the person who tried."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAJudge(JudgingRefused):
    """This person does not judge this contest."""

    def __init__(self) -> None:
        super().__init__("You are not among the judges of this contest. Nothing was changed.")


class PanelSealed(JudgingRefused):
    """The panel is closed; scores stand."""

    def __init__(self) -> None:
        super().__init__("The panel is closed: the scores stand as they are. Nothing was changed.")


class NotComplete(JudgingRefused):
    """Scores are missing."""

    def __init__(self, missing: int) -> None:
        scores = "One score is" if missing == 1 else f"{missing} scores are"
        super().__init__(f"{scores} still missing. The panel stays open.")


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """A panel as plain facts.

    `weights` are by criterion, `conflicts` pairs of judge and entry, `scores` points by judge, entry and
    criterion; ids throughout. Judges who left are not among `judges`, and their scores count no more.
    """

    judges: tuple[int, ...]
    entries: tuple[int, ...]
    weights: Mapping[int, int]
    conflicts: Collection[tuple[int, int]]
    scores: Mapping[tuple[int, int, int], int]


def find_missing(panel: PanelFacts) -> list[tuple[int, int]]:
    """Every pair of judge and entry that lacks a score in some criterion and is no conflict, in order."""
    return [
        (judge, entry)
        for judge in panel.judges
        for entry in panel.entries
        if (judge, entry) not in panel.conflicts
        and any((judge, entry, criterion) not in panel.scores for criterion in panel.weights)
    ]


def find_unjudged(panel: PanelFacts) -> list[int]:
    """The entries that no judge may judge, because all of them stand too near."""
    return [
        entry for entry in panel.entries if all((judge, entry) in panel.conflicts for judge in panel.judges)
    ]


def check_complete(panel: PanelFacts) -> None:
    """Raise JudgingRefused unless every entry has all its scores."""
    if not panel.judges or not panel.weights:
        raise JudgingRefused("There are no judges or no criteria yet. The panel stays open.")
    if find_unjudged(panel):
        raise JudgingRefused("All judges stand too near to one of the entries. Ask one more judge.")
    missing = find_missing(panel)
    if missing:
        raise NotComplete(len(missing))


def weigh(panel: PanelFacts, entry: int) -> int:
    """An entry's points, in thousandths: over the criteria, weight · mean score, by the sum of the weights.

    The mean is over the judges who may judge it; halves are rounded up. Takes a complete panel.
    """
    judges = [judge for judge in panel.judges if (judge, entry) not in panel.conflicts]
    weighted = sum(
        weight * panel.scores[judge, entry, criterion]
        for criterion, weight in panel.weights.items()
        for judge in judges
    )
    exact = Fraction(UNIT * weighted, sum(panel.weights.values()) * len(judges))
    return int(exact + Fraction(1, 2))
