"""One vote on its way into the tables, inside the caller's transaction: the unique keys decide."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, and_, bindparam, func, select, type_coerce, update

from quilt.accounts.domains import needs_step_up
from quilt.accounts.models import User
from quilt.accounts.rules import person_key
from quilt.arrivals.nodes import (
    Node,
    Visit,
    add_own_node,
    describe_event,
    find_or_add_node,
    put_in_inbox,
)
from quilt.database import UtcDateTime, insert_if_new
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
    WrongTier,
    check_vote,
    make_voter_key,
)
from quilt.votes.vouching import bind_identities, is_vouched

_entry, _vote, _voter, _user = Entry.__table__, Vote.__table__, Voter.__table__, User.__table__
_entrant = _user.alias()


def _ask_clock(dialect: str) -> Any:
    """The instant at which the database is asked: that is when a vote arrived."""
    clock = func.strftime("%Y-%m-%d %H:%M:%f", "now") if dialect == "sqlite" else func.clock_timestamp()
    return type_coerce(clock, UtcDateTime).label("clock")


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
_FACTS = Prepared(lambda dialect: _SELECT_FACTS.add_columns(_ask_clock(dialect)))
_CLOCK = Prepared(lambda dialect: select(_ask_clock(dialect)))
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
_COUNT = Prepared(
    update(EntryTally)
    .where(EntryTally.entry_id == bindparam("of_entry"))
    .values(standing=EntryTally.standing + bindparam("votes", type_=Integer))
)
VOTER_COLUMNS = ("contest_id", "user_id", "key", "tier", "created_at")
_ADD_VOTER = Prepared(lambda dialect: insert_if_new(_voter, dialect, "id"), VOTER_COLUMNS)
VOTE_COLUMNS = (
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
_ADD_VOTE = Prepared(lambda dialect: insert_if_new(_vote, dialect, "id"), VOTE_COLUMNS)


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


def read_clock(connection: Connection) -> datetime:
    """The database's time now."""
    now: datetime = _CLOCK.scalar(connection, {})
    return now


def settle_vote(
    connection: Connection,
    ballot: Ballot,
    policy: Policy,
    secret: str,
    told: datetime | None,
    entropy: Callable[[int], bytes],
) -> Cast:
    """Put one vote into the tables. Raises a VoteRefused, possibly after changes: the caller takes them back."""
    if ballot.key is not None:
        _check_key(connection, ballot)  # first of all: what was answered once is answered so for as long
    facts = _FACTS.first(connection, {"entry_id": ballot.visit.entry_id, "user_id": ballot.user_id})
    if facts is None:
        raise NotOnBallot
    now = facts.clock if told is None else told
    tier = check_facts(facts, ballot, policy, now) or _ask_tier(connection, ballot, facts, policy, now)
    voter_id, is_new = _find_or_add_voter(connection, ballot, facts, tier, policy, secret, now)
    period = name_period(policy.period, policy.time_zone, now)
    key = {"contest_id": policy.contest_id, "voter_id": voter_id, "period": period}
    first = None if is_new else _FIRST.first(connection, {**key, "entry_id": ballot.visit.entry_id})
    if first is not None:
        raise describe_first(first.state, first.cast_at, first.receipt, policy, now)
    if tier == "oauth":
        bind_identities(connection, ballot.user_id, voter_id, policy, secret, now)
    node = _settle_node(connection, ballot, voter_id, now, entropy)
    receipt = Receipt(entropy(12).hex(), now, node)
    _insert(connection, lay_out_vote(ballot, policy, voter_id, period, receipt), policy, now)
    if ballot.key is not None:
        _keep_key(connection, ballot, receipt.receipt, now)
    return Cast(receipt, ballot.visit.entry_id)


def count_votes(connection: Connection, casts: Sequence[Cast]) -> None:
    """Count votes that were put into the tables, and tell the fold: the last act of their transaction.

    Entries come in one order for all, so that parallel transactions wait for each other and not in a ring.
    """
    counts = Counter(cast.entry_id for cast in casts)
    _COUNT.each(
        connection, [{"of_entry": entry_id, "votes": counts[entry_id]} for entry_id in sorted(counts)]
    )
    put_in_inbox(
        connection,
        [
            describe_event(entry_id, node.arrival_id, is_new=node.is_new, votes=1)
            for (_, _, node), entry_id in casts
        ],
    )


def check_facts(facts: Any, ballot: Ballot, policy: Policy, now: datetime) -> str | None:
    """By which proof a vote counts that may be cast, from a row like those of `_FACTS`.

    None where somebody else must vouch for its voter. Raises the VoteRefused that applies.
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
    ballot: Ballot, policy: Policy, voter_id: int, period: str, receipt: Receipt, slot: int | None = None
) -> dict[str, Any]:
    """The row of a vote."""
    visit, node = ballot.visit, receipt.node
    return {
        "contest_id": policy.contest_id,
        "voter_id": voter_id,
        "entry_id": visit.entry_id,
        "period": period,
        "slot": slot,
        "state": "recorded",
        "receipt": receipt.receipt,
        "arrival_id": node.arrival_id,
        "last_channel": visit.channel,
        "last_code": visit.via if visit.via != node.code else "",
        "evidence": ballot.evidence,
        "cast_at": receipt.cast_at,
    }


def lay_out_voter(
    ballot: Ballot, email: str, tier: str, policy: Policy, secret: str, now: datetime
) -> dict[str, Any]:
    """The row of somebody who votes in this contest for the first time."""
    key = make_voter_key(secret, policy.voter_salt, person_key(email))
    return {
        "contest_id": policy.contest_id, "user_id": ballot.user_id, "key": key, "tier": tier, "created_at": now,
    }  # fmt: skip


def _find_tier(ballot: Ballot, facts: Any, policy: Policy, now: datetime) -> str | None:
    """How the person is proven: whose address no code has proven is known by the word of a provider.

    None where the address proves too little here.
    """
    if not facts.is_proven or ballot.tier != "email":
        return ballot.tier if facts.is_proven else "oauth"
    is_short_lived = len(policy.tiers) > 1 and needs_step_up(facts.email, policy.domains, now)
    return ballot.tier if "email" in policy.tiers and not is_short_lived else None


def _ask_tier(connection: Connection, ballot: Ballot, facts: Any, policy: Policy, now: datetime) -> str:
    """The tier of somebody whose address proves too little: a provider may vouch for them as well.

    Raises DisposableAddress where nobody does, WrongTier where that would not help.
    """
    if is_vouched(connection, ballot.user_id):
        if "oauth" not in policy.tiers:
            raise WrongTier
        return "oauth"
    if len(policy.tiers) > 1 and needs_step_up(facts.email, policy.domains, now):
        raise DisposableAddress
    raise WrongTier


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


def _find_or_add_voter(
    connection: Connection,
    ballot: Ballot,
    facts: Any,
    tier: str,
    policy: Policy,
    secret: str,
    now: datetime,
) -> tuple[int, bool]:
    """The voter's id, and whether they are new here; a mailbox that voted by another account is known by its key."""
    if facts.voter_id is not None:
        return int(facts.voter_id), False
    row = lay_out_voter(ballot, facts.email, tier, policy, secret, now)
    added = _ADD_VOTER.scalar(connection, row)
    if added is not None:
        return int(added), True
    return int(_VOTER.scalar(connection, {"contest_id": policy.contest_id, "key": row["key"]})), False


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


def _insert(connection: Connection, row: dict[str, Any], policy: Policy, now: datetime) -> None:
    """Insert under the unique keys; a slot taken by a parallel vote is tried again with the next free one."""
    key = {name: row[name] for name in ("contest_id", "voter_id", "period")}
    while True:
        used = [] if policy.limit is None else _SLOTS.rows(connection, key)
        if _ADD_VOTE.scalar(connection, {**row, "slot": choose_slot(used, policy, now)}) is not None:
            return
        first = _FIRST.first(connection, {**key, "entry_id": row["entry_id"]})
        if first is not None:
            raise describe_first(first.state, first.cast_at, first.receipt, policy, now)
