"""The fold: what waits in the inbox goes into the stored spread, exactly once.

Each dirty entry is folded in a transaction of its own under a lock on its row. The inbox is drained by
DELETE … RETURNING, never by "id > last id": ids are given out before their transactions commit, and such
a fold loses those that commit late.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from quilt.arrivals.bulk import LEFT_OUT, PLAIN, Bulk, StatOf, Touched, Waiting
from quilt.arrivals.bulk_postgresql import PostgresqlBulk
from quilt.arrivals.bulk_sqlite import SqliteBulk
from quilt.arrivals.models import ArrivalInbox
from quilt.arrivals.recount import store_recount
from quilt.arrivals.stored import (
    ChannelFigures,
    Figures,
    add_channels,
    add_generations,
    gather_channels,
    get_totals,
    lock_spread,
    write_spread,
)
from quilt.collector import pause_collector
from quilt.database import db, write
from quilt.spread.fold import Grown, NewNode, NodeStat, grow
from quilt.spread.measures import Measures

_NEW = NodeStat(None, 0)  # the figures, before a fold, of whoever comes with it


@dataclass(frozen=True, slots=True)
class Drained:
    """What the inbox held for one entry."""

    new_ids: set[int]
    votes: Counter[int]
    returns: Counter[int]

    @property
    def moved(self) -> set[int]:
        """The arrivals that change somebody's figures but their own; a return changes nobody else's."""
        return self.new_ids | self.votes.keys()

    def list_own(self) -> list[tuple[int, int, int]]:
        """Who voted or returned, with their votes and returns."""
        ids = sorted(self.votes.keys() | self.returns.keys())
        return [(node_id, self.votes[node_id], self.returns[node_id]) for node_id in ids]


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read for a fold, without those who are left out of the figures."""

    new: list[NewNode]
    known: dict[int, NodeStat]
    channels: dict[int, str]


def fold_waiting(now: datetime) -> int:
    """Fold every entry that has something waiting; returns how many rows of the inbox were taken."""
    with db.engine.connect() as connection:
        dirty = connection.scalars(select(ArrivalInbox.entry_id).distinct()).all()
    return sum(fold_entry(entry_id, now) for entry_id in dirty)


def fold_entry(entry_id: int, now: datetime, share: float | None = None) -> int:
    """Fold one entry's waiting rows into its stored spread; returns how many were taken."""
    return write(lambda connection: fold_within(connection, entry_id, now, share))


@pause_collector()
def fold_within(connection: Connection, entry_id: int, now: datetime, share: float | None = None) -> int:
    """The fold of one entry inside the caller's transaction.

    It reads the new arrivals and those above them. Where they are so many that counting the whole tree anew
    costs less, it does that: in young trees, after a rush, and in very deep ones. `share` is the
    part of the tree from which that is so, by default as measured on the database; 0 always counts anew.
    """
    spread = lock_spread(connection, entry_id)
    bulk = open_bulk(connection)
    waiting = bulk.drain(entry_id)
    if not waiting:
        return 0
    drained = _sort_out(waiting)
    touched = bulk.climb(drained.moved, int(spread["size"] * (bulk.share if share is None else share)))
    if touched is None:
        bulk.add_own(entry_id, drained.list_own())
        store_recount(connection, bulk, entry_id, spread, now)
    else:
        _store_fold(connection, bulk, entry_id, spread, drained, touched, now)
    return len(waiting)


@pause_collector()
def recount_within(connection: Connection, entry_id: int, now: datetime) -> Measures:
    """The recount of one entry inside the caller's transaction, as after an exclusion."""
    spread = lock_spread(connection, entry_id)
    return store_recount(connection, open_bulk(connection), entry_id, spread, now)


def open_bulk(connection: Connection) -> Bulk:
    """The fold's statements for the database of this connection."""
    raw: Any = connection.connection.driver_connection
    return PostgresqlBulk(raw) if connection.dialect.name == "postgresql" else SqliteBulk(raw)


def _sort_out(rows: Iterable[Waiting]) -> Drained:
    drained = Drained(set(), Counter(), Counter())
    for arrival_id, is_new, votes, returns in rows:
        if is_new:
            drained.new_ids.add(arrival_id)
        if votes:
            drained.votes[arrival_id] += votes
        if returns:
            drained.returns[arrival_id] += returns
    return drained


def _store_fold(
    connection: Connection,
    bulk: Bulk,
    entry_id: int,
    spread: Mapping[str, Any],
    drained: Drained,
    touched: list[Touched],
    now: datetime,
) -> None:
    """Fold by the new arrivals and those above them alone: nothing else is read or written."""
    read = _read_touched(touched, drained.new_ids)
    votes: dict[int | None, int] = {
        node: more for node, more in drained.votes.items() if node in read.channels
    }
    grown = grow(get_totals(spread), read.new, read.known, votes)
    bulk.put_stats(entry_id, _list_stats(grown, drained.new_ids))
    left_out = drained.moved - read.channels.keys()
    bulk.add_own(entry_id, [(node, drained.votes[node], 0) for node in left_out], LEFT_OUT)
    bulk.add_own(entry_id, [(node, 0, more) for node, more in drained.returns.items()])
    add_channels(bulk, entry_id, _count_channels(read, votes))
    is_first = spread["version"] == 0
    broadest = add_generations(bulk, entry_id, grown.generations, is_first=is_first)
    figures = Figures(
        totals=grown.totals,
        max_depth=max([spread["max_depth"], *(node.depth for node in read.new)]),
        max_breadth=max(spread["max_breadth"], broadest),
        votes=spread["votes_count"] + grown.votes,
        shared_votes=spread["shared_votes_count"]
        + sum(change.votes for generation, change in grown.generations.items() if generation >= 2),
    )
    write_spread(connection, entry_id, spread, figures, now)


def _read_touched(touched: Iterable[Touched], new_ids: Collection[int]) -> _Read:
    """Sort out who is new and who was there before; who stands below an excluded arrival counts no more than it.

    `touched` comes parents first.
    """
    read = _Read([], {}, {})
    left_out: set[int | None] = set()
    for node_id, parent_id, depth, size, children, own, below, channel, state in touched:
        if state != "live" or parent_id in left_out:
            left_out.add(node_id)
            continue
        read.channels[node_id] = channel
        if node_id in new_ids:
            read.new.append(NewNode(node_id, parent_id, depth))
        else:
            read.known[node_id] = NodeStat(parent_id, depth, size, children, own, below)
    return read


def _count_channels(read: _Read, votes: Mapping[int | None, int]) -> dict[str, ChannelFigures]:
    """What is to be added to each channel."""
    people = Counter(read.channels[node.id] for node in read.new)
    by_channel, voters, brought = Counter[str](), Counter[str](), Counter[str]()
    for node_id, more in votes.items():
        if node_id is not None:
            before = read.known.get(node_id, _NEW).votes_self
            by_channel[read.channels[node_id]] += more
            voters[read.channels[node_id]] += (before + more > 0) - (before > 0)
    for parent_id in {node.parent_id for node in read.new}:
        if parent_id is not None and not read.known.get(parent_id, _NEW).children_count:
            brought[read.channels[parent_id]] += 1
    return gather_channels(people, by_channel, voters, brought)


def _list_stats(grown: Grown, new_ids: Collection[int]) -> list[StatOf]:
    """What has to be stored, the oldest first, as they lie in the table: nothing of who is new and PLAIN."""
    rows: list[StatOf] = []
    for node_id in reversed(grown.changed):
        figures = grown.changed[node_id][2:]
        if figures != PLAIN or node_id not in new_ids:
            rows.append((node_id, *figures))
    return rows
