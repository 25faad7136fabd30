"""The whole tree of an entry for whoever wants to check it: numbered in the order of arrival, without any name.

Read in one snapshot into flat arrays (some 15 bytes a person), so that the database is free again before the
first byte is sent, however slow the reader is.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, String, bindparam, cast, func, select

from quilt.arrivals.models import Arrival, ArrivalInbox, EntrySpread
from quilt.database import db, is_sqlite

HOUR = 3_600
NOBODY = -1  # the parent of node 0
CHUNK = 10_000  # rows fetched at a time


@dataclass(frozen=True, slots=True)
class ExportedNode:
    """One node: 0 is the entry itself, with no parent, hour or channel."""

    index: int
    parent: int  # index of the node by whose link this one came
    generation: int
    hour: datetime | None  # of its arrival, in UTC, cut to the hour
    channel: str


@dataclass(slots=True)
class ExportedTree:
    """Everybody who is in the figures of this version of an entry's spread."""

    version: int
    counted_to: datetime | None
    channels: list[str] = field(default_factory=lambda: [""])
    _ids: "array[int]" = field(default_factory=lambda: array("q", [0]))
    _parents: "array[int]" = field(default_factory=lambda: array("q", [NOBODY]))
    _generations: "array[int]" = field(default_factory=lambda: array("l", [0]))
    _hours: "array[int]" = field(default_factory=lambda: array("l", [0]))
    _tags: "array[int]" = field(default_factory=lambda: array("H", [0]))

    def __len__(self) -> int:
        return len(self._parents)

    def __iter__(self) -> Iterator[ExportedNode]:
        rows = zip(self._parents, self._generations, self._hours, self._tags, strict=True)
        for index, (parent, generation, hour, tag) in enumerate(rows):
            at = datetime.fromtimestamp(hour * HOUR, UTC) if index else None
            yield ExportedNode(index, parent, generation, at, self.channels[tag])

    def add(self, rows: Iterable[Any], left_out: Collection[int]) -> None:
        """People below their parents, in the order of their ids; those that are not counted are passed over."""
        ids, hours, tags = self._ids, dict[Any, int](), {"": 0}
        for arrival_id, parent_id, state, channel, hour in rows:
            parent = 0 if parent_id is None else bisect_left(ids, parent_id)
            is_known = parent_id is None or (parent < len(ids) and ids[parent] == parent_id)
            if state != "live" or not is_known or arrival_id in left_out:
                continue
            if hour not in hours:
                hours[hour] = _number_hour(hour)
            if channel not in tags:
                tags[channel] = len(self.channels)
                self.channels.append(channel)
            ids.append(arrival_id)
            self._parents.append(parent)
            self._generations.append(self._generations[parent] + 1)
            self._hours.append(hours[hour])
            self._tags.append(tags[channel])


def read_export(entry_id: int) -> ExportedTree:
    """The tree as it is counted: without what waits for the fold, and without excluded branches."""
    engine = db.engine if is_sqlite() else db.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        return _read(connection, entry_id)


def _read(connection: Connection, entry_id: int) -> ExportedTree:
    values = {"entry_id": entry_id}
    stored = connection.execute(_VERSION, values).first()
    tree = ExportedTree(stored.version if stored else 0, stored.folded_at if stored else None)
    left_out = set(connection.execute(_WAITING, values).scalars())
    rows = connection.execution_options(yield_per=CHUNK).execute(_list_arrivals(), values)
    tree.add(rows, left_out)
    return tree


def _number_hour(hour: datetime | str) -> int:
    """The hours since 1970 until this one, as the database names it."""
    begin = hour if isinstance(hour, datetime) else datetime.fromisoformat(f"{hour}:00+00:00")
    return int(begin.timestamp()) // HOUR


def _list_arrivals() -> Select[Any]:
    """Everybody, with the hour as the database cuts it: a million instants cost seconds to make, hours do not."""
    hour = (
        func.substr(cast(Arrival.arrived_at, String), 1, 13)
        if is_sqlite()
        else func.date_trunc("hour", Arrival.arrived_at, "UTC")
    )
    return (
        select(Arrival.id, Arrival.parent_id, Arrival.state, Arrival.channel, hour)
        .where(Arrival.entry_id == _of_entry)
        .order_by(Arrival.id)
    )


_of_entry: BindParameter[int] = bindparam("entry_id")
_VERSION = select(EntrySpread.version, EntrySpread.folded_at).where(EntrySpread.entry_id == _of_entry)
_WAITING = select(ArrivalInbox.arrival_id).where(
    ArrivalInbox.entry_id == _of_entry, ArrivalInbox.is_new.is_(True)
)
