"""What frames tell of themselves: how often a placement was seen, played and opened, by day and page of the host."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from quilt.database import insert_or_change, write
from quilt.embeds.models import Placement, PlacementDay

MOST_PATHS = 200  # a placement and day; what comes on further pages is counted under the path ''
KINDS = {"seen": "seen_count", "play": "plays_count", "open": "opens_count"}

_days = PlacementDay.__table__
_COLUMNS = ("seen_count", "plays_count", "opens_count")


class Sight(NamedTuple):
    """One kind of thing that happened with a placement on a day, on one page of its host."""

    placement_id: int
    day: date
    path: str
    kind: str  # seen | play | open


def record_sights(counts: Mapping[Sight, int]) -> None:
    """Add to the numbers of placements; durable when this returns. Ids that are no more are passed over."""
    rows: dict[tuple[int, date, str], dict[str, object]] = {}
    for sight, count in sorted(counts.items()):
        key = (sight.placement_id, sight.day, sight.path)
        row = rows.setdefault(key, dict(zip(("placement_id", "day", "path"), key, strict=True)))
        row.update({name: row.get(name, 0) for name in _COLUMNS})
        row[KINDS[sight.kind]] = count
    if rows:
        write(_add, list(rows.values()))


def _add(connection: Connection, rows: list[dict[str, object]]) -> None:
    known = set(
        connection.scalars(
            select(Placement.id).where(Placement.id.in_({row["placement_id"] for row in rows}))
        )
    )
    statement = insert_or_change(_days, connection.dialect.name, add=_COLUMNS)
    for row in rows:
        if row["placement_id"] in known:
            connection.execute(statement, {**row, "path": _fit_path(connection, row)})


def _fit_path(connection: Connection, row: dict[str, object]) -> object:
    """The path, or '' where the day has its number of pages already: nobody fills the table with made-up ones."""
    same_day = (_days.c.placement_id == row["placement_id"]) & (_days.c.day == row["day"])
    if connection.scalar(select(_days.c.path).where(same_day, _days.c.path == row["path"])) is not None:
        return row["path"]
    count = connection.scalar(select(func.count()).select_from(_days).where(same_day)) or 0
    return row["path"] if count < MOST_PATHS else ""
