"""Spread trees: arrivals that form one, and stored figures that equal a recount."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.orm import aliased

from quilt.arrivals.bulk import LEFT_OUT, PLAIN
from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    ArrivalStat,
    EntryChannel,
    EntryGeneration,
    EntrySpread,
    EntryTiming,
)
from quilt.arrivals.timekeeping import list_differences
from quilt.audit.report import Check
from quilt.spread.fold import Folded, recount
from quilt.spread.tree import BrokenTree, build_tree
from quilt.votes.models import STANDING, Vote

STORED = (
    "size", "total_depth", "squared_sizes", "max_depth", "max_breadth", "passed_on_count", "votes_count",
    "shared_votes_count",
)  # fmt: skip
UNTOUCHED = dict.fromkeys(STORED, 0) | {"size": 1, "max_breadth": 1}


def check_arrivals(connection: Connection) -> Check:
    """Each arrival hangs below an older one of the same entry, one generation deeper, or below the entry."""
    parent = aliased(Arrival)
    count = connection.execute(select(func.count()).select_from(Arrival)).scalar_one()
    strays = (
        select(Arrival.id)
        .outerjoin(parent, and_(parent.id == Arrival.parent_id, parent.entry_id == Arrival.entry_id))
        .where(
            or_(
                and_(Arrival.parent_id.is_(None), Arrival.depth != 1),
                and_(
                    Arrival.parent_id.is_not(None),
                    or_(parent.id.is_(None), parent.id >= Arrival.id, Arrival.depth != parent.depth + 1),
                ),
            )
        )
        .order_by(Arrival.id)
    )
    differences = [
        f"arrival {number} does not follow from its parent" for number in connection.scalars(strays)
    ]
    return Check("arrivals", count, "arrivals", tuple(differences))


def check_times(connection: Connection, now: datetime) -> Check:
    """Each entry's stored times equal those that its arrivals tell, unless they are due to be computed again."""
    entry_ids = connection.scalars(
        select(EntryTiming.entry_id).distinct().order_by(EntryTiming.entry_id)
    ).all()
    differences = [
        f"the stored {table} of entry {entry_id} is not what its arrivals say"
        for entry_id in entry_ids
        for table in list_differences(entry_id, now)
    ]
    return Check("times", len(entry_ids), "entries", tuple(differences))


def check_spreads(connection: Connection) -> Check:
    """Each entry's stored spread equals a recount of its arrivals and votes, less what the fold has not taken."""
    entry_ids = select(EntrySpread.entry_id).union(select(Arrival.entry_id)).subquery()
    looked_at, differences = 0, []
    for entry_id in connection.scalars(select(entry_ids.c.entry_id).order_by(entry_ids.c.entry_id)).all():
        looked_at += 1
        differences += [f"entry {entry_id}: {words}" for words in _compare(connection, entry_id)]
    return Check("spreads", looked_at, "entries recounted", tuple(differences))


def _compare(connection: Connection, entry_id: int) -> Iterator[str]:
    waiting, waiting_votes = _read_inbox(connection, entry_id)
    rows = connection.execute(
        select(Arrival.id, Arrival.parent_id, Arrival.channel, Arrival.state)
        .where(Arrival.entry_id == entry_id)
        .order_by(Arrival.id)
    ).all()
    rows = [row for row in rows if row.id not in waiting]
    votes = _count_votes(connection, entry_id)
    votes.subtract(waiting_votes)
    for arrival_id in sorted(waiting):
        if votes[arrival_id]:
            yield f"arrival {arrival_id} waits for the fold, but {votes[arrival_id]} of its votes do not"
    try:
        tree = build_tree(
            ((row.id, row.parent_id) for row in rows), {row.id for row in rows if row.state != "live"}
        )
    except BrokenTree as broken:
        yield str(broken)
        return
    folded = recount(tree, votes)
    yield from _compare_figures(connection, entry_id, folded)
    yield from _compare_generations(connection, entry_id, folded)
    yield from _compare_channels(connection, entry_id, folded, {row.id: row.channel for row in rows}, votes)
    yield from _compare_stats(connection, entry_id, folded, [row.id for row in rows], votes)


def _read_inbox(connection: Connection, entry_id: int) -> tuple[set[int], Counter[int]]:
    waiting, votes = set(), Counter[int]()
    for row in connection.execute(select(ArrivalInbox.__table__).where(ArrivalInbox.entry_id == entry_id)):
        if row.is_new:
            waiting.add(row.arrival_id)
        votes[row.arrival_id] += row.votes
    return waiting, votes


def _count_votes(connection: Connection, entry_id: int) -> Counter[int | None]:
    statement = (
        select(Vote.arrival_id, func.count())
        .where(Vote.entry_id == entry_id, Vote.state.in_(STANDING), Vote.arrival_id.is_not(None))
        .group_by(Vote.arrival_id)
    )
    return Counter({arrival_id: count for arrival_id, count in connection.execute(statement)})


def _compare_figures(connection: Connection, entry_id: int, folded: Folded) -> Iterator[str]:
    measures = folded.measures
    shared = sum(change.votes for generation, change in folded.generations.items() if generation >= 2)
    counted = dict(
        zip(
            STORED,
            (
                measures.size, measures.total_depth, measures.squared_sizes, measures.depth, measures.max_breadth,
                measures.passed_on, folded.votes, shared,
            ),
            strict=True,
        )
    )  # fmt: skip
    stored: Any = connection.execute(
        select(EntrySpread.__table__).where(EntrySpread.entry_id == entry_id)
    ).mappings().first()  # fmt: skip
    for name, figure in counted.items():
        kept = (stored or UNTOUCHED)[name]
        if kept != figure:
            yield f"{name} is stored as {kept}, the arrivals give {figure}"


def _compare_generations(connection: Connection, entry_id: int, folded: Folded) -> Iterator[str]:
    stored = {
        generation: (people, votes)
        for generation, people, votes in connection.execute(
            select(
                EntryGeneration.generation, EntryGeneration.people_count, EntryGeneration.votes_count
            ).where(EntryGeneration.entry_id == entry_id, EntryGeneration.generation >= 1)
        )
    }
    counted = {
        generation: (change.people, change.votes)
        for generation, change in folded.generations.items()
        if generation
    }
    yield from _tell("generation", stored, counted)


def _compare_channels(
    connection: Connection,
    entry_id: int,
    folded: Folded,
    channels: dict[int, str],
    votes: Counter[int | None],
) -> Iterator[str]:
    columns = (
        EntryChannel.people_count,
        EntryChannel.votes_count,
        EntryChannel.voters_count,
        EntryChannel.brought_count,
    )
    stored = {
        channel: tuple(figures)
        for channel, *figures in connection.execute(
            select(EntryChannel.channel, *columns).where(EntryChannel.entry_id == entry_id)
        )
    }
    counted: dict[str, Counter[int]] = {}
    for arrival_id, stat in folded.changed.items():
        own = votes[arrival_id]
        more = dict(enumerate((1, own, own > 0, stat.children_count > 0)))
        counted.setdefault(channels[arrival_id], Counter()).update(more)
    yield from _tell(
        "channel", stored, {name: tuple(map(row.__getitem__, range(4))) for name, row in counted.items()}
    )


def _compare_stats(
    connection: Connection,
    entry_id: int,
    folded: Folded,
    arrival_ids: Collection[int],
    votes: Counter[int | None],
) -> Iterator[str]:
    """Each arrival's own figures; whoever is left out keeps their votes there, and nothing else."""
    stored = dict.fromkeys(arrival_ids, PLAIN) | {
        row.arrival_id: (row.subtree_size, row.children_count, row.votes_self, row.votes_subtree)
        for row in connection.execute(select(ArrivalStat.__table__).where(ArrivalStat.entry_id == entry_id))
    }
    counted = {
        arrival_id: (stat.subtree_size, stat.children_count, stat.votes_self, stat.votes_subtree)
        for arrival_id, stat in folded.changed.items()
    }
    left_out = {
        arrival_id: (LEFT_OUT, 0, votes[arrival_id], 0)
        for arrival_id in arrival_ids
        if arrival_id not in counted
    }
    yield from _tell("arrival", stored, counted | left_out)


def _tell(
    kind: str, stored: Mapping[Any, tuple[int, ...]], counted: Mapping[Any, tuple[int, ...]]
) -> Iterator[str]:
    for key in sorted(stored.keys() | counted.keys()):
        kept, figure = stored.get(key, ()), counted.get(key, ())
        if kept != figure and (any(kept) or any(figure)):
            yield f"{kind} {key!r} is stored as {kept}, a recount gives {figure}"
