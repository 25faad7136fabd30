"""Who may vote for what, and how often: facts in, a refusal or the vote's period out."""

import hmac
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo


class VoteRefused(Exception):
    """A vote that cannot be cast; nothing was changed."""


class VotingNotOpen(VoteRefused):
    """Voting opens at `opens_at` (None: no date is set)."""

    def __init__(self, opens_at: datetime | None) -> None:
        super().__init__("voting is not open yet")
        self.opens_at = opens_at


class VotingClosed(VoteRefused):
    """Voting closed at `closed_at`."""

    def __init__(self, closed_at: datetime) -> None:
        super().__init__("voting is closed")
        self.closed_at = closed_at


class SessionEnded(VoteRefused):
    """The voter signed out, on this device or another, before the vote arrived."""


class NotOnBallot(VoteRefused):
    """The entry is not published, or not in this contest."""


class OwnEntry(VoteRefused):
    """The rules of this contest let nobody vote for their own entry."""


class AlreadyVoted(VoteRefused):
    """This person has voted for this entry in this period; the first vote stands."""

    def __init__(self, first_at: datetime, receipt: str, next_at: datetime | None) -> None:
        super().__init__("already voted")
        self.first_at = first_at
        self.receipt = receipt
        self.next_at = next_at


class NoVotesLeft(VoteRefused):
    """This person has cast as many votes in this period as the rules allow."""

    def __init__(self, limit: int, next_at: datetime | None, first_at: datetime | None) -> None:
        super().__init__("no votes left")
        self.limit = limit
        self.next_at = next_at
        self.first_at = first_at


class Policy(NamedTuple):
    """A contest's ballot policy and its voting times, as plain facts.

    `windows` are the stretches in which one may vote, in order, start included and end excluded;
    `voter_salt` makes the contest's keys (`make_contest_key`).
    """

    contest_id: int
    time_zone: str
    period: str  # contest | day | week
    limit: int | None
    may_vote_for_own: bool
    windows: tuple[tuple[datetime, datetime], ...]
    voter_salt: bytes


@dataclass(frozen=True, slots=True)
class BallotFacts:
    """What is known of the entry and the voter when the vote arrives."""

    entry_state: str
    entry_contest_id: int
    is_own_entry: bool


def check_vote(policy: Policy, facts: BallotFacts, now: datetime) -> None:
    """Raise the VoteRefused that applies, if any. How often is left to the database's unique keys."""
    if facts.entry_state != "published" or facts.entry_contest_id != policy.contest_id:
        raise NotOnBallot
    check_window(policy, now)
    if facts.is_own_entry and not policy.may_vote_for_own:
        raise OwnEntry


def check_window(policy: Policy, now: datetime) -> None:
    """Raise VotingNotOpen or VotingClosed unless `now` lies in one of the windows."""
    if any(start <= now < end for start, end in policy.windows):
        return
    upcoming = [start for start, _ in policy.windows if start > now]
    if upcoming or not policy.windows:
        raise VotingNotOpen(min(upcoming, default=None))
    raise VotingClosed(max(end for _, end in policy.windows))


def name_period(policy: Policy, now: datetime) -> str:
    """The period a vote belongs to, by the contest's own calendar: '', '2026-05-01' or '2026-W18'."""
    if policy.period == "contest":
        return ""
    day = now.astimezone(ZoneInfo(policy.time_zone)).date()
    if policy.period == "day":
        return day.isoformat()
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def find_next_period(policy: Policy, now: datetime) -> datetime | None:
    """When the next period begins; None where there is none before voting ends."""
    if policy.period == "contest":
        return None
    zone = ZoneInfo(policy.time_zone)
    day = now.astimezone(zone).date()
    days = 1 if policy.period == "day" else 7 - day.weekday()
    begins = _first_instant(day + timedelta(days=days), zone)
    return begins if any(start <= begins < end for start, end in policy.windows) else None


def make_voter_key(secret: str, voter_salt: bytes, email_key: str) -> bytes:
    """A person's key in one contest: HMAC-SHA-256, so that contests cannot be joined and no address is kept.

    Once the contest's salt is deleted, nobody can make the key again, with or without our secret.
    """
    return hmac.digest(make_contest_key(secret, voter_salt), email_key.encode(), "sha256")


@lru_cache(maxsize=64)
def make_contest_key(secret: str, voter_salt: bytes) -> bytes:
    """The contest's own key of 32 bytes, from our secret and its salt."""
    return hmac.digest(secret.encode(), voter_salt, "sha256")


def _first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Midnight in the zone, or the first instant after it where the clocks skip midnight."""
    midnight = datetime.combine(day, time(), zone)
    return midnight.astimezone(ZoneInfo("UTC"))
