"""Times of a spread: generations, intervals, half-life, bursts, and R of matured cohorts."""

import csv
import gzip
import json
import random
from itertools import pairwise
from math import exp
from pathlib import Path
from statistics import fmean

import pytest

from quilt.spread.cohorts import (
    DAY,
    LEAST_MATURED,
    Cohort,
    build_windows,
    count_early_children,
    estimate_matured,
    estimate_mean,
)
from quilt.spread.timing import (
    HOUR,
    Burst,
    find_bursts,
    find_first_times,
    find_half_life,
    find_median,
    list_intervals,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

# 0←1, 0←2, 1←3, 1←4, 3←5
PARENTS = [-1, 0, 0, 1, 1, 3]
SECONDS = [0.0, 10.0, 5.0, 40.0, 30.0, 100.0]


def test_each_generation_has_its_first():
    assert find_first_times(PARENTS, SECONDS) == [5, 30, 100]
    assert find_first_times([-1], [0]) == []


def test_generation_intervals_run_from_the_parent_s_arrival():
    assert list_intervals(PARENTS, SECONDS) == [30, 20, 60]
    assert list_intervals(PARENTS, SECONDS, includes_entry=True) == [10, 5, 30, 20, 60]
    assert list_intervals([-1, 0, 1], [0, 50, 49]) == [0]
    assert find_median([30, 20, 60]) == 30 and find_median([20, 30]) == 25 and find_median([]) is None


@pytest.mark.parametrize(
    ("arrivals", "half_life"),
    [([], None), ([7], 0), ([0, 100], 0), ([0, 10, 90], 10), ([90, 0, 10, 20], 10), ([5, 6, 7, 8, 1000], 2)],
)
def test_half_life_is_until_half_had_come(arrivals, half_life):
    assert find_half_life(arrivals) == half_life


def hours(*counts):
    return {turn * HOUR: count for turn, count in enumerate(counts) if count}


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ((), []),
        ((500, 0, 0, 0), []),  # the beginning
        ((2, 2, 2, 9), []),  # too few
        ((2, 2, 2, 10), [(3, 4, 10, 2)]),
        ((5, 5, 5, 15), []),  # three times, and not more
        ((5, 5, 5, 16), [(3, 4, 16, 5)]),
        ((1, 0, 0, 0, 40, 50, 60, 1), [(4, 7, 150, 0)]),  # one burst of three hours
        ((1, 1, 1, 30, 0, 30), [(3, 4, 30, 1), (5, 6, 30, 1)]),
    ],
)
def test_bursts_stand_out_of_the_hours_before(counts, found):
    expected = [Burst(begin * HOUR, until * HOUR, people, usual) for begin, until, people, usual in found]
    assert find_bursts(hours(*counts)) == expected


def test_a_new_level_is_a_burst_for_half_a_day_only():
    bursts = find_bursts(hours(*[4] * 48, *[40] * 48))
    assert [(burst.begin / HOUR, burst.until / HOUR) for burst in bursts] == [(48, 60)]


def test_children_count_within_the_horizon_only():
    assert count_early_children(PARENTS, SECONDS, horizon=20) == [0, 1, 0, 0, 0, 0]
    assert count_early_children(PARENTS, SECONDS, horizon=60) == [0, 2, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("people", "children", "squares", "expected"),
    [
        (100, 0, 0, (0, 0, 0.0384)),  # 0 to z²/n
        (100, 50, 50, (0.5, 0.3793, 0.6591)),  # less spread than Poisson: taken as Poisson
        (100, 50, 300, (0.5, 0.2631, 0.9504)),  # variance 2.7778, dispersion 5.5556
        (1, 2, 4, (2, 0.5485, 7.2929)),
    ],
)
def test_the_interval_widens_with_dispersion(people, children, squares, expected):
    estimate = estimate_mean(people, children, squares)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(expected, abs=2e-4)
    assert estimate.people == people


def test_nobody_has_no_mean():
    assert estimate_mean(0, 0, 0) is None


def cohorts(*people, children=0):
    return [
        Cohort(turn * HOUR, (turn + 1) * HOUR, count, children, children) for turn, count in enumerate(people)
    ]


def test_r_waits_for_the_horizon_and_for_thirty():
    rows = cohorts(29, 1, 1000, children=1)
    assert estimate_matured(rows, 2 * HOUR + DAY - 1) is None
    matured = estimate_matured(rows, 2 * HOUR + DAY)
    assert (matured.people, matured.value) == (30, 2 / 30)
    assert build_windows(rows, 2 * HOUR + DAY - 1) == []
    assert estimate_matured(rows, 2 * HOUR + DAY, horizon=2 * DAY) is None


def test_windows_hold_thirty_each_and_nobody_twice():
    chance = random.Random(3)
    rows = cohorts(*(chance.randrange(0, 40) for _ in range(500)), children=2)
    windows = build_windows(rows, 1000 * HOUR)
    people = [window.reproduction.people for window in windows]
    assert sum(people) == sum(row.people for row in rows) and min(people) >= LEAST_MATURED
    assert 30 < len(windows) <= 60
    assert all(one.until == other.begin for one, other in pairwise(windows))
    few = build_windows(cohorts(*[10] * 7, 5), 1000 * HOUR)
    assert [window.reproduction.people for window in few] == [30, 45]


def simulate(true_r, chance, seeds=400, hours=48):
    """A Galton-Watson forest seen after `hours`: offspring negative binomial (k = .3), delays lognormal."""
    parents, seconds = [-1], [0.0]
    for _ in range(seeds):
        parents.append(0)
        seconds.append(chance.uniform(0, hours * HOUR))
    node = 0
    while (node := node + 1) < len(parents):
        for _ in range(draw_poisson(chance.gammavariate(0.3, true_r / 0.3), chance)):
            came = seconds[node] + chance.lognormvariate(0, 1) * 2 * HOUR
            if came <= hours * HOUR:
                parents.append(node)
                seconds.append(came)
    return parents, seconds


def draw_poisson(mean, chance):
    count, product, limit = 0, chance.random(), exp(-mean)
    while product > limit:
        count, product = count + 1, product * chance.random()
    return count


@pytest.mark.parametrize("true_r", [0.6, 0.9])
def test_the_matured_estimate_is_near_where_the_naive_one_is_low(true_r):
    chance, matured, naive, held = random.Random(11), [], [], 0
    for _ in range(40):
        parents, seconds = simulate(true_r, chance)
        children = count_early_children(parents, seconds)
        rows = [
            Cohort(at, at, 1, count, count * count)
            for at, count in zip(seconds[1:], children[1:], strict=True)
        ]
        estimate = estimate_matured(rows, 48 * HOUR)
        matured.append(estimate.value)
        naive.append(1 - 400 / (len(parents) - 1))
        held += estimate.low <= true_r <= estimate.high
    print(f"R {true_r}: matured {fmean(matured):.3f}, naive {fmean(naive):.3f}, interval held {held} of 40")
    assert fmean(matured) == pytest.approx(true_r, abs=0.03)
    assert fmean(naive) < true_r - 0.03 < fmean(matured)
    assert held >= 33


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded cascades are not here")
def test_times_of_recorded_cascades_equal_the_reference():
    with (DATA / "cascades_dev_metrics.csv").open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    looked_at = 0
    with gzip.open(DATA / "cascades_dev.jsonl.gz", "rt") as file:
        for tree in map(json.loads, file):
            if any(when is None for _, _, when in tree["edges"]):
                continue
            looked_at += 1
            edges = sorted(tree["edges"], key=lambda edge: edge[1])
            index = {0: 0} | {child: turn for turn, (_, child, _) in enumerate(edges, 1)}
            parents = [-1, *(index[parent] for parent, _, _ in edges)]
            seconds = [0, *(when for _, _, when in edges)]
            row = rows[tree["id"]]
            assert ";".join(map(str, find_first_times(parents, seconds))) == row["first_seconds_at_depth"]
            interval = find_median(list_intervals(parents, seconds, includes_entry=True))
            assert interval == pytest.approx(float(row["median_generation_interval_s"]), abs=0.05)
            assert str(max(seconds)) == row["last_seconds"]
    print(f"{looked_at} cascades with times looked at")
    assert looked_at == 259
