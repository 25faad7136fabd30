"""Reading an entry's times: how fast it spread, when it burst, and how many further people each one brought.

Everything comes from stored rows (see timekeeping.py). Nothing is told below five people.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, or_, select

from quilt.arrivals.models import EntryFirst, EntryHour, EntrySpread, EntryTiming, NamedLink
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.spread import cohorts
from quilt.spread.cohorts import Cohort, Reproduction
from quilt.spread.timesheet import EVERYBODY, LEAST_PEOPLE
from quilt.spread.timing import HOUR, find_bursts

HORIZON = timedelta(seconds=cohorts.HORIZON)
MOST_GENERATIONS = 40  # whose firsts are read one by one; the deepest always is


@dataclass(frozen=True, slots=True)
class First:
    """When somebody first stood in this generation."""

    generation: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch of hours with far more people than usual; `usual` people an hour came just before."""

    begin: datetime
    until: datetime
    people: int
    usual: float


@dataclass(frozen=True, slots=True)
class Window:
    """R of those who came from `begin` to `until`."""

    begin: datetime
    until: datetime
    reproduction: Reproduction


@dataclass(frozen=True, slots=True)
class Timing:
    """An entry's times. `half_life` runs from the first arrival, `interval` is the median from parent to child.

    `interval` is None where fewer than five were brought by somebody. `reproduction` is R over all arrivals
    older than `horizon` at `counted_to`, None where they are fewer than 30; `windows` are R over time, and
    from `too_early_from` on nobody is old enough.
    """

    people: int
    first_at: datetime
    last_at: datetime
    half_life: timedelta
    interval: timedelta | None
    firsts: list[First]
    bursts: list[Burst]
    reproduction: Reproduction | None
    windows: list[Window]
    horizon: timedelta
    counted_to: datetime

    @property
    def too_early_from(self) -> datetime:
        return self.counted_to - self.horizon


@dataclass(frozen=True, slots=True)
class Way:
    """The same for who came by one way: `kind` is channel, link or embed, `key` its tag or id, `label` its name.

    `interval` is the median from the one who brought them to their own arrival, `reproduction` how many
    they brought in turn.
    """

    kind: str
    key: str
    label: str
    people: int
    votes: int
    first_at: datetime
    half_life: timedelta
    interval: timedelta | None
    reproduction: Reproduction | None


def find_timing(entry_id: int, now: datetime) -> Timing | None:
    """An entry's times as stored; None below five people, or before they were first computed."""
    row = db.session.execute(_TIMING, {"entry_id": entry_id}).first()
    if row is None or row.people_count < LEAST_PEOPLE:
        return None
    counted_to = _find_counted_to(row, now)
    hours = db.session.execute(_HOURS, {"entry_id": entry_id, "facet": EVERYBODY}).all()
    rows = [Cohort((at := hour.timestamp()), at + HOUR, *sums) for hour, *sums in hours]
    firsts = db.session.execute(_FIRSTS, {"entry_id": entry_id})
    return Timing(
        people=row.people_count,
        first_at=row.first_at,
        last_at=row.last_at,
        half_life=timedelta(seconds=row.half_life_seconds),
        interval=_find_interval(row),
        firsts=[First(*first) for first in firsts],
        bursts=[
            Burst(_instant(burst.begin), _instant(burst.until), burst.people, burst.usual)
            for burst in find_bursts({int(cohort.begin): cohort.people for cohort in rows})
        ],
        reproduction=cohorts.estimate_matured(rows, counted_to.timestamp()),
        windows=[
            Window(_instant(window.begin), _instant(window.until), window.reproduction)
            for window in cohorts.build_windows(rows, counted_to.timestamp())
        ],
        horizon=HORIZON,
        counted_to=counted_to,
    )


def list_ways(entry_id: int, now: datetime) -> list[Way]:
    """The times of every way at least five people came by, by kind (channels first), the largest first."""
    of_entry = {"entry_id": entry_id}
    rows = db.session.execute(_WAYS, of_entry).all()
    if not rows:
        return []
    counted_to = min(_find_counted_to(row, now) for row in rows)
    matured = {
        facet: sums
        for facet, *sums in db.session.execute(
            _MATURED, {**of_entry, "latest": counted_to - HORIZON - timedelta(seconds=HOUR)}
        )
    }
    labels = {
        "link": {str(key): label for key, label in db.session.execute(_LINKS, of_entry)},
        "embed": {str(key): label for key, label in db.session.execute(_EMBEDS, of_entry)},
    }
    ways = [_read_way(row, matured.get(row.facet), labels) for row in rows]
    return sorted(ways, key=lambda way: (KINDS.index(way.kind), -way.people, way.key))


KINDS = ("channel", "link", "embed")


def _read_way(row: Any, sums: list[Any] | None, labels: dict[str, dict[str, str]]) -> Way:
    kind, _, key = row.facet.partition(":")
    people, children, squares = map(int, sums or (0, 0, 0))
    return Way(
        kind=kind,
        key=key,
        label=labels.get(kind, {}).get(key, ""),
        people=row.people_count,
        votes=row.votes_count,
        first_at=row.first_at,
        half_life=timedelta(seconds=row.half_life_seconds),
        interval=_find_interval(row),
        reproduction=cohorts.estimate_mean(people, children, squares)
        if people >= cohorts.LEAST_MATURED
        else None,
    )


def _find_counted_to(row: Any, now: datetime) -> datetime:
    """Until when everybody is in these times: now, unless somebody came since they were computed."""
    counted_to: datetime = now if row.version == row.spread_version else row.refreshed_at
    return counted_to


def _find_interval(row: Any) -> timedelta | None:
    return timedelta(seconds=row.interval_seconds) if row.intervals_count >= LEAST_PEOPLE else None


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_of_entry: BindParameter[int] = bindparam("entry_id")
_TIMED = (
    select(EntryTiming, EntrySpread.version.label("spread_version"))
    .join(EntrySpread, EntrySpread.entry_id == EntryTiming.entry_id)
    .where(EntryTiming.entry_id == _of_entry)
    .with_only_columns(*EntryTiming.__table__.columns, EntrySpread.version.label("spread_version"))
)
_TIMING = _TIMED.where(EntryTiming.facet == EVERYBODY)
_WAYS = _TIMED.where(EntryTiming.facet != EVERYBODY)
_HOURS = (
    select(EntryHour.hour, EntryHour.people_count, EntryHour.children_count, EntryHour.squares_sum)
    .where(EntryHour.entry_id == _of_entry, EntryHour.facet == bindparam("facet"))
    .order_by(EntryHour.hour)
)
_DEEPEST = select(func.max(EntryFirst.generation)).where(EntryFirst.entry_id == _of_entry).scalar_subquery()
_FIRSTS = (
    select(EntryFirst.generation, EntryFirst.first_at)
    .where(
        EntryFirst.entry_id == _of_entry,
        or_(EntryFirst.generation <= MOST_GENERATIONS, EntryFirst.generation == _DEEPEST),
    )
    .order_by(EntryFirst.generation)
)
_MATURED = (
    select(
        EntryHour.facet,
        func.sum(EntryHour.people_count),
        func.sum(EntryHour.children_count),
        func.sum(EntryHour.squares_sum),
    )
    .where(
        EntryHour.entry_id == _of_entry, EntryHour.facet != EVERYBODY, EntryHour.hour <= bindparam("latest")
    )
    .group_by(EntryHour.facet)
)
_LINKS = select(NamedLink.id, NamedLink.label).where(NamedLink.entry_id == _of_entry)
_EMBEDS = select(Embed.id, Embed.label).where(Embed.entry_id == _of_entry)
