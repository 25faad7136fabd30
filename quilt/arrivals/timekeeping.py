"""Keeping an entry's times: computed from all its arrivals now and then, never in a fold or a request.

What is computed from one snapshot is stored under the spread's version of that snapshot, and only where
nobody else has stored newer times meanwhile. Only rows that differ are written.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Float,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    ArrivalStat,
    EntryFirst,
    EntryHour,
    EntryPoint,
    EntrySpread,
    EntryTiming,
    ExclusionLog,
)
from quilt.database import db, write
from quilt.spread.growth import replay_growth
from quilt.spread.timesheet import EVERYBODY, Timeline, Timesheet, build_timesheet
from quilt.spread.tree import NO_PARENT, ROOT

SHORTEST_REST = timedelta(minutes=1)  # of an entry between two refreshes
REST_PER_PERSON = timedelta(minutes=1) / 100_000  # so that large ones take about a hundredth of a core
MINUTE = 60.0
READ_AT_ONCE = 5_000
STATE = 3  # columns at the end of a row of times: version, exclusion, instant

Rows = dict[tuple[Any, ...], tuple[Any, ...]]  # of one table: values by key, both without the entry


@dataclass(frozen=True, slots=True)
class Due:
    """An entry whose stored times are behind its spread."""

    entry_id: int
    size: int
    refreshed_at: datetime | None

    def has_rested(self, now: datetime) -> bool:
        rest = max(SHORTEST_REST, self.size * REST_PER_PERSON)
        return self.refreshed_at is None or self.refreshed_at + rest <= now


@dataclass(frozen=True, slots=True)
class Computed:
    """An entry's times as rows of TABLES, what was stored of them before, and points of the curve to change."""

    entry_id: int
    version: int
    stored_version: int | None
    stored: dict[str, Rows]
    wanted: dict[str, Rows]
    points: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Everything about an entry's times as of one version of its spread: what is, and what is stored."""

    version: int
    exclusion_id: int
    stored_version: int | None
    stored_exclusion_id: int
    timeline: Timeline
    stored: dict[str, Rows]
    points: list[datetime]


def refresh_due(now: datetime, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Refresh every entry that is behind and has rested, until asked to stop; returns how many were."""
    waiting = [due.entry_id for due in list_due() if due.has_rested(now)]
    return sum(refresh_timing(entry_id, now) for entry_id in waiting if not is_stopping())


def list_due() -> list[Due]:
    """The entries whose stored times are behind their spread."""
    with db.engine.connect() as connection:
        return [Due(*row) for row in connection.execute(_DUE)]


def refresh_timing(entry_id: int, now: datetime) -> bool:
    """Compute an entry's times from its arrivals and store them; False where there is nothing to do.

    After an exclusion or a restoration the stored points of the curve are recomputed too.
    """
    computed = compute_times(entry_id, now)
    return computed is not None and store_times(computed)


def compute_times(entry_id: int, now: datetime) -> Computed | None:
    """The times of an entry as they are at this moment; None where it has no spread."""
    snapshot = _take_snapshot(entry_id)
    if snapshot is None:
        return None
    rows = _list_rows(build_timesheet(snapshot.timeline), snapshot, now)
    has_new_past = snapshot.exclusion_id != snapshot.stored_exclusion_id
    return Computed(
        entry_id,
        snapshot.version,
        snapshot.stored_version,
        snapshot.stored,
        rows,
        _list_points(snapshot) if has_new_past else [],
    )


def store_times(computed: Computed) -> bool:
    """Store what was computed; False where others have stored theirs since."""
    of_entry = {"entry_id": computed.entry_id}

    def work(connection: Connection) -> bool:
        version = connection.execute(_LOCK, of_entry).scalar()
        if connection.execute(_STORED, of_entry).scalar() != computed.stored_version:
            return False
        for name, table in TABLES.items():
            _write_difference(
                connection, table, computed.entry_id, computed.stored[name], computed.wanted[name]
            )
        # The newest point belongs to the fold, unless there was none since.
        for point in computed.points if version == computed.version else computed.points[:-1]:
            connection.execute(_SET_POINT, {"of_entry": computed.entry_id, **point})
        return True

    return write(work)


def list_differences(entry_id: int, now: datetime) -> list[str]:
    """The tables of TABLES whose stored rows are not what the arrivals say; none while a refresh is due."""
    computed = compute_times(entry_id, now)
    if computed is None or computed.stored_version != computed.version:
        return []
    return [
        name
        for name in TABLES
        if _without_state(computed.stored, name) != _without_state(computed.wanted, name)
    ]


def _without_state(rows: dict[str, Rows], name: str) -> Rows:
    """The rows of a table; those of the times without the version and the instant of their computing."""
    width = -STATE if name == "timing" else None
    return {key: values[:width] for key, values in rows[name].items()}


def _take_snapshot(entry_id: int) -> _Snapshot | None:
    """Read the entry at one instant; None where it has no spread."""
    options = {} if db.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    of_entry = {"entry_id": entry_id}
    with db.engine.connect().execution_options(**options) as connection, connection.begin():
        version = connection.execute(_VERSION, of_entry).scalar()
        if version is None:
            return None
        timing = connection.execute(_STORED, of_entry).first()
        return _Snapshot(
            version=version,
            exclusion_id=connection.execute(_EXCLUSION, of_entry).scalar_one(),
            stored_version=timing.version if timing else None,
            stored_exclusion_id=timing.last_exclusion_id if timing else 0,
            timeline=_read_timeline(connection, entry_id),
            stored={name: _read_rows(connection, table, entry_id) for name, table in TABLES.items()},
            points=list(connection.execute(_POINTS, of_entry).scalars()),
        )


def _read_timeline(connection: Connection, entry_id: int) -> Timeline:
    """Who is counted: folded, not excluded, and hanging below nobody who is."""
    of_entry = {"entry_id": entry_id}
    waiting = set(connection.execute(_WAITING, of_entry).scalars())
    statement = _ARRIVALS[connection.dialect.name].execution_options(yield_per=READ_AT_ONCE)
    index: dict[int | None, int] = {None: ROOT}
    parents, seconds, votes = array("q", [NO_PARENT]), array("d", [0.0]), array("q", [0])
    ways: list[tuple[str, ...]] = [()]
    known: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for node_id, parent_id, state, at, voted, *way in connection.execute(statement, of_entry):
        parent = index.get(parent_id)
        if parent is None or state != "live" or node_id in waiting:
            continue
        index[node_id] = len(parents)
        parents.append(parent)
        seconds.append(at)
        votes.append(voted or 0)
        key = tuple(way)
        ways.append(known.get(key) or known.setdefault(key, _name_ways(*key)))
    return Timeline(parents, seconds, ways, votes)


def _name_ways(channel: str, link_id: int | None, embed_id: int | None) -> tuple[str, ...]:
    ways = [f"channel:{channel}"]
    if link_id is not None:
        ways.append(f"link:{link_id}")
    if embed_id is not None:
        ways.append(f"embed:{embed_id}")
    return tuple(ways)


def _list_rows(sheet: Timesheet, snapshot: _Snapshot, now: datetime) -> dict[str, Rows]:
    """The rows that shall be stored, by table. An entry nobody is left of keeps a row that says so."""
    state = (snapshot.version, snapshot.exclusion_id, now)
    timing: Rows = {(EVERYBODY,): (0, 0, None, None, None, None, 0, *state)}
    for facet, times in sheet.facets.items():
        timing[(facet,)] = (
            times.people,
            times.votes,
            _instant(times.first),
            _instant(times.last),
            times.half_life,
            times.interval,
            times.intervals_count,
            *state,
        )
    hours: Rows = {
        (facet, _instant(hour)): (sums.people, sums.children, sums.squares)
        for (facet, hour), sums in sheet.hours.items()
    }
    firsts: Rows = {(generation,): (_instant(at),) for generation, at in enumerate(sheet.firsts, 1)}
    return {"timing": timing, "hours": hours, "firsts": firsts}


def _list_points(snapshot: _Snapshot) -> list[dict[str, Any]]:
    """The stored points as they would be had only those arrived who count now; a point ends its minute.

    When each vote was cast is not known here: the points keep the votes that were counted then, and whoever
    reads the curve takes no more of them than are counted now.
    """
    timeline, instants = snapshot.timeline, [at.timestamp() + MINUTE - 1e-6 for at in snapshot.points]
    grown = replay_growth(timeline.parents, timeline.seconds, instants)
    return [
        {"of_minute": at, "new_size": then.size, "depth": then.depth,
         "virality": then.structural_virality}
        for at, then in zip(snapshot.points, grown, strict=True)
    ]  # fmt: skip


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _read_rows(connection: Connection, table: Any, entry_id: int) -> Rows:
    width = len(table.primary_key) - 1
    columns = [column for column in table.columns if column.name != "entry_id"]
    rows = connection.execute(select(*columns).where(table.c.entry_id == entry_id))
    return {tuple(row[:width]): tuple(row[width:]) for row in rows}


def _write_difference(connection: Connection, table: Any, entry_id: int, old: Rows, new: Rows) -> None:
    """Make the stored rows equal to the new ones: delete what is gone or changed, insert what is missing."""
    names = [column.name for column in table.columns if column.name != "entry_id"]
    width = len(table.primary_key) - 1
    gone = [
        {f"of_{name}": part for name, part in zip(names, key, strict=False)}
        for key, values in old.items()
        if new.get(key) != values
    ]
    if gone:
        chosen = [table.c[name] == bindparam(f"of_{name}") for name in names[:width]]
        connection.execute(delete(table).where(table.c.entry_id == entry_id, *chosen), gone)
    rows = [
        {"entry_id": entry_id, **dict(zip(names, (*key, *values), strict=True))}
        for key, values in new.items()
        if old.get(key) != values
    ]
    if rows:
        connection.execute(insert(table), rows)


TABLES: dict[str, Any] = {
    "timing": EntryTiming.__table__,
    "hours": EntryHour.__table__,
    "firsts": EntryFirst.__table__,
}

_of_entry: BindParameter[int] = bindparam("entry_id")
_whole = (EntryTiming.entry_id == EntrySpread.entry_id) & (EntryTiming.facet == EVERYBODY)
_DUE = (
    select(EntrySpread.entry_id, EntrySpread.size, EntryTiming.refreshed_at)
    .outerjoin(EntryTiming, _whole)
    .where(or_(EntryTiming.version.is_(None), EntryTiming.version != EntrySpread.version))
    .order_by(EntrySpread.entry_id)
)
_VERSION = select(EntrySpread.version).where(EntrySpread.entry_id == _of_entry)
_LOCK = _VERSION.with_for_update()
_STORED = select(EntryTiming.version, EntryTiming.last_exclusion_id).where(
    EntryTiming.entry_id == _of_entry, EntryTiming.facet == EVERYBODY
)
_EXCLUSION = select(func.coalesce(func.max(ExclusionLog.id), 0)).where(ExclusionLog.entry_id == _of_entry)
_POINTS = select(EntryPoint.at).where(EntryPoint.entry_id == _of_entry).order_by(EntryPoint.at)
_WAITING = select(ArrivalInbox.arrival_id).where(
    ArrivalInbox.entry_id == _of_entry, ArrivalInbox.is_new.is_(True)
)


def _select_arrivals(to_seconds: Callable[[Any], Any]) -> Any:
    return (
        select(
            Arrival.id,
            Arrival.parent_id,
            Arrival.state,
            to_seconds(Arrival.arrived_at),
            ArrivalStat.votes_self,
            Arrival.channel,
            Arrival.link_id,
            Arrival.embed_id,
        )
        .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
        .where(Arrival.entry_id == _of_entry)
        .order_by(Arrival.id)
    )


# Seconds since the epoch, to the thousandth that SQLite's Julian days are good for.
_ARRIVALS = {
    "sqlite": _select_arrivals(lambda at: func.round((func.julianday(at) - 2440587.5) * 86400.0, 3)),
    "postgresql": _select_arrivals(lambda at: cast(func.extract("epoch", at), Float)),
}
_SET_POINT = (
    update(EntryPoint.__table__)  # type: ignore[arg-type]
    .where(EntryPoint.entry_id == bindparam("of_entry"), EntryPoint.at == bindparam("of_minute"))
    .values(
        size=bindparam("new_size"),
        max_depth=bindparam("depth"),
        structural_virality=bindparam("virality"),
    )
)
