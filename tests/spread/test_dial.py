"""The dial from broadcast to chain: its ends, its words, and what it compares with."""

import random
from itertools import pairwise

import pytest

from quilt.spread.dial import (
    FEWEST_SIMILAR,
    LEAST_BETWEEN,
    Leaning,
    build_dial,
    list_scale,
    place_on_dial,
    summarise,
)
from quilt.spread.measures import measure
from tests.spread.trees import bursty, chain, star, uniform


def virality(parents: list[int]) -> float:
    value = measure(parents).structural_virality
    assert value is not None
    return value


@pytest.mark.parametrize("size", [5, 60, 4000])
def test_the_star_and_the_chain_are_its_ends(size: int) -> None:
    assert place_on_dial(size, virality(star(size))) == 0.0
    assert place_on_dial(size, virality(chain(size))) == pytest.approx(1.0)
    assert 0.0 < place_on_dial(size, virality(uniform(size, random.Random(1)))) < 1.0


@pytest.mark.parametrize("size", [3, 5, 60, 430, 83_607, 1_000_000])
def test_its_scale_goes_from_end_to_end_and_leaves_room(size: int) -> None:
    numbers, places = zip(*list_scale(size), strict=True)
    assert (numbers[0], numbers[-1]) == pytest.approx((2 * (size - 1) / size, (size + 1) / 3))
    assert places == pytest.approx([place_on_dial(size, number) for number in numbers])
    assert all(after - before >= LEAST_BETWEEN for before, after in pairwise(places))
    assert len(numbers) >= 4 or size < 60


def test_two_points_have_no_way_between() -> None:
    assert place_on_dial(2, 1.0) == 0.0
    assert list_scale(2) == [(1.0, 0.0)]


@pytest.mark.parametrize(
    ("size", "number", "leaning"),
    [
        (50, 1.96, Leaning.BROADCAST),
        (50, 3.0, Leaning.FEW_SHARES),
        (50, 7.0, Leaning.MIXED),
        (50, 16.0, Leaning.CHAINS),
        (400, 2.04, Leaning.BROADCAST),
        (400, 2.9, Leaning.FEW_SHARES),
        (400, 4.0, Leaning.MIXED),
        (400, 6.0, Leaning.CHAINS),
        (20_000, 5.3, Leaning.MIXED),
        (20_000, 5.5, Leaning.CHAINS),
    ],
)
def test_words_come_before_the_number(size: int, number: float, leaning: Leaning) -> None:
    assert build_dial(size, number, []).leaning is leaning


def test_own_entries_count_as_soon_as_there_are_enough() -> None:
    few = [(3.0 + number / 10, number) for number in range(FEWEST_SIMILAR - 1)]
    dial = build_dial(400, 3.5, few)
    assert dial.typical is not None and dial.typical.spreads == 0
    dial = build_dial(400, 3.5, [*few, (9.0, 40)])
    assert dial.typical is not None
    assert (dial.typical.spreads, dial.typical.virality, dial.typical.depth) == (10, pytest.approx(3.45), 4.5)
    assert dial.typical_place < dial.high_place
    assert build_dial(60, 3.5, few).typical is None


def test_quantiles_lie_between_neighbours() -> None:
    typical = summarise([(float(number), number) for number in range(11)])
    assert (typical.virality, typical.high_virality, typical.high_depth) == (5.0, 9.0, 9.0)
    assert summarise([(2.0, 3)]).high_virality == 2.0


def test_a_bursty_tree_is_no_chain() -> None:
    parents = bursty(3000, random.Random(7))
    assert build_dial(3000, virality(parents), []).leaning in (Leaning.FEW_SHARES, Leaning.MIXED)
