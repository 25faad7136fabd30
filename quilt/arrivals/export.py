"""The whole tree of an entry for whoever wants to check it: numbered in the order of arrival, without any name.

Read in one snapshot into flat arrays (some 15 bytes a person), so that the database is free again before the
first byte is sent, however slow the reader is.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import BindParameter, Connection, bindparam, select

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

    def find_index(self, arrival_id: int | None) -> int | None:
        """The index of an arrival (of the entry itself for None); None where it is in no figure."""
        if arrival_id is None:
            return 0
        place = bisect_left(self._ids, arrival_id)
        return place if place < len(self._ids) and self._ids[place] == arrival_id else None

    def add(self, arrival_id: int, parent: int, at: datetime, tag: int) -> None:
        """One more person below the node `parent`; arrivals come in the order of their ids."""
        self._ids.append(arrival_id)
        self._parents.append(parent)
        self._generations.append(self._generations[parent] + 1)
        self._hours.append(int(at.timestamp()) // HOUR)
        self._tags.append(tag)


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
    numbers = {"": 0}
    rows = connection.execution_options(yield_per=CHUNK).execute(_ARRIVALS, values)
    for arrival_id, parent_id, state, channel, at in rows:
        parent = tree.find_index(parent_id)
        if state != "live" or arrival_id in left_out or parent is None:
            continue
        if channel not in numbers:
            numbers[channel] = len(tree.channels)
            tree.channels.append(channel)
        tree.add(arrival_id, parent, at, numbers[channel])
    return tree


_of_entry: BindParameter[int] = bindparam("entry_id")
_VERSION = select(EntrySpread.version, EntrySpread.folded_at).where(EntrySpread.entry_id == _of_entry)
_WAITING = select(ArrivalInbox.arrival_id).where(
    ArrivalInbox.entry_id == _of_entry, ArrivalInbox.is_new.is_(True)
)
_ARRIVALS = (
    select(Arrival.id, Arrival.parent_id, Arrival.state, Arrival.channel, Arrival.arrived_at)
    .where(Arrival.entry_id == _of_entry)
    .order_by(Arrival.id)
)
