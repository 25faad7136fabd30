"""What the page of an entry's spread reads: the tree, its generations, channels and curve, what was not counted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, String, bindparam, cast, func, select

from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    ArrivalStat,
    EntryChannel,
    EntryGeneration,
    EntryPoint,
    NotCounted,
)
from quilt.database import db, is_sqlite
from quilt.spread.tree import SpreadTree, build_tree

# The curve has a point a minute, an hour or a day: the finest of which this many cover it.
MOST_POINTS = 400
STEPS = (("minute", timedelta(minutes=1)), ("hour", timedelta(hours=1)), ("day", timedelta(days=1)))
LETTERS = {"minute": 16, "hour": 13, "day": 10}  # of an instant in SQLite: 2026-05-10 12:34


@dataclass(frozen=True, slots=True)
class Generation:
    """People and votes of one generation; 0 is the entry itself."""

    number: int
    people: int
    votes: int


@dataclass(frozen=True, slots=True)
class Channel:
    """People and votes that came by one channel; its tag is '' where none is known."""

    tag: str
    people: int
    votes: int


@dataclass(frozen=True, slots=True)
class Point:
    """How many people and votes there were at an instant."""

    at: datetime
    people: int
    votes: int


@dataclass(frozen=True, slots=True)
class Person:
    """One arrival with everybody below it: `people` and `votes` count itself."""

    id: int
    generation: int
    channel: str
    children: int
    people: int
    votes: int


def read_tree(entry_id: int) -> SpreadTree:
    """The tree of everybody who is counted so far, in the order of their numbers."""
    values = {"entry_id": entry_id}
    rows = db.session.execute(_LINKS, values).all()
    # Read after the links: what is folded meanwhile is simply in the tree already.
    left_out = set(db.session.scalars(_WAITING, values))
    left_out.update(row.id for row in rows if row.state != "live")
    return build_tree(((row.id, row.parent_id) for row in rows), left_out)


def list_generations(entry_id: int) -> list[Generation]:
    """The stored generations, the entry itself first."""
    return [Generation(*row) for row in db.session.execute(_GENERATIONS, {"entry_id": entry_id})]


def list_channels(entry_id: int) -> list[Channel]:
    """The stored channels, the largest first."""
    return [Channel(*row) for row in db.session.execute(_CHANNELS, {"entry_id": entry_id})]


def list_points(entry_id: int) -> list[Point]:
    """The curve from its first point to its last: the last of each minute, hour or day."""
    first, last = db.session.execute(_SPAN, {"entry_id": entry_id}).one()
    if first is None:
        return []
    step = next((name for name, length in STEPS if (last - first) / length < MOST_POINTS), "day")
    rows = db.session.execute(_list_points(step), {"entry_id": entry_id})
    return [Point(at, size - 1, votes) for at, size, votes in rows]


def list_people(entry_id: int, ids: Collection[int]) -> list[Person]:
    """The stored figures of these arrivals, the one with the largest branch first."""
    rows = db.session.execute(_PEOPLE, {"entry_id": entry_id, "ids": list(ids)})
    return [Person(*row) for row in rows]


def count_refused(entry_id: int) -> dict[str, int]:
    """Visits that were no people's, by the stored reason, over all days."""
    return {reason: int(visits) for reason, visits in db.session.execute(_REFUSED, {"entry_id": entry_id})}


def _list_points(step: str) -> Any:
    """The last point of each stretch; `step` is a key of LETTERS."""
    newest = (
        select(func.max(EntryPoint.at))
        .where(EntryPoint.entry_id == bindparam("entry_id"))
        .group_by(_name_stretch(step))
    )
    return (
        select(EntryPoint.at, EntryPoint.size, EntryPoint.votes_count)
        .where(EntryPoint.entry_id == bindparam("entry_id"), EntryPoint.at.in_(newest))
        .order_by(EntryPoint.at)
    )


def _name_stretch(step: str) -> Any:
    if is_sqlite():
        return func.substr(cast(EntryPoint.at, String), 1, LETTERS[step])
    return func.date_trunc(step, EntryPoint.at)


_of_entry: BindParameter[int] = bindparam("entry_id")
_LINKS = (
    select(Arrival.id, Arrival.parent_id, Arrival.state)
    .where(Arrival.entry_id == _of_entry)
    .order_by(Arrival.id)
)
_WAITING = select(ArrivalInbox.arrival_id).where(
    ArrivalInbox.entry_id == _of_entry, ArrivalInbox.is_new.is_(True)
)
_GENERATIONS = (
    select(EntryGeneration.generation, EntryGeneration.people_count, EntryGeneration.votes_count)
    .where(EntryGeneration.entry_id == _of_entry)
    .order_by(EntryGeneration.generation)
)
_CHANNELS = (
    select(EntryChannel.channel, EntryChannel.people_count, EntryChannel.votes_count)
    .where(EntryChannel.entry_id == _of_entry)
    .order_by(EntryChannel.people_count.desc(), EntryChannel.channel)
)
_SPAN = select(func.min(EntryPoint.at), func.max(EntryPoint.at)).where(EntryPoint.entry_id == _of_entry)
_PEOPLE = (
    select(
        Arrival.id,
        Arrival.depth,
        Arrival.channel,
        ArrivalStat.children_count,
        ArrivalStat.subtree_size,
        ArrivalStat.votes_subtree,
    )
    .join(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .where(Arrival.entry_id == _of_entry, Arrival.id.in_(bindparam("ids", expanding=True)))
    .order_by(ArrivalStat.subtree_size.desc(), Arrival.id)
)
_REFUSED = (
    select(NotCounted.reason, func.sum(NotCounted.visits_count))
    .where(NotCounted.entry_id == _of_entry)
    .group_by(NotCounted.reason)
    .order_by(func.sum(NotCounted.visits_count).desc(), NotCounted.reason)
)
