"""Columns as plain numbers for SVG, and the instants and rows of charts over time: a box of WIDTH to HEIGHT with room for words at its edges."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

WIDTH, HEIGHT = 640.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 628.0, 22.0, 216.0
MOST_TICKS = 4  # above nought
MOST_DATES = 5
MOST_ROWS = 24
MOST_NUMBERED = 12  # columns that may have room for their numbers
LETTER, SPACE = 10.0, 14.0  # of a label on a phone
LINE, ABOVE = 17.0, 5.0  # how high a label is there, and how far above its column it stands
THINNEST_GAP = 0.16  # between columns, as a share of one's place

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STRETCHES = (
    _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 84 * _DAY, 168 * _DAY, 336 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """A word at a place along an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart and, where there is room, its number above: its middle is at `label_x`."""

    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float

    @property
    def reach(self) -> tuple[float, float]:
        """From where to where the number stands, from left to right."""
        half = LETTER * len(self.label) / 2
        return self.label_x - half, self.label_x + half


@dataclass(frozen=True, slots=True)
class Columns:
    """Two rows of columns side by side; `others` is empty where only one thing is shown."""

    columns: list[Column]
    others: list[Column]
    ticks: list[Tick]
    scale: list[Tick]


@dataclass(frozen=True, slots=True)
class Step:
    """What two counters said from this instant on."""

    at: datetime
    first: int
    second: int


def build_columns(rows: Sequence[tuple[str, int]], others: Sequence[int] = ()) -> Columns:
    """Columns for (label, number), with `others` (as many, or none) beside them on the same scale."""
    scale, top = _build_scale(max([1, *(number for _, number in rows), *others]))
    place = (RIGHT - LEFT) / max(1, len(rows))
    gap = place * THINNEST_GAP
    width = min(64.0, place - gap) / (2 if others else 1)
    starts = [LEFT + turn * place + (place - width * (2 if others else 1)) / 2 for turn in range(len(rows))]
    is_numbered = len(rows) <= MOST_NUMBERED
    longest = max((len(label) for label, _ in rows), default=1)
    every = -(-len(rows) // int((RIGHT - LEFT) / (LETTER * longest + SPACE)))
    columns = [
        *(
            _column(start, width, number, top, is_numbered)
            for start, (_, number) in zip(starts, rows, strict=True)
        ),
        *(_column(start + width, width, number, top, is_numbered) for start, number in zip(starts, others)),
    ]
    columns = _leave_room(columns)
    return Columns(
        columns=columns[: len(rows)],
        others=columns[len(rows) :],
        ticks=[
            Tick(round(LEFT + (turn + 0.5) * place, 1), label)
            for turn, (label, _) in enumerate(rows)
            if turn % every == 0
        ],
        scale=scale,
    )  # fmt: skip


def list_rows(steps: Sequence[Step], end: datetime, zone: str) -> list[tuple[str, int, int]]:
    """The curve as rows of a table: when, and what the counters had reached by the end of that stretch."""
    begin, instants = steps[0].at, [step.at for step in steps]
    stretch = _choose_stretch(begin, end, MOST_ROWS - 1)
    edges = [*_list_edges(begin, end, zone, stretch), end + stretch]
    rows: list[tuple[str, int, int]] = []
    for start, stop in pairwise([edges[0] - stretch, *edges]):
        place = bisect_right(instants, stop - timedelta(microseconds=1)) - 1
        if place >= 0 and stop > begin:
            by = start if stretch >= _DAY else min(stop, end)  # a day is named as the day that ends then
            row = (name_row(by, zone, stretch), steps[place].first, steps[place].second)
            if rows and rows[-1][0] == row[0]:
                rows.pop()
            rows.append(row)
    return rows


def list_dates(begin: datetime, end: datetime, zone: str) -> list[tuple[datetime, str]]:
    """The few round instants of the zone's clock that an axis from `begin` to `end` names."""
    stretch = _choose_stretch(begin, end, MOST_DATES)
    return [(at, _name_tick(at, zone)) for at in _list_edges(begin, end, zone, stretch)]


def name_row(at: datetime, zone: str, stretch: timedelta) -> str:
    """An instant as a table names it: by its day, and by the clock where a row stands for less than one."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b}" if stretch >= _DAY else f"{local.day} {local:%b}, {local:%H:%M}"


def _column(x: float, width: float, number: int, top: int, is_numbered: bool) -> Column:
    y = _up(number, top)
    label = f"{number:,}" if is_numbered and number else ""
    middle = max(x + width / 2, LEFT + LETTER * len(label) / 2)  # clear of the scale's numbers
    return Column(round(x, 1), y, round(width, 1), round(BOTTOM - y, 1), label, round(middle, 1))


def _leave_room(columns: Sequence[Column]) -> list[Column]:
    """The same columns, without the numbers that another column or an earlier number stands in the way of."""
    kept: list[Column] = []
    for column in columns:
        is_free = column.label and not any(_covers(other, column) for other in columns if other is not column)
        kept.append(
            column
            if is_free and not any(_touches(other, column) for other in kept)
            else replace(column, label="")
        )
    return kept


def _covers(other: Column, column: Column) -> bool:
    left, right = column.reach
    return other.x < right and other.x + other.width > left and other.y < column.y - ABOVE


def _touches(other: Column, column: Column) -> bool:
    (left, right), (start, end) = other.reach, column.reach
    return bool(other.label) and left < end and start < right and abs(other.y - column.y) < LINE


def _up(number: int, top: int) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * number / top, 1)


def _build_scale(most: int) -> tuple[list[Tick], int]:
    """Round numbers from 0 to the first that is not below `most`."""
    step = 1
    while step * MOST_TICKS < most:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    numbers = range(0, (-(-most // step) + 1) * step, step)
    top = numbers[-1]
    return [Tick(_up(number, top), f"{number:,}") for number in numbers], top


def _choose_stretch(begin: datetime, end: datetime, most: int) -> timedelta:
    return next((stretch for stretch in STRETCHES if (end - begin) / stretch <= most), STRETCHES[-1])


def _list_edges(begin: datetime, end: datetime, zone: str, stretch: timedelta) -> list[datetime]:
    """The round instants of the zone's clock from `begin` to `end`; days begin at its midnight."""
    at = begin.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = []
    while at <= end:
        if at >= begin:
            edges.append(at)
        at += stretch  # on the wall clock, so that a change of the clocks moves no midnight
    return edges


def _name_tick(at: datetime, zone: str) -> str:
    """A midnight by its day, any other instant by the clock."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b}" if (local.hour, local.minute) == (0, 0) else f"{local:%H:%M}"
