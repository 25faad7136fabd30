"""What the page of an entry's spread reads: generations, the curve, what was not counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, String, bindparam, cast, func, select

from quilt.arrivals.models import (
    EntryGeneration,
    EntryPoint,
    EntrySpread,
)
from quilt.database import db, is_sqlite

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


def list_generations(entry_id: int) -> list[Generation]:
    """The stored generations, the entry itself first."""
    return [Generation(*row) for row in db.session.execute(_GENERATIONS, {"entry_id": entry_id})]


def list_points(entry_id: int) -> list[Point]:
    """The curve from its first point to its last: the last of each minute, hour or day."""
    first, last = db.session.execute(_SPAN, {"entry_id": entry_id}).one()
    if first is None:
        return []
    step = next((name for name, length in STEPS if (last - first) / length < MOST_POINTS), "day")
    rows = db.session.execute(_list_points(step), {"entry_id": entry_id})
    most = (
        db.session.scalar(_VOTES, {"entry_id": entry_id}) or 0
    )  # an excluded branch takes its votes with it
    return [Point(at, size - 1, min(votes, most)) for at, size, votes in rows]


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
_GENERATIONS = (
    select(EntryGeneration.generation, EntryGeneration.people_count, EntryGeneration.votes_count)
    .where(EntryGeneration.entry_id == _of_entry)
    .order_by(EntryGeneration.generation)
)
_SPAN = select(func.min(EntryPoint.at), func.max(EntryPoint.at)).where(EntryPoint.entry_id == _of_entry)
_VOTES = select(EntrySpread.votes_count).where(EntrySpread.entry_id == _of_entry)
