"""The fold: what waits in the inbox goes into the stored spread, exactly once.

Each dirty entry is folded in a transaction of its own under a lock on its row. The inbox is drained by
DELETE … RETURNING, never by "id > last id": ids are given out before their transactions commit, and such
a fold loses those that commit late.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    ArrivalStat,
    EntryChannel,
    EntryGeneration,
    EntryPoint,
    EntrySpread,
)
from quilt.arrivals.queries import read_breadth
from quilt.database import db, insert_if_new, write
from quilt.spread.fold import (
    Folded,
    NewNode,
    NodeStat,
    find_missing,
    find_missing_parents,
    fold,
    is_recount_cheaper,
    recount,
)
from quilt.spread.measures import Measures, structural_virality
from quilt.spread.tree import build_tree

MOST_IDS = 500  # in one IN (…) list
LEFT_OUT = 0  # the stored subtree size of whoever counts for nothing: excluded, or below somebody who is

_arrival, _stat, _spread = Arrival.__table__, ArrivalStat.__table__, EntrySpread.__table__
_DRAIN = (
    delete(ArrivalInbox)
    .where(ArrivalInbox.entry_id == bindparam("of_entry"))
    .returning(ArrivalInbox.arrival_id, ArrivalInbox.is_new, ArrivalInbox.votes, ArrivalInbox.returns)
)
_NODES = (
    select(
        _arrival.c.id,
        _arrival.c.parent_id,
        _arrival.c.depth,
        _arrival.c.channel,
        _arrival.c.state,
        _stat.c.subtree_size,
        _stat.c.children_count,
        _stat.c.votes_self,
        _stat.c.votes_subtree,
    )
    .select_from(_arrival.outerjoin(_stat, _stat.c.arrival_id == _arrival.c.id))
    .where(_arrival.c.id.in_(bindparam("ids", expanding=True)))
)
_LOCK = select(_spread).where(_spread.c.entry_id == bindparam("entry_id")).with_for_update()
_LIVE_LINKS = (
    select(
        _arrival.c.id,
        _arrival.c.parent_id,
        _arrival.c.channel,
        _stat.c.votes_self,
        _arrival.c.state,
        _stat.c.subtree_size,
    )
    .select_from(_arrival.outerjoin(_stat, _stat.c.arrival_id == _arrival.c.id))
    .where(
        _arrival.c.entry_id == bindparam("entry_id"),
        # Whoever waits for a fold is counted by that one: a recount that took them too would count them twice.
        # One statement sees one moment, so nobody can slip in between two looks at the inbox.
        _arrival.c.id.not_in(
            select(ArrivalInbox.arrival_id).where(
                ArrivalInbox.entry_id == bindparam("entry_id"), ArrivalInbox.is_new.is_(True)
            )
        ),
    )
    .order_by(_arrival.c.id)
)


@dataclass(frozen=True, slots=True)
class Drained:
    """What the inbox held for one entry."""

    new_ids: list[int]
    votes: Counter[int]
    returns: Counter[int]

    @property
    def touched(self) -> set[int]:
        return set(self.new_ids) | set(self.votes)


def fold_waiting(now: datetime) -> int:
    """Fold every entry that has something waiting; returns how many rows of the inbox were taken."""
    with db.engine.connect() as connection:
        dirty = connection.scalars(select(ArrivalInbox.entry_id).distinct()).all()
    return sum(fold_entry(entry_id, now) for entry_id in dirty)


def fold_entry(entry_id: int, now: datetime) -> int:
    """Fold one entry's waiting rows into its stored spread; returns how many were taken."""
    return write(lambda connection: fold_within(connection, entry_id, now))


def fold_within(connection: Connection, entry_id: int, now: datetime) -> int:
    """The fold of one entry inside the caller's transaction."""
    spread = _lock_spread(connection, entry_id)
    rows = connection.execute(_DRAIN, {"of_entry": entry_id}).all()
    if not rows:
        return 0
    drained = _sort_out(rows)
    if is_recount_cheaper(spread["size"], len(drained.touched), 0.25) or spread["max_depth"] > 200:
        _add_self_figures(connection, entry_id, drained, drained.touched | set(drained.returns))
        _store_recount(connection, entry_id, spread, now)
    else:
        _store_fold(connection, entry_id, spread, drained, now)
    return len(rows)


def recompute_entry(entry_id: int, now: datetime) -> Measures:
    """Recompute an entry's spread from its arrivals alone and store it; the waiting rows stay for the fold."""
    return write(lambda connection: recompute_within(connection, entry_id, now))


def recompute_within(connection: Connection, entry_id: int, now: datetime) -> Measures:
    """The recompute of one entry inside the caller's transaction; returns its new figures."""
    spread = _lock_spread(connection, entry_id)
    return _store_recount(connection, entry_id, spread, now)


def _lock_spread(connection: Connection, entry_id: int) -> dict[str, Any]:
    """The entry's stored figures, locked against any other fold until this transaction ends."""
    row = connection.execute(_LOCK, {"entry_id": entry_id}).mappings().first()
    if row is None:
        empty = {"size": 1, "total_depth": 0, "squared_sizes": 0, "max_depth": 0, "max_breadth": 1}
        empty |= {"passed_on_count": 0, "votes_count": 0, "shared_votes_count": 0, "version": 0}
        connection.execute(insert_if_new(_spread, connection.dialect.name), {"entry_id": entry_id, **empty})
        row = connection.execute(_LOCK, {"entry_id": entry_id}).mappings().one()
    return dict(row)


def _sort_out(rows: Iterable[Any]) -> Drained:
    new_ids, votes, returns = [], Counter[int](), Counter[int]()
    for arrival_id, is_new, vote_count, return_count in rows:
        if is_new:
            new_ids.append(arrival_id)
        if vote_count:
            votes[arrival_id] += vote_count
        if return_count:
            returns[arrival_id] += return_count
    return Drained(sorted(new_ids), votes, returns)


def _store_fold(
    connection: Connection, entry_id: int, spread: dict[str, Any], drained: Drained, now: datetime
) -> None:
    """Fold by the new nodes and their ancestors alone: nothing else is read or written."""
    rows = {row.id: row for row in _fetch(connection, drained.touched)}
    parents = {rows[node_id].parent_id for node_id in drained.new_ids} - rows.keys() - {None}
    rows |= {row.id: row for row in _fetch(connection, parents)}
    left_out = _find_left_out(rows, drained)
    _add_self_figures(connection, entry_id, drained, left_out, size=LEFT_OUT)
    new = [
        NewNode(node_id, rows[node_id].parent_id, rows[node_id].depth)
        for node_id in drained.new_ids
        if node_id not in left_out
    ]
    votes: dict[int | None, int] = {
        node_id: votes for node_id, votes in drained.votes.items() if node_id not in left_out
    }
    known = {
        node_id: _as_stat(row)
        for node_id, row in rows.items()
        if row.subtree_size is not None and node_id not in left_out
    }
    missing = find_missing(new, known, votes) | find_missing_parents(known.values(), known)
    while missing:
        fetched = {row.id: _as_stat(row) for row in _fetch(connection, missing)}
        known |= fetched
        missing = find_missing_parents(fetched.values(), known)
    folded = fold(_as_measures(connection, entry_id, spread), new, known, votes)
    counted_returns = Counter({key: count for key, count in drained.returns.items() if key not in left_out})
    _write_stats(connection, entry_id, folded, counted_returns)
    _write_generations(connection, entry_id, folded)
    _write_channels(
        connection,
        entry_id,
        Counter(rows[node.id].channel for node in new),
        _sum_by(((rows[node_id].channel, count) for node_id, count in votes.items() if node_id is not None)),
    )
    _write_spread(connection, entry_id, spread, folded.measures, now)


def _find_left_out(rows: dict[int, Any], drained: Drained) -> set[int]:
    """Which of the touched arrivals count for nothing: excluded, or below somebody who is.

    `rows` holds them and the parents of the new ones. A recount leaves the size LEFT_OUT with everybody whom
    it left out, so the parent's row says it, however far above the excluded one stands.
    """
    left_out = {node_id for node_id, row in rows.items() if row.subtree_size == LEFT_OUT}
    for node_id in drained.new_ids:
        if rows[node_id].state != "live" or rows[node_id].parent_id in left_out:
            left_out.add(node_id)
    return left_out


def _store_recount(connection: Connection, entry_id: int, spread: dict[str, Any], now: datetime) -> Measures:
    """Recompute everything from the arrivals: for young, deep, or largely changed trees."""
    rows = connection.execute(_LIVE_LINKS, {"entry_id": entry_id}).all()
    excluded = {row.id for row in rows if row.state != "live"}
    tree = build_tree(((row.id, row.parent_id) for row in rows), excluded)
    votes: dict[int | None, int] = {row.id: row.votes_self for row in rows if row.votes_self}
    folded = recount(tree, votes)
    counted = set(folded.changed)
    for table in (EntryGeneration, EntryChannel):
        connection.execute(delete(table).where(table.entry_id == entry_id))
    _write_stats(connection, entry_id, folded, Counter())
    _mark_left_out(connection, [row.id for row in rows if row.id not in counted and row.subtree_size])
    _write_generations(connection, entry_id, folded)
    _write_channels(
        connection,
        entry_id,
        Counter(row.channel for row in rows if row.id in counted),
        _sum_by((row.channel, row.votes_self or 0) for row in rows if row.id in counted),
    )
    _write_spread(connection, entry_id, spread, folded.measures, now)
    return folded.measures


def _mark_left_out(connection: Connection, ids: list[int]) -> None:
    """Take the figures of their branches from those who are left out; their own votes and returns stay."""
    for chunk in _chunks(ids):
        connection.execute(
            update(ArrivalStat)
            .where(ArrivalStat.arrival_id.in_(chunk))
            .values(subtree_size=LEFT_OUT, children_count=0, votes_subtree=0)
        )


def _add_self_figures(
    connection: Connection, entry_id: int, drained: Drained, ids: Iterable[int], size: int = 1
) -> None:
    """Add what only the inbox knows (votes and returns) to these arrivals' own figures, nobody else's."""
    _upsert(
        connection,
        _stat,
        [
            {"arrival_id": node_id, "entry_id": entry_id, "subtree_size": size, "children_count": 0,
             "votes_subtree": 0, "votes_self": drained.votes[node_id], "returns_count": drained.returns[node_id]}
            for node_id in ids
            if node_id in drained.touched or node_id in drained.returns
        ],
        add=("votes_self", "returns_count"),
    )  # fmt: skip


def _fetch(connection: Connection, ids: Iterable[int]) -> Iterator[Any]:
    for chunk in _chunks(sorted(ids)):
        yield from connection.execute(_NODES, {"ids": chunk})


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), MOST_IDS):
        yield ids[start : start + MOST_IDS]


def _as_stat(row: Any) -> NodeStat:
    return NodeStat(
        row.parent_id,
        row.depth,
        row.subtree_size,
        row.children_count or 0,
        row.votes_self or 0,
        row.votes_subtree or 0,
    )


def _as_measures(connection: Connection, entry_id: int, spread: dict[str, Any]) -> Measures:
    breadth = read_breadth(connection, entry_id)
    return Measures(
        spread["size"], spread["total_depth"], spread["squared_sizes"], breadth, spread["passed_on_count"]
    )


def _write_stats(connection: Connection, entry_id: int, folded: Folded, returns: Counter[int]) -> None:
    rows = [
        {
            "arrival_id": node_id,
            "entry_id": entry_id,
            "subtree_size": stat.subtree_size,
            "children_count": stat.children_count,
            "votes_self": stat.votes_self,
            "votes_subtree": stat.votes_subtree,
            "returns_count": 0,
        }
        for node_id, stat in folded.changed.items()
    ]
    _upsert(connection, _stat, rows, put=("subtree_size", "children_count", "votes_self", "votes_subtree"))
    counted = [{"of_arrival": node_id, "more": count} for node_id, count in returns.items()]
    if counted:
        more = ArrivalStat.returns_count + bindparam("more")
        statement = update(ArrivalStat).where(ArrivalStat.arrival_id == bindparam("of_arrival"))
        connection.execute(statement.values(returns_count=more), counted)


def _write_generations(connection: Connection, entry_id: int, folded: Folded) -> None:
    """Generation 0 is the entry itself, one node from the first fold on."""
    rows = [{"entry_id": entry_id, "generation": 0, "people_count": 1, "votes_count": 0}]
    connection.execute(insert_if_new(EntryGeneration.__table__, connection.dialect.name), rows)
    rows = [
        {
            "entry_id": entry_id,
            "generation": generation,
            "people_count": change.people,
            "votes_count": change.votes,
        }
        for generation, change in folded.generations.items()
    ]
    _upsert(connection, EntryGeneration.__table__, rows, add=("people_count", "votes_count"))


def _write_channels(connection: Connection, entry_id: int, people: Counter[str], votes: Counter[str]) -> None:
    rows = [
        {
            "entry_id": entry_id,
            "channel": channel,
            "people_count": people[channel],
            "votes_count": votes[channel],
        }
        for channel in sorted(people.keys() | votes.keys())
    ]
    _upsert(connection, EntryChannel.__table__, rows, add=("people_count", "votes_count"))


def _write_spread(
    connection: Connection, entry_id: int, spread: dict[str, Any], measures: Measures, now: datetime
) -> None:
    of_entry = EntryGeneration.entry_id == entry_id
    total = func.coalesce(func.sum(EntryGeneration.votes_count), 0)
    votes = int(connection.execute(select(total).where(of_entry)).scalar_one())
    shared = int(
        connection.execute(select(total).where(of_entry, EntryGeneration.generation >= 2)).scalar_one()
    )
    connection.execute(
        update(EntrySpread)
        .where(EntrySpread.entry_id == entry_id)
        .values(
            size=measures.size,
            total_depth=measures.total_depth,
            squared_sizes=measures.squared_sizes,
            max_depth=measures.depth,
            max_breadth=measures.max_breadth,
            passed_on_count=measures.passed_on,
            votes_count=votes,
            shared_votes_count=shared,
            version=spread["version"] + 1,
            folded_at=now,
        )
    )
    point = {
        "entry_id": entry_id,
        "at": now.replace(second=0, microsecond=0),
        "size": measures.size,
        "max_depth": measures.depth,
        "structural_virality": structural_virality(
            measures.size, measures.total_depth, measures.squared_sizes
        ),
        "votes_count": votes,
    }
    put = ("size", "max_depth", "structural_virality", "votes_count")
    _upsert(connection, EntryPoint.__table__, [point], put=put)


def _upsert(
    connection: Connection,
    table: Any,
    rows: list[dict[str, Any]],
    put: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert the rows; where the key is there, replace the columns in `put` and add to those in `add`."""
    if not rows:
        return
    insert = (postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert)(table)
    changes = {name: insert.excluded[name] for name in put}
    changes |= {name: table.c[name] + insert.excluded[name] for name in add}
    keys = [column.name for column in table.primary_key]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changes), rows)


def _sum_by(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for key, amount in pairs:
        if amount:
            sums[key] += amount
    return sums
