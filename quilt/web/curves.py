"""The charts of time as plain numbers for SVG: how many had come by when, and how many each one brought.

Both share one axis from the first arrival until the moment of counting, so that they can stand one below the
other. The markup is in templates/macros/curves.html.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log10

from quilt.arrivals.timing import Burst, First, Timing, Window
from quilt.web.charts import Step, Tick, list_dates
from quilt.web.curve_words import name_stretch

WIDTH, HEIGHT = 640.0, 276.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 628.0, 48.0, 242.0
MOST_TICKS = 4  # above nought
MOST_LOG_TICKS = 6
LEAST_GAP = 22.0  # between the labels of a scale, on a phone
MOST_BURSTS = 5  # the largest, that are marked
THINNEST = 4.0  # of a marked burst
DIGIT = 11.0  # of a label on a phone
LOG_FOOT = 0.25  # of a decade: where the first person stands above nobody
NAMED_ZONE = 110.0  # width from which the zone that is too early has room for its words
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BurstMark:
    """A band over the hours of a burst; `label` is "" where there is no room, `middle` where it stands."""

    x: float
    width: float
    middle: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class PeopleCurve:
    """Who had come by when: `people` and `votes` ('' without them) are lines, `area` lies below the first.

    On a logarithmic scale there is no area, for its size would say nothing. `firsts` are where each
    generation was first reached; all have a tick, those with room a number.
    """

    people: str
    area: str
    votes: str
    bursts: list[BurstMark]
    firsts: list[Tick]
    dates: list[Tick]
    scale: list[Tick]
    is_log: bool


@dataclass(frozen=True, slots=True)
class ReproductionPlot:
    """R over time: a line of steps in the band of its interval, and the zone from `early` on that is too early.

    `one` is the height at which everybody brings one other. `early_label` is "" where there is no room.
    """

    line: str
    band: str
    one: float
    early: float
    early_label: str
    dates: list[Tick]
    scale: list[Tick]

    @property
    def early_width(self) -> float:
        return round(RIGHT - self.early, 1)


def build_people_curve(
    steps: Sequence[Step],
    end: datetime,
    zone: str,
    *,
    shows_votes: bool,
    is_log: bool = False,
    bursts: Iterable[Burst] = (),
    firsts: Sequence[First] = (),
) -> PeopleCurve:
    """The curve of people (`first` of each step) and votes from the first step until `end`, dates in the zone."""
    begin = steps[0].at
    axis = _Axis(begin, max(end, begin + _MINUTE))
    most = max(1, *(max(step.first, step.second * shows_votes) for step in steps))
    scale, rise = _build_log_scale(most) if is_log else _build_scale(most)
    places = [axis.place(step.at) for step in steps]
    people = _stairs(places, [step.first for step in steps], rise)
    return PeopleCurve(
        people=people,
        area="" if is_log else f"{people}V{BOTTOM}Z",
        votes=_stairs(places, [step.second for step in steps], rise) if shows_votes else "",
        bursts=_mark_bursts(bursts, axis, zone),
        firsts=_label_firsts(firsts, axis),
        dates=axis.list_ticks(zone),
        scale=scale,
        is_log=is_log,
    )


def build_reproduction_plot(timing: Timing, zone: str, begin: datetime | None = None) -> ReproductionPlot:
    """R of the matured cohorts over the time from the first arrival (or `begin`) to the moment of counting."""
    begin = begin or timing.first_at
    axis = _Axis(begin, max(timing.counted_to, begin + _MINUTE))
    scale, rise = _build_fine_scale(timing.windows)
    early = axis.place(timing.too_early_from)
    return ReproductionPlot(
        line=_join_windows(timing.windows, axis, rise),
        band="".join(_box(window, axis, rise) for window in timing.windows),
        one=rise(1.0),
        early=early,
        early_label="too early to tell" if RIGHT - early >= NAMED_ZONE else "",
        dates=axis.list_ticks(zone),
        scale=scale,
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    begin: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        share = (at - self.begin) / (self.end - self.begin)
        return round(LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share)), 1)

    def list_ticks(self, zone: str) -> list[Tick]:
        return [Tick(self.place(at), label) for at, label in list_dates(self.begin, self.end, zone)]


_Rise = Callable[[float], float]


def _build_scale(most: int) -> tuple[list[Tick], _Rise]:
    """Round numbers from 0 to the first that is not below `most`, and the height of any number."""
    step = 1
    while step * MOST_TICKS < most:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    numbers = range(0, (-(-most // step) + 1) * step, step)
    rise = _linear(numbers[-1])
    return [Tick(rise(number), f"{number:,}") for number in numbers], rise


def _build_log_scale(most: int) -> tuple[list[Tick], _Rise]:
    """1, 2, 5, 10 … (whole decades only, where these are many) to the first not below `most`, above nobody."""
    numbers, decade = [1], 1
    while numbers[-1] < most:
        numbers += [2 * decade, 5 * decade, 10 * decade]
        decade *= 10
    while len(numbers) > 1 and numbers[-2] >= most:
        numbers.pop()
    top = log10(max(2, numbers[-1])) + LOG_FOOT
    if len(numbers) > MOST_LOG_TICKS:
        numbers = [number for number in numbers if str(number).strip("0") == "1"]

    def rise(number: float) -> float:
        share = (log10(number) + LOG_FOOT) / top if number >= 1 else 0.0
        return round(BOTTOM - (BOTTOM - TOP) * share, 1)

    foot = [Tick(BOTTOM, "0" if BOTTOM - rise(1) >= LEAST_GAP else "")]
    return foot + [Tick(rise(number), f"{number:,}") for number in numbers], rise


def _build_fine_scale(windows: Sequence[Window]) -> tuple[list[Tick], _Rise]:
    """From 0 past 1 and every value, and past the intervals as far as they do not flatten the rest."""
    values = [window.reproduction.value for window in windows]
    highs = [window.reproduction.high for window in windows]
    most = max([1.2, *values, min(max(highs, default=0.0), 2 * max(values, default=0.0))])
    step = 0.5
    while step * MOST_TICKS < most:
        step = step * 2.5 if f"{step:g}"[0] == "2" else step * 2
    count = -int(-most // step)
    rise = _linear(count * step)
    return [Tick(rise(turn * step), f"{turn * step:,g}") for turn in range(count + 1)], rise


def _linear(top: float) -> _Rise:
    return lambda number: round(BOTTOM - (BOTTOM - TOP) * min(1.0, number / top), 1)


def _stairs(places: Sequence[float], numbers: Sequence[int], rise: _Rise) -> str:
    """Nothing is known between two points but that nobody came: the line stays level, then jumps."""
    stairs = "".join(f"H{x}V{rise(number)}" for x, number in zip(places, numbers, strict=True))
    return f"M{LEFT} {BOTTOM}{stairs}H{RIGHT}"


def _mark_bursts(bursts: Iterable[Burst], axis: _Axis, zone: str) -> list[BurstMark]:
    """The largest bursts in their order; a label stands where it touches none of a larger one."""
    taken: list[tuple[float, float]] = []
    marks = []
    for burst in sorted(bursts, key=lambda burst: -burst.people)[:MOST_BURSTS]:
        begin, end = axis.place(burst.begin), axis.place(burst.until)
        width = max(THINNEST, round(end - begin, 1))
        x = min(begin, RIGHT - width)
        label = f"+{burst.people:,}"
        half = DIGIT * len(label) / 2
        middle = round(min(RIGHT - half, max(LEFT + half, x + width / 2)), 1)
        has_room = all(middle + half < low or high < middle - half for low, high in taken)
        if has_room:
            taken.append((middle - half, middle + half))
        marks.append(
            BurstMark(round(x, 1), width, middle, label if has_room else "", _tell_burst(burst, zone))
        )
    return sorted(marks, key=lambda mark: mark.x)


def _tell_burst(burst: Burst, zone: str) -> str:
    return f"{burst.people:,} people, {name_stretch(burst.begin, burst.until, zone)}"


def _label_firsts(firsts: Sequence[First], axis: _Axis) -> list[Tick]:
    """A tick for each generation, and its number where there is room; the deepest always has one."""
    ticks: list[Tick] = []
    edge = RIGHT + DIGIT
    for first in reversed(firsts):
        at = axis.place(first.at)
        half = DIGIT * len(f"{first.generation}") / 2 + 2
        label = f"{first.generation}" if at + half <= edge else ""
        edge = at - half if label else edge
        ticks.append(Tick(at, label))
    return ticks[::-1]


def _join_windows(windows: Sequence[Window], axis: _Axis, rise: _Rise) -> str:
    """One line of steps; it breaks where two windows do not touch."""
    line = ""
    ends = [None, *(window.until for window in windows)]
    for before, window in zip(ends, windows, strict=False):
        start = "V" if window.begin == before else f"M{axis.place(window.begin)} "
        line += f"{start}{rise(window.reproduction.value)}H{axis.place(window.until)}"
    return line


def _box(window: Window, axis: _Axis, rise: _Rise) -> str:
    low, high = rise(window.reproduction.low), rise(window.reproduction.high)
    return f"M{axis.place(window.begin)} {low}H{axis.place(window.until)}V{high}H{axis.place(window.begin)}Z"
