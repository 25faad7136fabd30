"""Who may vote for what: facts in, a refusal or nothing out."""

import hmac
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple


class VoteRefused(Exception):
    """A vote that cannot be cast; nothing was changed."""


class VotingNotOpen(VoteRefused):
    """Voting opens at `opens_at` (None: no date is set)."""

    def __init__(self, opens_at: datetime | None) -> None:
        super().__init__("voting is not open yet")
        self.opens_at = opens_at


class VotingClosed(VoteRefused):
    """Voting closed at `closed_at`; this vote arrived at `arrived_at`."""

    def __init__(self, closed_at: datetime, arrived_at: datetime) -> None:
        super().__init__("voting is closed")
        self.closed_at = closed_at
        self.arrived_at = arrived_at


class VotingPaused(VoteRefused):
    """Voting is paused since `since`, for a `reason` that everybody may read."""

    def __init__(self, since: datetime, reason: str) -> None:
        super().__init__("voting is paused")
        self.since = since
        self.reason = reason


class SessionEnded(VoteRefused):
    """The voter signed out, on this device or another, before the vote arrived."""


class NotOnBallot(VoteRefused):
    """The entry is not published, or not in this contest."""


class OwnEntry(VoteRefused):
    """The rules of this contest let nobody vote for their own entry."""


class WrongTier(VoteRefused):
    """The rules of this contest do not count votes proven in this way."""


class IdentityUsed(VoteRefused):
    """Whoever signs in with this identity of a provider has voted here before, by another account."""


class KeyReused(VoteRefused):
    """The key of this request stood for another vote before."""


class TakenBack(VoteRefused):
    """This person took their vote for this entry back; the next is possible at `next_at` (None: not here)."""

    def __init__(self, next_at: datetime | None) -> None:
        super().__init__("taken back")
        self.next_at = next_at


class NotRevocable(VoteRefused):
    """The vote stays cast: the rules allow nothing else (`until` None), or not any more. Times in `time_zone`."""

    def __init__(self, until: datetime | None, time_zone: str) -> None:
        super().__init__("not revocable")
        self.until = until
        self.time_zone = time_zone


class DecidedAbout(NotRevocable):
    """The vote stays as it is: somebody has rejected it, or its contest's result is final (`is_final`)."""

    def __init__(self, until: datetime | None, time_zone: str, *, is_final: bool) -> None:
        super().__init__(until, time_zone)
        self.is_final = is_final


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

    `windows` are the stretches in which one may vote, in order, start included and end excluded; `pauses` are
    (start, end or None, public reason) within them. `voter_salt` makes the contest's keys (`make_contest_key`).
    `tiers` are the proofs of a person that count. `domains` are what the people in charge say about mail
    domains: (domain, whether it is fine, end or None).
    """

    contest_id: int
    time_zone: str
    period: str  # contest | day | week
    limit: int | None
    may_vote_for_own: bool
    windows: tuple[tuple[datetime, datetime], ...]
    voter_salt: bytes
    tiers: tuple[str, ...] = ("email", "oauth")
    pauses: tuple[tuple[datetime, datetime | None, str], ...] = ()
    revocable_until: datetime | None = None
    domains: tuple[tuple[str, bool, datetime | None], ...] = ()

    def __reduce__(self) -> "tuple[Callable[[bytes], Policy], tuple[bytes]]":
        """As bytes that both sides keep: a policy travels to the writer with every vote."""
        return _unpack_policy, (_pack_policy(self),)


@lru_cache(maxsize=256)
def _pack_policy(policy: Policy) -> bytes:
    return pickle.dumps(tuple(policy))


@lru_cache(maxsize=256)
def _unpack_policy(packed: bytes) -> Policy:
    return Policy(*pickle.loads(packed))


@dataclass(frozen=True, slots=True)
class BallotFacts:
    """What is known of the entry and the voter when the vote arrives."""

    entry_state: str
    entry_contest_id: int
    is_own_entry: bool
    tier: str = "email"


def check_vote(policy: Policy, facts: BallotFacts, now: datetime) -> None:
    """Raise the VoteRefused that applies, if any. How often is left to the database's unique keys."""
    if facts.entry_state != "published" or facts.entry_contest_id != policy.contest_id:
        raise NotOnBallot
    check_window(policy, now)
    if facts.is_own_entry and not policy.may_vote_for_own:
        raise OwnEntry
    if facts.tier not in policy.tiers:
        raise WrongTier


def check_window(policy: Policy, now: datetime) -> None:
    """Raise VotingNotOpen, VotingClosed or VotingPaused unless one may vote at `now`."""
    if any(start <= now < end for start, end in policy.windows):
        for since, until, reason in policy.pauses:
            if since <= now and (until is None or now < until):
                raise VotingPaused(since, reason)
        return
    upcoming = [start for start, _ in policy.windows if start > now]
    if upcoming or not policy.windows:
        raise VotingNotOpen(min(upcoming, default=None))
    raise VotingClosed(max(end for _, end in policy.windows), now)


def make_voter_key(secret: str, voter_salt: bytes, email_key: str) -> bytes:
    """A person's key in one contest: HMAC-SHA-256, so that contests cannot be joined and no address is kept.

    Once the contest's salt is deleted, nobody can make the key again, with or without our secret.
    """
    return hmac.digest(make_contest_key(secret, voter_salt), email_key.encode(), "sha256")


def make_identity_key(secret: str, voter_salt: bytes, issuer: str, subject: str) -> bytes:
    """The key of a provider's identity in one contest: as `make_voter_key`, and never that of an address."""
    told = f"identity\n{issuer}\n{subject}"  # no address and no issuer has a line break
    return hmac.digest(make_contest_key(secret, voter_salt), told.encode(), "sha256")


@lru_cache(maxsize=64)
def make_contest_key(secret: str, voter_salt: bytes) -> bytes:
    """The contest's own key of 32 bytes, from our secret and its salt."""
    return hmac.digest(secret.encode(), voter_salt, "sha256")
