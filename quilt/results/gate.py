"""The gate in front of a result, and the steps of a prize: decisions without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from quilt.ledger.leaves import COUNTED, HELD
from quilt.ledger.tally import Tally, score_entries
from quilt.ledger.terms import Terms

APPEAL_TIME = timedelta(hours=48)
STEPS: Mapping[str, str] = {"promised": "verified", "verified": "paid", "paid": "told"}


class ResultRefused(Exception):
    """Nothing was changed; `message` says why, for the person who tried."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One question of the gate; `words` say what is missing, or how much was looked at."""

    name: str
    is_fine: bool
    words: str


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the gate wants to know.

    `waiting` are votes, decisions and moved entries that the ledger has not taken in, `is_last_head` whether the head
    after which no vote can come is signed; `audited` and `differences` tell of the audit, `ballots` how many votes and
    entries with points this contest's ledger has; `is_draw_missing` that entries are level at a place that counts and
    no public value was given.
    """

    is_voting_over: bool
    waiting: int
    is_last_head: bool
    audited: int
    differences: int
    ballots: int
    needs_judges: bool
    is_panel_closed: bool
    are_points_in: bool
    open_appeals: int
    doubtful: Sequence[int]  # entries whose held votes could change a paid place
    is_draw_missing: bool


def check_gate(facts: GateFacts) -> list[GateCheck]:
    """Every question of the gate with its answer, in the order in which they are best mended."""
    checks = [
        GateCheck(
            "Voting is over", facts.is_voting_over, "" if facts.is_voting_over else "It is still open."
        ),
        _check_ledger(facts),
        _check_audit(facts),
        _check_held(facts),
        GateCheck(
            "No appeal is open",
            not facts.open_appeals,
            f"Waiting for an answer: {facts.open_appeals}." if facts.open_appeals else "",
        ),
    ]
    if facts.needs_judges:
        checks.append(_check_panel(facts))
    words = _say_draw(facts) if facts.is_draw_missing else ""
    checks.append(GateCheck("Nobody is level, or the draw is made", not facts.is_draw_missing, words))
    return checks


def find_doubtful(tally: Tally, terms: Terms, places: Sequence[int]) -> list[int]:
    """The entries whose held votes, were any number of them counted, could change who is in a paid place, or in which.

    An entry that could come level with, or pass, one above it at a paid place is doubtful, and so is one that could
    take a paid place that nobody has. Where judges have a share, votes count by the most votes of any: who could raise
    that is doubtful as well, where it matters. `places` is what the tally without held votes gives.
    """
    paid = places[: terms.places]
    reach = _Reach(tally, terms)
    doubtful = {
        blamed
        for rank, holder in enumerate(paid)
        for entry in reach.least.keys() - set(paid[: rank + 1])
        if reach.could_overtake(entry, holder)
        for blamed in (entry, *reach.raisers)
        if reach.has_held(blamed)
    }
    if len(paid) < terms.places:
        doubtful |= {entry for entry in reach.least.keys() - set(paid) if reach.has_held(entry)}
    return sorted(doubtful)


def check_step(state: str, step: str) -> None:
    """Raise ResultRefused unless a prize may go from this state to that step."""
    if STEPS.get(state) != step:
        raise ResultRefused("That is not the next step of this prize. Nothing was changed.")


def _check_ledger(facts: GateFacts) -> GateCheck:
    if facts.waiting:
        return GateCheck(
            "The ledger has everything", False, f"{facts.waiting} votes, decisions or entries wait for it."
        )
    words = "" if facts.is_last_head else "The last head is not signed yet."
    return GateCheck("The ledger has everything", facts.is_last_head, words)


def _check_audit(facts: GateFacts) -> GateCheck:
    is_fine = facts.audited > 0 and facts.ballots > 0 and not facts.differences
    words = f"{facts.audited:,} things looked at, {facts.differences:,} differences."
    if not facts.ballots:
        words += " The ledger of this contest has no votes and no points."
    return GateCheck("The audit is clean", is_fine, words)


def _check_held(facts: GateFacts) -> GateCheck:
    words = ""
    if facts.doubtful:
        entries = ", ".join(map(str, facts.doubtful))
        words = f"Those of entry {entries} could. Decide about them first."
    return GateCheck("Held votes change no paid place", not facts.doubtful, words)


def _check_panel(facts: GateFacts) -> GateCheck:
    if not facts.is_panel_closed:
        return GateCheck(
            "The judges are done",
            False,
            "The panel is open, or an entry came into the running after it was closed: look at the page of the judges.",
        )
    words = "" if facts.are_points_in else "Their points come into the ledger with the next batch."
    return GateCheck("The judges are done", facts.are_points_in, words)


def _say_draw(facts: GateFacts) -> str:
    if facts.needs_judges and not (facts.is_panel_closed and facts.are_points_in):
        return "That shows when the judges' points are in the ledger. Nothing is needed for it yet."
    return "Entries are level at a place that counts: give the public value."


class _Reach:
    """The fewest and the most votes that each entry in the running can come to, and what that makes of their scores."""

    def __init__(self, tally: Tally, terms: Terms) -> None:
        entries = (tally.votes.keys() | tally.points.keys()) - tally.out
        votes = {entry: tally.votes.get(entry, {}) for entry in entries}
        self.least = {entry: states.get(COUNTED, 0) for entry, states in votes.items()}
        self._most = {entry: states.get(COUNTED, 0) + states.get(HELD, 0) for entry, states in votes.items()}
        self._points = {entry: tally.points.get(entry, 0) for entry in entries}
        self._share = terms.judges_share
        self._now = score_entries(tally, terms)
        highest = max([1, *self.least.values()])
        self.raisers = [entry for entry in entries if self._share and self._most[entry] > highest]

    def has_held(self, entry: int) -> bool:
        """Whether any vote for it is held."""
        return self._most[entry] > self.least[entry]

    def could_overtake(self, entry: int, holder: int) -> bool:
        """Whether it could come level with the one ahead of it, or pass it, by votes that are held."""
        lead = self._find_least_lead(holder, entry)
        return lead <= 0 and lead < self._now.get(holder, 0) - self._now.get(entry, 0)

    def _find_least_lead(self, holder: int, entry: int) -> Fraction:
        """The least by which `holder` can be ahead of `entry`, over every choice of held votes.

        The difference of their votes is least with all of the one and none of the other. What it weighs goes by the
        most votes of any: a holder with fewer votes is hurt most where the others stay low, one with more is where
        they rise.
        """
        gap = self.least[holder] - self._most[entry]
        if not self._share:
            return Fraction(gap)
        others = self._most if gap >= 0 else self.least
        measure = max(
            [1, self.least[holder], self._most[entry], *(others[key] for key in others if key != holder)]
        )
        most_points = max([1, *self._points.values()])
        points = Fraction(self._points[holder] - self._points[entry], most_points)
        return (100 - self._share) * Fraction(gap, measure) + self._share * points
