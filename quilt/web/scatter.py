"""Marks over a logarithmic scale below and a plain one beside, as numbers for SVG: a box as wide as the charts', but
higher, for marks need room on a phone too."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quilt.web.charts import LEFT, RIGHT, Tick

TOP, BOTTOM = 30.0, 330.0
MARGIN = 18.0  # between the scale and the first mark
ROUND_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
MOST_TICKS = 6
CORE = 4.0  # radius of a mark without its ring


@dataclass(frozen=True, slots=True)
class Spot:
    """What a mark stands for: `across` is at least 1; `ring` a count told by the ring; `label` '' or a number."""

    across: float
    up: float
    ring: int
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A disc with a ring round it, and its words."""

    x: float
    y: float
    ring: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """The marks, the largest first so that small ones lie on top, and the two scales."""

    marks: list[Mark]
    ticks: list[Tick]
    scale: list[Tick]


def build_scatter(spots: Sequence[Spot]) -> Scatter:
    """Marks for at least one spot, with round numbers at both scales."""
    least = math.floor(math.log10(min(spot.across for spot in spots)))
    most = max(math.ceil(math.log10(max(spot.across for spot in spots))), least + 1)
    step = _choose_step(max(spot.up for spot in spots))
    top = step * max(1, math.ceil(max(spot.up for spot in spots) / step - 1e-9))
    marks = [
        Mark(
            round(_place(math.log10(spot.across), least, most), 1),
            round(BOTTOM - (BOTTOM - TOP) * spot.up / top, 1),
            measure_ring(spot.ring),
            spot.label,
            spot.title,
        )
        for spot in spots
    ]
    return Scatter(
        sorted(marks, key=lambda mark: -mark.ring),
        [Tick(round(_place(power, least, most), 1), f"{10**power:,}") for power in range(least, most + 1)],
        _list_scale(step, top),
    )


def measure_ring(count: int) -> float:
    """The radius of the ring for so many generations: each doubling takes the same."""
    return round(CORE + 2.5 + 2.6 * math.log2(max(1, count)), 1)


def _place(power: float, least: int, most: int) -> float:
    begin, end = LEFT + MARGIN, RIGHT - MARGIN
    return begin + (end - begin) * (power - least) / (most - least)


def _choose_step(most: float) -> float:
    return next((step for step in ROUND_STEPS if most / step <= MOST_TICKS), most / MOST_TICKS)


def _list_scale(step: float, top: float) -> list[Tick]:
    count = round(top / step)
    return [
        Tick(round(BOTTOM - (BOTTOM - TOP) * number / count, 1), f"{step * number:g}")
        for number in range(count + 1)
    ]
