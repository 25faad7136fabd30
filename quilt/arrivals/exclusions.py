"""Taking an arrival, and everybody below it, out of an entry's figures, and putting them back.

Nothing is deleted: the arrival's state changes, the whole branch leaves the stored figures (or returns to
them) in the same transaction, and the log keeps who did it and why. Somebody who comes later by the link of
an excluded arrival becomes a child of the entry; by the link of somebody below it, a part of the branch.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from quilt.accounts.models import User
from quilt.arrivals.fold import recount_within
from quilt.arrivals.models import Arrival, ArrivalStat, EntrySpread, ExclusionLog
from quilt.database import db, insert_if_new, write

MOST_REASON = 500  # characters


class ExclusionRefused(Exception):
    """The figures stay as they are; `message` says why."""

    message = "That cannot be changed. The figures are as they were."


class UnknownArrival(ExclusionRefused):
    """There is no such arrival, or it belongs to another entry."""

    message = "There is no such person in this entry’s spread. Nothing was changed."


class AlreadyExcluded(ExclusionRefused):
    """Somebody excluded it before."""

    message = "This branch is out of the figures already. Nothing was changed."


class NotExcluded(ExclusionRefused):
    """It counts as it is: there is nothing to restore."""

    message = "This branch counts already. Nothing was changed."


class ReasonRefused(ExclusionRefused):
    """Without a reason nobody can judge the decision later."""

    message = f"Say why, in at most {MOST_REASON} characters; the log keeps it."


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What a decision did: `people` left the figures of the entry, or returned to them."""

    entry_id: int
    arrival_id: int
    people: int


@dataclass(frozen=True, slots=True)
class Branch:
    """One arrival with everybody below it; `people` and `votes` count itself, 0 where it is excluded."""

    arrival_id: int
    generation: int
    channel: str
    arrived_at: datetime
    people: int
    votes: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log as people read it."""

    arrival_id: int
    is_excluded: bool
    reason: str
    people: int
    actor_name: str
    decided_at: datetime


def exclude_arrival(
    arrival_id: int, actor_id: int, reason: str, *, now: datetime, entry_id: int | None = None
) -> Exclusion:
    """Take an arrival and its subtree out of the figures; with `entry_id`, only if it is of that entry.

    Raises UnknownArrival, AlreadyExcluded or ReasonRefused.
    """
    return _decide(arrival_id, True, actor_id, reason, now, entry_id)


def restore_arrival(
    arrival_id: int, actor_id: int, reason: str, *, now: datetime, entry_id: int | None = None
) -> Exclusion:
    """Put an excluded arrival and its subtree back, less the branches in it that are excluded themselves.

    Raises UnknownArrival, NotExcluded or ReasonRefused.
    """
    return _decide(arrival_id, False, actor_id, reason, now, entry_id)


def list_branches(entry_id: int, limit: int) -> list[Branch]:
    """The largest branches that count, as of the last fold; nobody who stands alone."""
    statement = _BRANCHES.where(ArrivalStat.subtree_size > 1, Arrival.state == "live")
    statement = statement.order_by(ArrivalStat.subtree_size.desc(), Arrival.id).limit(limit)
    return [Branch(*row) for row in db.session.execute(statement, {"entry_id": entry_id})]


def list_excluded(entry_id: int) -> list[Branch]:
    """The arrivals that are excluded now, the oldest first; not those that merely hang below one."""
    statement = _BRANCHES.where(Arrival.state != "live").order_by(Arrival.id)
    rows = db.session.execute(statement, {"entry_id": entry_id})
    return [Branch(row.id, row.depth, row.channel, row.arrived_at, 0, 0) for row in rows]


def list_log(entry_id: int, limit: int) -> list[LogRow]:
    """What was decided about an entry's branches, the newest first."""
    rows = db.session.execute(_LOG.limit(limit), {"entry_id": entry_id})
    return [LogRow(*row) for row in rows]


def _decide(
    arrival_id: int, is_excluded: bool, actor_id: int, reason: str, now: datetime, entry_id: int | None
) -> Exclusion:
    reason = reason.replace("\x00", "").strip()
    if not reason or len(reason) > MOST_REASON:
        raise ReasonRefused

    def work(connection: Connection) -> Exclusion:
        owner = _find_entry(connection, arrival_id, entry_id)
        before = _lock_size(connection, owner)
        _move(connection, arrival_id, is_excluded)
        people = abs(recount_within(connection, owner, now).size - before)
        connection.execute(
            insert(ExclusionLog),
            {"entry_id": owner, "arrival_id": arrival_id, "is_excluded": is_excluded,
             "reason": reason, "people_count": people, "actor_id": actor_id, "decided_at": now},
        )  # fmt: skip
        return Exclusion(owner, arrival_id, people)

    return write(work)


def _find_entry(connection: Connection, arrival_id: int, entry_id: int | None) -> int:
    """The entry of the arrival. Raises UnknownArrival."""
    owner = connection.execute(_OWNER, {"arrival_id": arrival_id}).scalar_one_or_none()
    if owner is None or (entry_id is not None and entry_id != owner):
        raise UnknownArrival
    return int(owner)


def _lock_size(connection: Connection, entry_id: int) -> int:
    """The stored size, its row locked against folds and other decisions until this transaction ends."""
    connection.execute(insert_if_new(EntrySpread.__table__, connection.dialect.name), {"entry_id": entry_id})
    return int(connection.execute(_SIZE, {"entry_id": entry_id}).scalar_one())


def _move(connection: Connection, arrival_id: int, is_excluded: bool) -> None:
    """Change the state of the arrival itself, unless it is so already: who stands below keeps theirs."""
    before, after = ("live", "excluded") if is_excluded else ("excluded", "live")
    moved = connection.execute(
        update(Arrival).where(Arrival.id == arrival_id, Arrival.state == before).values(state=after)
    )
    if moved.rowcount == 0:
        raise AlreadyExcluded if is_excluded else NotExcluded


_OWNER = select(Arrival.entry_id).where(Arrival.id == bindparam("arrival_id"))
_SIZE = select(EntrySpread.size).where(EntrySpread.entry_id == bindparam("entry_id")).with_for_update()
_BRANCHES = (
    select(
        Arrival.id,
        Arrival.depth,
        Arrival.channel,
        Arrival.arrived_at,
        ArrivalStat.subtree_size,
        ArrivalStat.votes_subtree,
    )
    .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .where(Arrival.entry_id == bindparam("entry_id"))
)
_LOG = (
    select(
        ExclusionLog.arrival_id,
        ExclusionLog.is_excluded,
        ExclusionLog.reason,
        ExclusionLog.people_count,
        User.name,
        ExclusionLog.decided_at,
    )
    .outerjoin(User, User.id == ExclusionLog.actor_id)
    .where(ExclusionLog.entry_id == bindparam("entry_id"))
    .order_by(ExclusionLog.id.desc())
)
