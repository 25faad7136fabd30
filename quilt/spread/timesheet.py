"""The times of a whole spread and of each way that people came by: what is stored for its curves and cohorts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quilt.spread.cohorts import HORIZON, count_early_children
from quilt.spread.timing import HOUR, find_first_times, find_half_life, find_median, list_intervals
from quilt.spread.tree import ROOT

EVERYBODY = ""  # the facet of the whole spread
LEAST_PEOPLE = 5  # who came by a way that fewer used could be recognised
MOST_WAYS = 24  # of one kind; anybody can invent a channel in an address


@dataclass(frozen=True, slots=True)
class Timeline:
    """Who is counted, as parents by index (node 0: the entry), with each one's instant, votes and ways.

    `seconds` are since the epoch. `ways` are names like "channel:wa" or "link:5"; what stands before the
    colon is the kind. The entry's own places hold anything.
    """

    parents: Sequence[int]
    seconds: Sequence[float]
    ways: Sequence[tuple[str, ...]]
    votes: Sequence[int]


@dataclass(frozen=True, slots=True)
class FacetTimes:
    """Everybody, or those who came by one way. Half-life and median generation interval are in seconds.

    An interval is that of the people themselves: from the one who brought them to their own arrival.
    """

    people: int
    votes: int
    first: float
    last: float
    half_life: float
    interval: float | None
    intervals_count: int


@dataclass(frozen=True, slots=True)
class HourSums:
    """Who came in one hour, the children they brought within the horizon, and the sum of these squared."""

    people: int
    children: int
    squares: int


@dataclass(frozen=True, slots=True)
class Timesheet:
    """Facets by name, hours by (facet, the hour's begin in seconds), the first instant of each generation."""

    facets: dict[str, FacetTimes]
    hours: dict[tuple[str, int], HourSums]
    firsts: list[float]


def build_timesheet(timeline: Timeline, horizon: float = HORIZON) -> Timesheet:
    """Return the times of everybody and of each way, in O(n log n).

    Left out are ways with fewer than LEAST_PEOPLE, and of each kind all but the MOST_WAYS largest.
    """
    children = count_early_children(timeline.parents, timeline.seconds, horizon)
    sheet = Timesheet({}, {}, find_first_times(timeline.parents, timeline.seconds))
    if len(timeline.parents) < 2:
        return sheet
    everybody = range(1, len(timeline.parents))
    for facet, nodes in [(EVERYBODY, everybody), *_choose_ways(timeline.ways)]:
        sheet.facets[facet] = _sum_up(timeline, nodes)
        for hour, sums in _sum_hours(timeline.seconds, children, nodes):
            sheet.hours[facet, hour] = sums
    return sheet


def _choose_ways(ways: Sequence[tuple[str, ...]]) -> list[tuple[str, list[int]]]:
    members: dict[str, list[int]] = {}
    for node in range(1, len(ways)):
        for way in ways[node]:
            members.setdefault(way, []).append(node)
    taken: dict[str, int] = {}
    chosen = []
    for way, nodes in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        kind = way.partition(":")[0]
        taken[kind] = taken.get(kind, 0) + 1
        if len(nodes) >= LEAST_PEOPLE and taken[kind] <= MOST_WAYS:
            chosen.append((way, nodes))
    return chosen


def _sum_up(timeline: Timeline, nodes: Sequence[int]) -> FacetTimes:
    seconds = timeline.seconds
    instants = [seconds[node] for node in nodes]
    intervals = _list_own_intervals(timeline, nodes)
    return FacetTimes(
        people=len(nodes),
        votes=sum(timeline.votes[node] for node in nodes),
        first=min(instants),
        last=max(instants),
        half_life=find_half_life(instants) or 0.0,
        interval=find_median(intervals),
        intervals_count=len(intervals),
    )


def _list_own_intervals(timeline: Timeline, nodes: Sequence[int]) -> list[float]:
    if isinstance(nodes, range):
        return list_intervals(timeline.parents, timeline.seconds)
    parents, seconds = timeline.parents, timeline.seconds
    return [max(0.0, seconds[node] - seconds[parents[node]]) for node in nodes if parents[node] != ROOT]


def _sum_hours(
    seconds: Sequence[float], children: Sequence[int], nodes: Iterable[int]
) -> Iterable[tuple[int, HourSums]]:
    sums: dict[int, list[int]] = {}
    for node in nodes:
        hour = int(seconds[node] // HOUR) * HOUR
        row = sums.get(hour)
        if row is None:
            row = sums[hour] = [0, 0, 0]
        brought = children[node]
        row[0] += 1
        if brought:
            row[1] += brought
            row[2] += brought * brought
    return ((hour, HourSums(*row)) for hour, row in sums.items())
