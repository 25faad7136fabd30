"""What to look at before a contest is shown to everybody: pure checks, each with words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from quilt.contests.policy_text import ContestLike
from quilt.contests.rules import Action, is_over, list_windows

SHORT_VOTING = timedelta(days=2)


class Described(ContestLike, Protocol):
    """A contest with its texts."""

    @property
    def intro(self) -> str: ...
    @property
    def prize_text(self) -> str: ...
    @property
    def prize_from(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Check:
    """One look: fine, a warning, or (`is_block`) something without which it cannot be published."""

    name: str
    is_fine: bool
    words: str  # what is missing; where it is fine, what was seen
    section: str  # of the desk: basics | dates | ballot | rules | people
    is_block: bool = False


def list_blocks(contest: Described, now: datetime) -> list[Check]:
    """What stands in the way of publishing."""
    return [check for check in run_checks(contest, now) if check.is_block and not check.is_fine]


def run_checks(contest: Described, now: datetime) -> list[Check]:
    """Every check of the contest's own settings, in the order in which one would mend them."""
    submitting = list_windows(contest.phases, Action.SUBMIT)
    voting = list_windows(contest.phases, Action.VOTE)
    policy = contest.policy
    return [
        _check("A title", bool(contest.title.strip()), "Give it a title.", "basics", is_block=True),
        _check(
            "Words about it",
            bool(contest.intro.strip()),
            "A sentence or two tell people what it is for.",
            "basics",
        ),
        _check(
            "The prize, and who pays it",
            bool(contest.prize_text.strip() and contest.prize_from.strip()),
            "Say what can be won and who pays it.",
            "basics",
        ),
        _check("A time to enter", bool(submitting), "No phase lets people enter.", "dates", is_block=True),
        _check("A time to vote", bool(voting), "No phase lets people vote.", "dates", is_block=True),
        _check(
            "Still ahead",
            bool(contest.phases) and not is_over(contest.phases, now),
            "Every phase is over already." if contest.phases else "There are no dates yet.",
            "dates",
            is_block=True,
        ),
        _check(
            "Voting begins in the future",
            bool(voting) and voting[0][0] > now,
            "Voting has begun by these dates: once published, policy and rules are fixed at once."
            if voting
            else "No phase lets people vote.",
            "dates",
        ),
        _check(
            "Entering before voting ends",
            bool(submitting and voting) and submitting[0][0] < voting[-1][1],
            "Voting ends before anybody can enter."
            if submitting and voting
            else "It takes a time to enter and a time to vote.",
            "dates",
            is_block=True,
        ),
        _check(
            "Time enough to vote",
            bool(voting) and voting[-1][1] - voting[0][0] >= SHORT_VOTING,
            "Voting lasts less than two days. Is that meant?" if voting else "No phase lets people vote.",
            "dates",
        ),
        _check("Rules", bool(contest.rules_text.strip()), "Write the rules down.", "rules", is_block=True),
        _check(
            "A proof that is dear to fake",
            policy.tiers != "email" or not contest.prize_text,
            "An e-mail code alone costs a cheat cents. For a large prize let people sign in with other services too.",
            "ballot",
        ),
        _check(
            "The public value of the draw",
            bool(policy.draw_source.strip()),
            "Name the value that decides between entries that are level.",
            "ballot",
            is_block=True,
        ),
    ]


def _check(name: str, is_fine: bool, words: str, section: str, is_block: bool = False) -> Check:
    return Check(name, is_fine, "" if is_fine else words, section, is_block)
