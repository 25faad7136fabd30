"""The gate in front of a result, and the steps of a prize: decisions without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    `waiting` are votes and decisions that the ledger has not taken in, `is_last_head` whether the head after which
    no vote can come is signed; `audited` and `differences` tell of the audit; `is_draw_missing` that entries are
    level at a place that counts and no public value was given.
    """

    is_voting_over: bool
    waiting: int
    is_last_head: bool
    audited: int
    differences: int
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
            f"{facts.open_appeals} wait for an answer." if facts.open_appeals else "",
        ),
    ]
    if facts.needs_judges:
        checks.append(_check_panel(facts))
    words = _say_draw(facts) if facts.is_draw_missing else ""
    checks.append(GateCheck("Nobody is level, or the draw is made", not facts.is_draw_missing, words))
    return checks


def find_doubtful(tally: Tally, terms: Terms, places: Sequence[int]) -> list[int]:
    """The entries whose held votes, were they counted, could change who is in a paid place, or in which.

    Each entry's held votes are counted alone, and all together: an entry that comes level with, or passes, one
    above it at a paid place is doubtful. `places` is what the tally without them gives.
    """
    paid = places[: terms.places]
    with_held = [entry for entry, states in tally.votes.items() if states[HELD] and entry not in tally.out]
    before = score_entries(tally, terms)
    trials = [*([entry] for entry in with_held), with_held] if with_held else []
    doubtful = {
        riser
        for trial in trials
        for riser in _find_risers(before, score_entries(_count_held(tally, trial), terms), paid)
    }
    return sorted(doubtful)


def check_step(state: str, step: str) -> None:
    """Raise ResultRefused unless a prize may go from this state to that step."""
    if STEPS.get(state) != step:
        raise ResultRefused("That is not the next step of this prize. Nothing was changed.")


def _check_ledger(facts: GateFacts) -> GateCheck:
    if facts.waiting:
        return GateCheck(
            "The ledger has everything", False, f"{facts.waiting} votes or decisions wait for it."
        )
    words = "" if facts.is_last_head else "The last head is not signed yet: give it a few minutes."
    return GateCheck("The ledger has everything", facts.is_last_head, words)


def _check_audit(facts: GateFacts) -> GateCheck:
    is_fine = facts.audited > 0 and not facts.differences
    words = f"{facts.audited:,} things looked at, {facts.differences:,} differences."
    return GateCheck("The audit is clean", is_fine, words)


def _check_held(facts: GateFacts) -> GateCheck:
    words = ""
    if facts.doubtful:
        entries = ", ".join(map(str, facts.doubtful))
        words = f"Those of entry {entries} could. Decide about them first."
    return GateCheck("Held votes change no paid place", not facts.doubtful, words)


def _check_panel(facts: GateFacts) -> GateCheck:
    if not facts.is_panel_closed:
        return GateCheck("The judges are done", False, "The panel is open.")
    words = "" if facts.are_points_in else "Their points come into the ledger with the next batch."
    return GateCheck("The judges are done", facts.are_points_in, words)


def _say_draw(facts: GateFacts) -> str:
    if facts.needs_judges and not (facts.is_panel_closed and facts.are_points_in):
        return "That shows when the judges' points are in the ledger. Nothing is needed for it yet."
    return "Entries are level at a place that counts: give the public value."


def _count_held(tally: Tally, entries: Sequence[int]) -> Tally:
    votes = {
        entry: {**states, COUNTED: states[COUNTED] + states[HELD]} if entry in entries else states
        for entry, states in tally.votes.items()
    }
    return replace(tally, votes=votes)


def _find_risers(
    before: Mapping[int, Fraction], after: Mapping[int, Fraction], paid: Sequence[int]
) -> list[int]:
    """Who comes level with, or above, an entry at a paid place that they stood behind, and gained on it."""
    risers = []
    for rank, holder in enumerate(paid):
        for entry in after.keys() - set(paid[: rank + 1]):
            lead = after[entry] - after.get(holder, 0)
            if lead >= 0 and lead > before.get(entry, 0) - before.get(holder, 0):
                risers.append(entry)
    return risers
