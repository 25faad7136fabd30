"""Places, borders and what is too small to show."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quilt.standings.rules import (
    LEAST_SHOWN,
    STEPS,
    Figures,
    build_standings,
    build_totals,
    find_spread_step,
    place_in_order,
)


def entries(*votes: int, reach: int = 0) -> list[Figures]:
    return [Figures(number, count, reach, 0) for number, count in enumerate(votes, 1)]


@pytest.mark.parametrize(
    "votes, places",
    [
        ((), []),
        ((10,), [(1, 1)]),
        ((10, 20, 30), [(1, 3), (2, 2), (3, 1)]),
        ((20, 30, 20, 10), [(1, 2), (2, 1), (2, 3), (4, 4)]),
        ((7, 7, 7), [(1, 1), (1, 2), (1, 3)]),
        ((7, 4, 0), [(1, 1), (None, 2), (None, 3)]),
    ],
)
def test_places(votes, places):
    assert [(each.place, each.entry_id) for each in build_standings(entries(*votes), False)] == places


def test_the_final_count_hides_nothing():
    standings = build_standings(entries(2, 0, 2), True)
    assert [(each.place, each.entry_id, each.votes) for each in standings] == [
        (1, 1, 2),
        (1, 3, 2),
        (3, 2, 0),
    ]


def test_who_is_not_eligible_is_shown_without_a_place():
    figures = [Figures(1, 50, 9, 0), Figures(2, 40, 9, 0, is_eligible=False), Figures(3, 30, 9, 0)]
    standings = build_standings(figures, False)
    assert [(each.place, each.entry_id) for each in standings] == [(1, 1), (None, 2), (2, 3)]


def test_few_are_not_shown():
    (standing,) = build_standings(entries(4, reach=4), False)
    assert (standing.votes, standing.reach) == (None, None)
    (standing,) = build_standings(entries(5, reach=5), False)
    assert (standing.votes, standing.reach) == (5, 5)


@given(st.lists(st.integers(0, 30)), st.booleans())
@example([7, 30, 7, 4], False)
def test_a_place_is_one_more_than_the_number_of_those_ahead(votes, is_final):
    placed = [each for each in build_standings(entries(*votes), is_final) if each.place is not None]
    assert len(placed) == sum(is_final or count >= LEAST_SHOWN for count in votes)
    for each in placed:
        assert each.place == 1 + sum(count > votes[each.entry_id - 1] for count in votes)


@pytest.mark.parametrize(
    "reach, step", [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (1_240, 6), (9_999, 8), (10_000, 9), (10**9, 9)]
)
def test_steps_of_the_border(reach, step):
    assert find_spread_step(reach) == step
    assert len(STEPS) == 9


def test_totals():
    totals = build_totals([Figures(1, 3, 10, 2), Figures(2, 4, 20, 7)], causes=2)
    assert (totals.entries, totals.causes, totals.votes, totals.reach, totals.longest_chain) == (
        2,
        2,
        7,
        30,
        7,
    )
    assert build_totals([], 0).longest_chain == 0


def test_people_reached_are_summed_over_the_entries_that_tell_theirs():
    assert build_totals([Figures(1, 3, 10, 2), Figures(2, 0, 4, 1)], causes=1).reach == 10


@pytest.mark.parametrize("is_final", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_part_of_the_order_has_the_places_of_the_whole(size, is_final):
    chance = random.Random(size)
    figures = [Figures(number, chance.randrange(9), 9, 0, chance.random() < 0.8) for number in range(60)]
    whole = build_standings(figures, is_final)
    votes = {each.entry_id: each.votes for each in figures}
    ordered = sorted(figures, key=lambda each: (-each.votes, each.entry_id))
    parts = []
    for begin in range(0, len(ordered), size):
        first = ordered[begin].votes
        more = sum(each.is_eligible and each.votes > first for each in figures)
        as_many = sum(each.is_eligible and each.votes >= first for each in figures)
        parts += place_in_order(ordered[begin : begin + size], is_final, more, as_many)
    assert parts == whole and len({votes[each.entry_id] for each in whole}) > 5
