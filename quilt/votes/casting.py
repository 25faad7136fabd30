"""One vote on its way into the tables, inside the caller's transaction: the unique keys decide."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
    update,
)

from quilt.accounts.models import User
from quilt.arrivals.nodes import (
    Node,
    add_own_node,
    describe_event,
    find_or_add_node,
    lock_nodes,
    put_in_inbox,
)
from quilt.database import UtcDateTime, insert_if_new
from quilt.entries.models import Entry
from quilt.prepared import Prepared, PreparedRows
from quilt.spread.codes import Entropy
from quilt.votes.ballots import (
    Ballot,
    Cast,
    Receipt,
    check_facts,
    choose_slot,
    describe_first,
    lay_out_vote,
    lay_out_voter,
)
from quilt.votes.casting_models import VoteKey
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.periods import name_period
from quilt.votes.rules import (
    AlreadyVoted,
    KeyReused,
    NotOnBallot,
    Policy,
    WrongTier,
)
from quilt.votes.vouching import bind_identities, is_vouched

_entry, _vote, _voter, _user = Entry.__table__, Vote.__table__, Voter.__table__, User.__table__
_tally: Any = EntryTally.__table__
_entrant = _user.alias()


def ask_clock(dialect: str) -> Any:
    """A column "clock": the instant at which the database is asked, that is when a vote arrived."""
    clock: Any = literal_column(
        "strftime('%Y-%m-%d %H:%M:%f', 'now')" if dialect == "sqlite" else "clock_timestamp()"
    )
    return type_coerce(clock, UtcDateTime).label("clock")


def _build_count(dialect: str, asked: FromClause) -> Any:
    """So many votes more for each entry. Entries come in one order for all, so that parallel transactions wait for
    each other and not in a ring."""
    more = asked
    if dialect != "sqlite":
        mine = _tally.alias("mine")
        locked = select(asked.c.entry_id, asked.c.votes).join(mine, mine.c.entry_id == asked.c.entry_id)
        more = locked.order_by(mine.c.entry_id).with_for_update(of=mine).subquery("locked")
    standing = _tally.c.standing + more.c.votes
    return update(_tally).where(_tally.c.entry_id == more.c.entry_id).values(standing=standing)


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
_FACTS = Prepared(lambda dialect: _SELECT_FACTS.add_columns(ask_clock(dialect)))
_CLOCK = Prepared(lambda dialect: select(ask_clock(dialect)))
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
_COUNT = PreparedRows({"entry_id": _tally.c.entry_id, "votes": _tally.c.standing}, _build_count)
VOTER_COLUMNS = ("contest_id", "user_id", "key", "created_at")
_ADD_VOTER = Prepared(lambda dialect: insert_if_new(_voter, dialect, "id"), VOTER_COLUMNS)
VOTE_COLUMNS = (
    "contest_id", "voter_id", "entry_id", "period", "tier", "slot", "state", "receipt", "arrival_id", "last_channel",
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
    entropy: Entropy,
) -> Cast:
    """Put one vote into the tables. Raises a VoteRefused, possibly after changes: the caller takes them back."""
    if ballot.key is not None:
        _check_key(connection, ballot)  # first of all: what was answered once is answered so for as long
    facts = _FACTS.first(connection, {"entry_id": ballot.visit.entry_id, "user_id": ballot.user_id})
    if facts is None:
        raise NotOnBallot
    now = facts.clock if told is None else told
    tier = check_facts(facts, ballot, policy, now) or _ask_tier(connection, ballot, policy)
    voter_id, is_new = _find_or_add_voter(connection, ballot, facts, policy, secret, now)
    period = name_period(policy.period, policy.time_zone, now)
    key = {"contest_id": policy.contest_id, "voter_id": voter_id, "period": period}
    first = None if is_new else _FIRST.first(connection, {**key, "entry_id": ballot.visit.entry_id})
    if first is not None:
        raise describe_first(first.state, first.cast_at, first.receipt, policy, now)
    if tier == "oauth":
        bind_identities(connection, ballot.user_id, voter_id, policy, secret, now)
    node = _settle_node(connection, ballot, voter_id, now, entropy)
    receipt = Receipt(entropy(12).hex(), now, node)
    _insert(connection, lay_out_vote(ballot, tier, policy, voter_id, period, receipt), policy, now)
    if ballot.key is not None:
        _keep_key(connection, ballot, receipt.receipt, now)
    return Cast(receipt, ballot.visit.entry_id)


def record_counts(connection: Connection, casts: Sequence[Cast]) -> None:
    """Count votes that were put into the tables, and tell the fold: the last act of their transaction."""
    counts = Counter(cast.entry_id for cast in casts)
    _COUNT.rows(connection, [{"entry_id": entry_id, "votes": votes} for entry_id, votes in counts.items()])
    put_in_inbox(
        connection,
        [
            describe_event(entry_id, node.arrival_id, is_new=node.is_new, votes=1)
            for (_, _, node), entry_id in casts
        ],
    )


def _ask_tier(connection: Connection, ballot: Ballot, policy: Policy) -> str:
    """The tier of somebody whose address proves too little: a provider may vouch for them as well.

    Where nobody does, the vote is recorded with the code alone, and the rules of evidence hold it. Raises WrongTier
    where codes do not count.
    """
    if "oauth" in policy.tiers and is_vouched(connection, ballot.user_id):
        return "oauth"
    if "email" in policy.tiers:
        return "email"
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
    policy: Policy,
    secret: str,
    now: datetime,
) -> tuple[int, bool]:
    """The voter's id, and whether they are new here; a mailbox that voted by another account is known by its key."""
    if facts.voter_id is not None:
        return int(facts.voter_id), False
    row = lay_out_voter(ballot, facts.email, policy, secret, now)
    added = _ADD_VOTER.scalar(connection, row)
    if added is not None:
        return int(added), True
    return int(_VOTER.scalar(connection, {"contest_id": policy.contest_id, "key": row["key"]})), False


def _settle_node(
    connection: Connection, ballot: Ballot, voter_id: int, now: datetime, entropy: Entropy
) -> Node:
    """The voter's own arrival; a second person behind the same pseudonym gets one of their own."""
    node = find_or_add_node(connection, ballot.visit, now, entropy)
    if node.is_new:
        return node
    lock_nodes(connection, [node.arrival_id])
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
