"""What a ballot says, and what is decided about it from facts: the same for one vote and for many at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from quilt.accounts.domains import needs_step_up
from quilt.accounts.rules import person_key
from quilt.arrivals.nodes import Node, Visit
from quilt.votes.periods import find_next_period
from quilt.votes.rules import (
    AlreadyVoted,
    BallotFacts,
    NoVotesLeft,
    Policy,
    SessionEnded,
    TakenBack,
    check_vote,
    make_voter_key,
)


class Ballot(NamedTuple):
    """One person's wish: who, proven in which way, for which entry, and how they came.

    `session_epoch` is that of the voter's session, where they are known by one: a session that was ended
    casts no vote. `evidence` tells how the vote was cast, packed (`quilt.votes.evidence`). `key` is the digest of
    the request's Idempotency-Key, where it has one: the same request again is answered with the same receipt.
    """

    user_id: int
    tier: str
    visit: Visit
    session_epoch: int | None = None
    evidence: bytes | None = None
    key: bytes | None = None


class Receipt(NamedTuple):
    """What the voter gets: the vote's number in public, its time, and the voter's own link."""

    receipt: str
    cast_at: datetime
    node: Node


class Cast(NamedTuple):
    """A vote that is in the tables and not yet in any count."""

    receipt: Receipt
    entry_id: int


def check_facts(facts: Any, ballot: Ballot, policy: Policy, now: datetime) -> str | None:
    """By which proof a vote counts that may be cast, from a row of the facts that `casting` and `together` gather.

    None where it proves too little: somebody else may vouch for its voter. Raises the VoteRefused that applies.
    An alias of the entrant's mailbox is the entrant.
    """
    if ballot.session_epoch not in (None, facts.session_epoch):
        raise SessionEnded
    is_own = facts.entrant_id == ballot.user_id or person_key(facts.entrant_email) == person_key(facts.email)
    tier = _find_tier(ballot, facts, policy, now)
    known = tier or policy.tiers[0]  # who vouches is asked afterwards
    check_vote(policy, BallotFacts(facts.state, facts.contest_id, is_own, known), now)
    return tier


def describe_first(
    state: str, cast_at: datetime, receipt: str, policy: Policy, now: datetime
) -> AlreadyVoted | TakenBack:
    """Why a second vote is refused, from what is known of the first."""
    following = find_next_period(policy, now)
    return TakenBack(following) if state == "withdrawn" else AlreadyVoted(cast_at, receipt, following)


def choose_slot(used: Sequence[Any], policy: Policy, now: datetime) -> int | None:
    """The next free slot beside a voter's votes of the period (slot, cast_at); None where votes have no limit.

    Raises NoVotesLeft.
    """
    if policy.limit is None:
        return None
    free = sorted(set(range(policy.limit)) - {vote.slot for vote in used})
    if not free:
        first_at = min((vote.cast_at for vote in used if vote.slot is not None), default=None)
        raise NoVotesLeft(policy.limit, find_next_period(policy, now), first_at)
    return free[0]


def lay_out_vote(
    ballot: Ballot,
    tier: str,
    policy: Policy,
    voter_id: int,
    period: str,
    receipt: Receipt,
    slot: int | None = None,
) -> dict[str, Any]:
    """The row of a vote. `tier` is the proof that this one was cast by: the next may have another."""
    visit, node = ballot.visit, receipt.node
    return {
        "contest_id": policy.contest_id,
        "voter_id": voter_id,
        "entry_id": visit.entry_id,
        "period": period,
        "tier": tier,
        "slot": slot,
        "state": "recorded",
        "receipt": receipt.receipt,
        "arrival_id": node.arrival_id,
        "last_channel": visit.channel,
        "last_code": visit.via if visit.via != node.code else "",
        "evidence": ballot.evidence,
        "cast_at": receipt.cast_at,
    }


def lay_out_voter(ballot: Ballot, email: str, policy: Policy, secret: str, now: datetime) -> dict[str, Any]:
    """The row of somebody who votes in this contest for the first time."""
    key = make_voter_key(secret, policy.voter_salt, person_key(email))
    return {"contest_id": policy.contest_id, "user_id": ballot.user_id, "key": key, "created_at": now}


def needs_more_proof(email: str, policy: Policy, now: datetime) -> bool:
    """Whether this address is one for a few minutes, in a contest that knows another proof."""
    return len(policy.tiers) > 1 and needs_step_up(email, policy.domains, now)


def _find_tier(ballot: Ballot, facts: Any, policy: Policy, now: datetime) -> str | None:
    """How the person is proven: whose address no code has proven is known by the word of a provider.

    None where the address proves too little here.
    """
    if not facts.is_proven or ballot.tier != "email":
        return ballot.tier if facts.is_proven else "oauth"
    proves_enough = "email" in policy.tiers and not needs_more_proof(facts.email, policy, now)
    return ballot.tier if proves_enough else None
