"""Judging: who still owes what, and how scores become an entry's points."""

from collections.abc import Collection, Mapping, Sequence
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
    """Something has to come first; `missing` are sentences (`find_obstacles`)."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(" ".join([*missing, "The panel stays open."]))


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """A panel as plain facts.

    `weights` are by criterion, `conflicts` pairs of judge and entry, `scores` points by judge, entry and
    criterion; ids throughout. Judges who left are not among `judges`, and their scores count no more. `fixed` are the
    entries whose points stand since the panel was closed.
    """

    judges: tuple[int, ...]
    entries: tuple[int, ...]
    weights: Mapping[int, int]
    conflicts: Collection[tuple[int, int]]
    scores: Mapping[tuple[int, int, int], int]
    fixed: Collection[int] = ()

    @property
    def open_entries(self) -> list[int]:
        """The entries in the running that have no points yet."""
        return [entry for entry in self.entries if entry not in self.fixed]


def find_missing(panel: PanelFacts) -> list[tuple[int, int]]:
    """Every pair of judge and open entry that lacks a score in some criterion and is no conflict, in order."""
    return [
        (judge, entry)
        for judge in panel.judges
        for entry in panel.open_entries
        if (judge, entry) not in panel.conflicts
        and any((judge, entry, criterion) not in panel.scores for criterion in panel.weights)
    ]


def find_unjudged(panel: PanelFacts) -> list[int]:
    """The open entries that no judge may judge, because all of them stand too near."""
    return [
        entry
        for entry in panel.open_entries
        if all((judge, entry) in panel.conflicts for judge in panel.judges)
    ]


def find_obstacles(panel: PanelFacts, entering_until: str = "", waiting: int = 0) -> list[str]:
    """What has to come before the panel can be closed, each a sentence; nothing where it can.

    An entry that came after the close would have no points: `entering_until` is '' once nothing can be entered any
    more, else the instant in words; `waiting` counts the entries that a moderator has to decide about.
    """
    missing = len(find_missing(panel))
    said = {
        f"Entries are taken until {entering_until}.": bool(entering_until),
        f"{_count(waiting, 'entry waits', 'entries wait')} for a moderator.": waiting > 0,
        "There are no criteria yet.": not panel.weights,
        "There are no judges yet.": not panel.judges,
        "There are no entries to judge yet.": not panel.open_entries,
        "All judges stand too near to one of the entries: ask one more judge.": bool(
            panel.judges and find_unjudged(panel)
        ),
        f"{_count(missing, 'entry of one judge or another is', 'entries of one judge or another are')} still open.": bool(
            panel.weights and missing
        ),
    }
    return [sentence for sentence, is_so in said.items() if is_so]


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


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
