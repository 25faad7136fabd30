"""The stored spread of an entry in a few rows: its figures, generations, channels and the points of its curve."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from quilt.arrivals.bulk import Bulk
from quilt.arrivals.models import EntryChannel, EntryGeneration, EntryPoint, EntrySpread
from quilt.database import insert_if_new, insert_or_change
from quilt.prepared import Prepared
from quilt.spread.fold import Change
from quilt.spread.measures import Totals, structural_virality

_spread, _generation, _point = EntrySpread.__table__, EntryGeneration.__table__, EntryPoint.__table__
_EMPTY = {
    "size": 1, "total_depth": 0, "squared_sizes": 0, "max_depth": 0, "max_breadth": 1, "passed_on_count": 0,
    "votes_count": 0, "shared_votes_count": 0, "version": 0,
}  # fmt: skip
_LOCK = Prepared(select(_spread).where(_spread.c.entry_id == bindparam("entry_id")).with_for_update())
_ADD_SPREAD = Prepared(lambda dialect: insert_if_new(_spread, dialect), ("entry_id", *_EMPTY))
_SET_SPREAD = Prepared(
    update(EntrySpread).where(_spread.c.entry_id == bindparam("of_entry")), (*_EMPTY, "folded_at")
)
_POINT_FIGURES = ("size", "max_depth", "structural_virality", "votes_count")
_PUT_POINT = Prepared(
    lambda dialect: insert_or_change(_point, dialect, put=_POINT_FIGURES), ("entry_id", "at", *_POINT_FIGURES)
)
_GENERATIONS = select(
    _generation.c.generation, _generation.c.people_count, _generation.c.votes_count
).where(_generation.c.entry_id == bindparam("of_entry"))  # fmt: skip
_DROP_DEEPER = delete(EntryGeneration).where(
    _generation.c.entry_id == bindparam("of_entry"), _generation.c.generation > bindparam("deepest")
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What `entry_spread` holds of a tree and its votes; `shared_votes` are those from generation 2 on."""

    totals: Totals
    max_depth: int
    max_breadth: int
    votes: int
    shared_votes: int


class ChannelFigures(NamedTuple):
    """What `entry_channel` holds: people and votes, how many people voted, and how many brought somebody."""

    people: int
    votes: int
    voters: int
    brought: int


def gather_channels(
    people: Counter[str], votes: Counter[str], voters: Counter[str], brought: Counter[str]
) -> dict[str, ChannelFigures]:
    """The figures of each channel that is mentioned."""
    return {
        channel: ChannelFigures(people[channel], votes[channel], voters[channel], brought[channel])
        for channel in people.keys() | votes.keys() | voters.keys() | brought.keys()
    }


def lock_spread(connection: Connection, entry_id: int) -> dict[str, Any]:
    """The entry's stored row, locked against any other fold until this transaction ends."""
    row = _LOCK.first(connection, {"entry_id": entry_id})
    if row is None:
        _ADD_SPREAD.rows(connection, {"entry_id": entry_id, **_EMPTY})
        row = _LOCK.first(connection, {"entry_id": entry_id})
    stored: dict[str, Any] = row._asdict()
    return stored


def get_totals(spread: Mapping[str, Any]) -> Totals:
    """The stored totals of a locked row."""
    return Totals(spread["size"], spread["total_depth"], spread["squared_sizes"], spread["passed_on_count"])


def write_spread(
    connection: Connection, entry_id: int, spread: Mapping[str, Any], figures: Figures, now: datetime
) -> None:
    """Store an entry's new figures, whoever counted them: the last step of each fold and each recount."""
    size, total_depth, squared_sizes, passed_on = figures.totals
    row = {
        "of_entry": entry_id,
        "size": size,
        "total_depth": total_depth,
        "squared_sizes": squared_sizes,
        "max_depth": figures.max_depth,
        "max_breadth": figures.max_breadth,
        "passed_on_count": passed_on,
        "votes_count": figures.votes,
        "shared_votes_count": figures.shared_votes,
        "version": spread["version"] + 1,
        "folded_at": now,
    }
    _SET_SPREAD.rows(connection, row)
    write_point(connection, entry_id, figures, now)


def write_point(connection: Connection, entry_id: int, figures: Figures, now: datetime) -> None:
    """Put the minute's point on the entry's curve; a later fold in the same minute replaces it."""
    size, total_depth, squared_sizes, _ = figures.totals
    point = {
        "entry_id": entry_id,
        "at": now.replace(second=0, microsecond=0),
        "size": size,
        "max_depth": figures.max_depth,
        "structural_virality": structural_virality(size, total_depth, squared_sizes),
        "votes_count": figures.votes,
    }
    _PUT_POINT.rows(connection, point)


def add_generations(bulk: Bulk, entry_id: int, changes: Mapping[int, Change], *, is_first: bool) -> int:
    """Add a fold's people and votes to the stored generations; returns the largest of those it touched.

    Generation 0 is the entry itself, one node from the first fold on.
    """
    grown = {**changes}
    if is_first:
        grown[0] = Change(1, changes[0].votes if 0 in changes else 0)
    return bulk.add_generations(entry_id, [(generation, *grown[generation]) for generation in sorted(grown)])


def replace_generations(
    connection: Connection, bulk: Bulk, entry_id: int, changes: Mapping[int, Change]
) -> None:
    """Make the stored generations equal to those counted (the entry's own among them)."""
    connection.execute(_DROP_DEEPER, {"of_entry": entry_id, "deepest": len(changes) - 1})
    stored = {row[0]: (row[1], row[2]) for row in connection.execute(_GENERATIONS, {"of_entry": entry_id})}
    counted = {generation: (people or 1, votes) for generation, (people, votes) in changes.items()}
    bulk.put_generations(
        entry_id,
        [(generation, *row) for generation, row in counted.items() if stored.get(generation) != row],
    )


def add_channels(bulk: Bulk, entry_id: int, changes: Mapping[str, ChannelFigures]) -> None:
    """Add figures to the stored channels."""
    bulk.add_channels(entry_id, [(channel, *changes[channel]) for channel in sorted(changes)])


def replace_channels(
    connection: Connection, bulk: Bulk, entry_id: int, counted: Mapping[str, ChannelFigures]
) -> None:
    """Make the stored channels equal to those counted."""
    connection.execute(delete(EntryChannel).where(EntryChannel.entry_id == entry_id))
    add_channels(bulk, entry_id, counted)
