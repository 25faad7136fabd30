"""What is stored of a spread's times, and the figures that a tree had before."""

import random

import pytest

from quilt.spread.growth import Grown, replay_growth
from quilt.spread.measures import measure
from quilt.spread.timesheet import MOST_WAYS, FacetTimes, HourSums, Timeline, build_timesheet

# 0←1, 0←2, 1←3, 1←4, 3←5: arrivals at ten past one, at two, ...
PARENTS = [-1, 0, 0, 1, 1, 3]
SECONDS = [0.0, 4200.0, 7200.0, 7800.0, 93000.0, 93600.0]


def make_timeline(ways=None, votes=None):
    return Timeline(PARENTS, SECONDS, ways or [()] * 6, votes or [0] * 6)


def test_everybody_s_times():
    sheet = build_timesheet(make_timeline(votes=[9, 1, 0, 2, 0, 0]))
    assert sheet.facets == {"": FacetTimes(5, 3, 4200, 93600, 3600, 85800, 3)}
    assert sheet.firsts == [4200, 7800, 93600]
    assert sheet.hours == {
        ("", 3600): HourSums(1, 1, 1),  # the second child came after more than a day
        ("", 7200): HourSums(2, 1, 1),
        ("", 90000): HourSums(1, 0, 0),
        ("", 93600): HourSums(1, 0, 0),
    }
    longer = build_timesheet(make_timeline(), horizon=100_000)
    assert longer.hours["", 3600] == HourSums(1, 2, 4)


def test_an_entry_nobody_came_to():
    sheet = build_timesheet(Timeline([-1], [0], [()], [0]))
    assert (sheet.facets, sheet.hours, sheet.firsts) == ({}, {}, [])


def test_ways_have_their_own_times_from_five_people_on():
    parents = [-1, *[0] * 5, *[1] * 5, *[2] * 4]
    seconds = [0, *range(100, 600, 100), *range(1100, 6100, 1000), *[7200] * 4]
    ways = [(), *[("channel:wa",)] * 5, *[("channel:fb", "embed:7")] * 5, *[("channel:x",)] * 4]
    sheet = build_timesheet(Timeline(parents, seconds, ways, [0] * 15))
    assert sheet.facets.keys() == {"", "channel:wa", "channel:fb", "embed:7"}
    assert sheet.facets["channel:wa"] == FacetTimes(5, 0, 100, 500, 200, None, 0)
    assert (
        sheet.facets["embed:7"] == sheet.facets["channel:fb"] == FacetTimes(5, 0, 1100, 5100, 2000, 3000, 5)
    )
    assert sheet.hours["channel:wa", 0] == HourSums(5, 9, 5 * 5 + 4 * 4)
    assert sum(sums.people for (facet, _), sums in sheet.hours.items() if facet == "embed:7") == 5


def test_invented_channels_do_not_pile_up():
    ways = [(), *[(f"channel:{number}",) for number in range(60) for _ in range(5)]]
    sheet = build_timesheet(Timeline([-1] + [0] * 300, [0.0] * 301, ways, [0] * 301))
    assert len(sheet.facets) == 1 + MOST_WAYS


@pytest.mark.parametrize("seed", range(5))
def test_the_past_equals_a_recount_of_who_had_come(seed):
    chance = random.Random(seed)
    parents = [-1, *(chance.randrange(max(0, node - 9), node) for node in range(1, 120))]
    seconds = [0.0]
    for node in range(1, 120):
        seconds.append(max(seconds[parents[node]], 0) + chance.random() * 50)
    instants = sorted(chance.uniform(-5, max(seconds) + 5) for _ in range(20))
    for instant, grown in zip(instants, replay_growth(parents, seconds, instants), strict=True):
        there = [node for node in range(120) if node == 0 or seconds[node] <= instant]
        index = {node: turn for turn, node in enumerate(there)}
        past = measure([-1, *(index[parents[node]] for node in there[1:])])
        assert grown == Grown(past.size, past.depth, past.structural_virality)


def test_a_child_with_a_slow_clock_came_with_its_parent():
    assert [grown.size for grown in replay_growth([-1, 0, 1], [0, 50, 40], [45, 50])] == [1, 3]


def test_a_tree_too_deep_keeps_size_and_depth():
    chain = replay_growth(range(-1, 9), range(10), [3, 9], most_steps=20)
    assert chain == [Grown(4, 3, None), Grown(10, 9, None)]
