"""Casting a vote: one transaction in which the database's unique keys decide."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, func, select, type_coerce, update

from quilt.accounts.domains import needs_step_up
from quilt.accounts.models import User
from quilt.accounts.rules import person_key
from quilt.arrivals.nodes import Node, Visit, add_own_node, find_or_add_node, put_in_inbox
from quilt.database import UtcDateTime, insert_if_new, write
from quilt.entries.models import Entry
from quilt.prepared import Prepared
from quilt.votes.casting_models import VoteKey
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.periods import find_next_period, name_period
from quilt.votes.rules import (
    AlreadyVoted,
    BallotFacts,
    DisposableAddress,
    KeyReused,
    NotOnBallot,
    NoVotesLeft,
    Policy,
    SessionEnded,
    TakenBack,
    check_vote,
    make_voter_key,
)
from quilt.votes.vouching import bind_identities, is_vouched

_entry, _vote, _voter, _user = Entry.__table__, Vote.__table__, Voter.__table__, User.__table__
_entrant = _user.alias()


def _build_facts(dialect: str) -> Any:
    """What a vote needs to know, and the instant at which the database was asked: that is when it arrived."""
    clock = func.strftime("%Y-%m-%d %H:%M:%f", "now") if dialect == "sqlite" else func.clock_timestamp()
    return _SELECT_FACTS.add_columns(type_coerce(clock, UtcDateTime).label("clock"))


_SELECT_FACTS = (
    select(
        _entry.c.state, _entry.c.contest_id, _entry.c.entrant_id, _entrant.c.email.label("entrant_email"),
        _user.c.email, _user.c.session_epoch, _user.c.is_proven, _voter.c.id.label("voter_id"),
    )
    .join_from(_entry, _entrant, _entrant.c.id == _entry.c.entrant_id)
    .join(_user, _user.c.id == bindparam("user_id"))
    .outerjoin(_voter, and_(_voter.c.contest_id == _entry.c.contest_id, _voter.c.user_id == _user.c.id))
    .where(_entry.c.id == bindparam("entry_id"))
)  # fmt: skip
_FACTS = Prepared(_build_facts)
_VOTER = Prepared(
    select(_voter.c.id).where(
        _voter.c.contest_id == bindparam("contest_id"), _voter.c.key == bindparam("key")
    )
)
_FIRST = Prepared(
    select(_vote.c.cast_at, _vote.c.receipt, _vote.c.state).where(
        _vote.c.contest_id == bindparam("contest_id"),
        _vote.c.voter_id == bindparam("voter_id"),
        _vote.c.entry_id == bindparam("entry_id"),
        _vote.c.period == bindparam("period"),
    )
)
_SLOTS = Prepared(
    select(_vote.c.slot, _vote.c.cast_at).where(
        _vote.c.contest_id == bindparam("contest_id"),
        _vote.c.voter_id == bindparam("voter_id"),
        _vote.c.period == bindparam("period"),
    )
)
_CLAIMED = Prepared(
    select(func.count())
    .select_from(_vote)
    .where(_vote.c.arrival_id == bindparam("arrival_id"), _vote.c.voter_id != bindparam("voter_id"))
)
_COUNT_ONE = Prepared(
    update(EntryTally)
    .where(EntryTally.entry_id == bindparam("of_entry"))
    .values(standing=EntryTally.standing + 1)
)
_VOTER_COLUMNS = ("contest_id", "user_id", "key", "tier", "created_at")
_ADD_VOTER = Prepared(lambda dialect: insert_if_new(_voter, dialect, "id"), _VOTER_COLUMNS)
_VOTE_COLUMNS = (
    "contest_id", "voter_id", "entry_id", "period", "slot", "state", "receipt", "arrival_id", "last_channel",
    "last_code", "evidence", "cast_at",
)  # fmt: skip
_KEY_COLUMNS = ("user_id", "digest", "entry_id", "receipt", "used_at")
_ADD_KEY = Prepared(lambda dialect: insert_if_new(VoteKey.__table__, dialect, "entry_id"), _KEY_COLUMNS)
_KEY = Prepared(
    select(VoteKey.entry_id, VoteKey.receipt, VoteKey.used_at).where(
        VoteKey.user_id == bindparam("user_id"), VoteKey.digest == bindparam("digest")
    )
)
_ADD_VOTE = Prepared(lambda dialect: insert_if_new(_vote, dialect, "id"), _VOTE_COLUMNS)


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


def cast_vote(
    ballot: Ballot, policy: Policy, *, secret: str, now: datetime | None, entropy: Callable[[int], bytes]
) -> Receipt:
    """Record one vote, durable when this returns. Raises a VoteRefused, then nothing changed.

    The vote also counts as its voter's visit and points at the voter's own arrival. The contest knows the
    voter by a hash keyed with `secret`. Where `now` is None, the clock of the database at the first statement
    decides when the vote arrived, so that it does not matter which host took the request, or what its clock says.
    """
    return write(_cast, ballot, policy, secret, now, entropy)


def _cast(
    connection: Connection,
    ballot: Ballot,
    policy: Policy,
    secret: str,
    told: datetime | None,
    entropy: Callable[[int], bytes],
) -> Receipt:
    if ballot.key is not None:
        _check_key(connection, ballot)  # first of all: what was answered once is answered so for as long
    facts, now, tier = _check(connection, ballot, policy, told)
    voter_key = make_voter_key(secret, policy.voter_salt, person_key(facts.email))
    voter_id, is_new = _find_or_add_voter(
        connection, ballot._replace(tier=tier), facts, voter_key, policy, now
    )
    key = {
        "contest_id": policy.contest_id,
        "voter_id": voter_id,
        "period": name_period(policy.period, policy.time_zone, now),
    }
    entry_id = ballot.visit.entry_id
    first = None if is_new else _FIRST.first(connection, {**key, "entry_id": entry_id})
    if first is not None:
        raise _describe_first(first, policy, now)
    if tier == "oauth":
        bind_identities(connection, ballot.user_id, voter_id, policy, secret, now)
    node = _settle_node(connection, ballot, voter_id, now, entropy)
    receipt = entropy(12).hex()
    row = {
        **key,
        "entry_id": entry_id,
        "state": "recorded",
        "receipt": receipt,
        "arrival_id": node.arrival_id,
        "last_code": ballot.visit.via if ballot.visit.via != node.code else "",
        "last_channel": ballot.visit.channel,
        "evidence": ballot.evidence,
        "cast_at": now,
    }
    _insert(connection, row, policy, now)
    if ballot.key is not None:
        _keep_key(connection, ballot, receipt, now)
    _COUNT_ONE.rows(connection, {"of_entry": entry_id})
    put_in_inbox(connection, entry_id, node.arrival_id, is_new=node.is_new, votes=1)
    return Receipt(receipt, now, node)


def _check(
    connection: Connection, ballot: Ballot, policy: Policy, told: datetime | None
) -> tuple[Any, datetime, str]:
    """The facts of a vote that may be cast (a row of _FACTS), when it arrived, and by which proof it counts.

    An alias of the entrant's mailbox is the entrant.
    """
    facts = _FACTS.first(connection, {"entry_id": ballot.visit.entry_id, "user_id": ballot.user_id})
    if facts is None:
        raise NotOnBallot
    if ballot.session_epoch not in (None, facts.session_epoch):
        raise SessionEnded
    is_own = facts.entrant_id == ballot.user_id or person_key(facts.entrant_email) == person_key(facts.email)
    now = facts.clock if told is None else told
    tier = _find_tier(connection, ballot, facts, policy, now)
    check_vote(policy, BallotFacts(facts.state, facts.contest_id, is_own, tier), now)
    return facts, now, tier


def _find_tier(connection: Connection, ballot: Ballot, facts: Any, policy: Policy, now: datetime) -> str:
    """How the person is proven: whose address no code has proven is known by the word of a provider.

    So is everybody whose address proves too little here, if a provider vouches for them as well.
    Raises DisposableAddress where nobody does.
    """
    if not facts.is_proven or ballot.tier != "email":
        return ballot.tier if facts.is_proven else "oauth"
    is_short_lived = len(policy.tiers) > 1 and needs_step_up(facts.email, policy.domains, now)
    if "email" in policy.tiers and not is_short_lived:
        return ballot.tier
    if is_vouched(connection, ballot.user_id):
        return "oauth"
    if is_short_lived:
        raise DisposableAddress
    return ballot.tier


def _check_key(connection: Connection, ballot: Ballot) -> None:
    """Answer a request that comes again as it was answered first; another vote under the same key is refused."""
    used = _KEY.first(connection, {"user_id": ballot.user_id, "digest": ballot.key})
    if used is None:
        return
    if used.entry_id != ballot.visit.entry_id:
        raise KeyReused
    raise AlreadyVoted(used.used_at, used.receipt, None)


def _keep_key(connection: Connection, ballot: Ballot, receipt: str, now: datetime) -> None:
    values = {"user_id": ballot.user_id, "digest": ballot.key, "entry_id": ballot.visit.entry_id}
    if _ADD_KEY.scalar(connection, {**values, "receipt": receipt, "used_at": now}) is None:
        raise KeyReused  # by a parallel request, for another entry: the vote's own key knows the same one


def _describe_first(first: Any, policy: Policy, now: datetime) -> AlreadyVoted | TakenBack:
    following = find_next_period(policy, now)
    if first.state == "withdrawn":
        return TakenBack(following)
    return AlreadyVoted(first.cast_at, first.receipt, following)


def _find_or_add_voter(
    connection: Connection, ballot: Ballot, facts: Any, key: bytes, policy: Policy, now: datetime
) -> tuple[int, bool]:
    """The voter's id, and whether they are new here; a mailbox that voted by another account is known by its key."""
    if facts.voter_id is not None:
        return int(facts.voter_id), False
    values = {"contest_id": policy.contest_id, "key": key, "user_id": ballot.user_id}
    added = _ADD_VOTER.scalar(connection, {**values, "tier": ballot.tier, "created_at": now})
    if added is not None:
        return int(added), True
    return int(_VOTER.scalar(connection, {"contest_id": policy.contest_id, "key": key})), False


def _settle_node(
    connection: Connection, ballot: Ballot, voter_id: int, now: datetime, entropy: Callable[[int], bytes]
) -> Node:
    """The voter's own arrival; a second person behind the same pseudonym gets one of their own."""
    node = find_or_add_node(connection, ballot.visit, now, entropy)
    if node.is_new:
        return node
    claims = _CLAIMED.scalar(connection, {"arrival_id": node.arrival_id, "voter_id": voter_id})
    if not claims:
        return node
    return add_own_node(connection, ballot.visit, b"voter" + voter_id.to_bytes(8), now, entropy)


def _insert(connection: Connection, row: dict[str, object], policy: Policy, now: datetime) -> None:
    """Insert under the unique keys; a slot taken by a parallel vote is tried again with the next free one."""
    key = {name: row[name] for name in ("contest_id", "voter_id", "period")}
    while True:
        slot = None if policy.limit is None else _find_slot(connection, key, policy, now)
        if _ADD_VOTE.scalar(connection, {**row, "slot": slot}) is not None:
            return
        first = _FIRST.first(connection, {**key, "entry_id": row["entry_id"]})
        if first is not None:
            raise _describe_first(first, policy, now)


def _find_slot(connection: Connection, key: dict[str, object], policy: Policy, now: datetime) -> int:
    used: list[Row[tuple[int | None, datetime]]] = _SLOTS.rows(connection, key)
    limit = policy.limit or 0
    free = sorted(set(range(limit)) - {vote.slot for vote in used})
    if not free:
        first_at = min((vote.cast_at for vote in used if vote.slot is not None), default=None)
        raise NoVotesLeft(limit, find_next_period(policy, now), first_at)
    return free[0]
