"""Which ballot policies there are: pure checks before one is stored."""

from collections.abc import Sequence
from datetime import datetime

from quilt.contests.policy_text import COUNTS, TIERS, PolicyLike, check_tie_breaks, split_list
from quilt.contests.refusals import InvalidContest
from quilt.contests.rules import Action, PhaseLike, list_windows

PERIODS = ("contest", "day", "week")
MOST_VOTES, MOST_PLACES, MOST_SOURCE = 1_000, 100, 500


def check_policy(policy: PolicyLike, phases: Sequence[PhaseLike]) -> None:
    """Raise InvalidContest, with the field to mend, for a policy that cannot be voted or counted by."""
    tiers = split_list(policy.tiers)
    if not tiers or not set(tiers) <= TIERS.keys() or len(set(tiers)) < len(tiers):
        raise InvalidContest("tiers", "Choose at least one proof of a person.")
    if policy.period not in PERIODS:
        raise InvalidContest("period", "Votes are counted a contest, a day or a week.")
    if policy.limit_count is not None and not 1 <= policy.limit_count <= MOST_VOTES:
        raise InvalidContest(
            "limit_count", f"The number of votes must be between 1 and {MOST_VOTES:,}, or empty for no limit."
        )
    if policy.counts not in COUNTS:
        raise InvalidContest("counts", "Choose when votes are shown.")
    if not 0 <= policy.judges_share <= 100:
        raise InvalidContest("judges_share", "The judges’ share is between 0 and 100 percent.")
    if not check_tie_breaks(split_list(policy.tie_breaks)):
        raise InvalidContest("tie_breaks", "Choose how entries that are level are told apart.")
    if not 1 <= policy.places <= MOST_PLACES:
        raise InvalidContest("places", f"Between 1 and {MOST_PLACES} places can be paid.")
    if not 0 <= policy.runners_up <= MOST_PLACES:
        raise InvalidContest("runners_up", f"There can be 0 to {MOST_PLACES} runners-up.")
    if not policy.draw_source.strip() or len(policy.draw_source) > MOST_SOURCE:
        raise InvalidContest(
            "draw_source", f"Name the public value of the draw, in at most {MOST_SOURCE} characters."
        )
    _check_revoking(policy.revocable_until, phases)


def _check_revoking(until: datetime | None, phases: Sequence[PhaseLike]) -> None:
    windows = list_windows(phases, Action.VOTE)
    if until is not None and windows and not windows[0][0] < until <= windows[-1][1]:
        raise InvalidContest(
            "revocable_until", "Votes can be taken back while voting is open, not outside of it."
        )
