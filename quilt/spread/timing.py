"""When a story spread: the first of each generation, how long one takes to bring the next, half-life, bursts.

All times are seconds; a tree comes as parents by index with the instant of every node (node 0: the entry).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from quilt.spread.tree import ROOT

HOUR = 3600
BURST_FACTOR = 3  # times the running median
LEAST_BURST = 10  # people in an hour
MEMORY = 24  # hours that the running median looks back
LEAST_MEMORY = 3  # hours without which nothing is known to be usual


@dataclass(frozen=True, slots=True)
class Burst:
    """Hours one after another with far more people than usual: from the first's begin to the last's end."""

    begin: int
    until: int
    people: int
    usual: float  # people an hour just before: the running median


def find_first_times(parents: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """Return when each generation was first reached, from generation 1 on (so position g − 1 is g's)."""
    depths, firsts = [0] * len(parents), list[float]()
    for node in range(1, len(parents)):
        depth = depths[parents[node]] + 1
        depths[node] = depth
        if depth > len(firsts):
            firsts.append(seconds[node])
        elif seconds[node] < firsts[depth - 1]:
            firsts[depth - 1] = seconds[node]
    return firsts


def list_intervals(
    parents: Sequence[int], seconds: Sequence[float], includes_entry: bool = False
) -> list[float]:
    """Return the generation intervals: for each child, the seconds from its parent's arrival to its own.

    The entry is nobody who arrives, so its own children are left out unless `includes_entry`, for a tree
    whose root is a first share. None is negative: clocks that disagree are taken as no time at all.
    """
    return [
        max(0.0, seconds[node] - seconds[parent])
        for node, parent in enumerate(parents)
        if parent > ROOT or (includes_entry and parent == ROOT)
    ]


def find_median(numbers: Sequence[float]) -> float | None:
    """Return the median, the mean of the middle two for an even count, None for nothing."""
    return median(numbers) if numbers else None


def find_half_life(arrivals: Iterable[float]) -> float | None:
    """Return the seconds from the first arrival until half of all (rounded up) had come; None for nobody."""
    ordered = sorted(arrivals)
    return ordered[(len(ordered) - 1) // 2] - ordered[0] if ordered else None


def find_bursts(counts: Mapping[int, int]) -> list[Burst]:
    """Return the bursts among hours, given as people by the hour's begin (seconds, multiples of HOUR).

    An hour belongs to one when at least LEAST_BURST people came and more than BURST_FACTOR times the
    median of the MEMORY hours before it, hours without anybody among them. The story's first LEAST_MEMORY hours are no burst: they are its beginning.
    """
    if not counts:
        return []
    first = min(counts)
    bursts: list[Burst] = []
    for hour in sorted(hour for hour, people in counts.items() if people >= LEAST_BURST):
        if hour - first < LEAST_MEMORY * HOUR:
            continue
        usual = _median_before(counts, first, hour)
        if counts[hour] > BURST_FACTOR * usual:
            _add_hour(bursts, hour, counts[hour], usual)
    return bursts


def _median_before(counts: Mapping[int, int], first: int, hour: int) -> float:
    begin = max(first, hour - MEMORY * HOUR)
    return median(counts.get(before, 0) for before in range(begin, hour, HOUR))


def _add_hour(bursts: list[Burst], hour: int, people: int, usual: float) -> None:
    if bursts and bursts[-1].until == hour:
        last = bursts[-1]
        bursts[-1] = Burst(last.begin, hour + HOUR, last.people + people, last.usual)
    else:
        bursts.append(Burst(hour, hour + HOUR, people, usual))
