"""Scores and points, by hand and by brute force."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.judging.rules import (
    PanelFacts,
    find_missing,
    find_obstacles,
    find_unjudged,
    weigh,
)

STORY, FILM = 1, 2


def panel(scores, conflicts=(), judges=(7, 8), entries=(1,), weights=None):
    return PanelFacts(judges, entries, weights or {STORY: 60, FILM: 40}, set(conflicts), scores)


def test_points_by_hand():
    scores = {(7, 1, STORY): 10, (7, 1, FILM): 5, (8, 1, STORY): 8, (8, 1, FILM): 6}
    # 0.6 · (10 + 8) / 2 + 0.4 · (5 + 6) / 2 = 5.4 + 2.2 = 7.6 of 10
    assert weigh(panel(scores), 1) == 7_600


def test_a_conflict_leaves_the_others():
    scores = {(8, 1, STORY): 8, (8, 1, FILM): 6}
    facts = panel(scores, conflicts={(7, 1)})
    assert find_obstacles(facts) == []
    assert weigh(facts, 1) == 7_200


def test_halves_are_rounded_up():
    facts = panel({(7, 1, 1): 1, (7, 1, 2): 0, (7, 1, 3): 0}, judges=(7,), weights={1: 1, 2: 8, 3: 7})
    assert weigh(facts, 1) == 63  # 62.5


def test_what_is_missing_is_named():
    scores = {(7, 1, STORY): 10, (7, 1, FILM): 5, (8, 1, STORY): 8}
    facts = panel(scores, entries=(1, 2), conflicts={(8, 2)})
    assert find_missing(facts) == [(7, 2), (8, 1)]
    assert find_obstacles(facts) == ["2 entries of one judge or another are still open."]


def test_what_has_points_is_not_judged_again():
    facts = PanelFacts((7,), (1, 2), {STORY: 1}, set(), {}, fixed={1})
    assert (facts.open_entries, find_missing(facts), find_unjudged(facts)) == ([2], [(7, 2)], [])


DONE = panel({(7, 1, STORY): 1, (7, 1, FILM): 1}, judges=(7,))


@pytest.mark.parametrize(
    "facts, more, said",
    [
        (DONE, {"entering_until": "1 May"}, "Entries are taken until 1 May."),
        (DONE, {"waiting": 2}, "2 entries wait for a moderator."),
        (panel({}, judges=()), {}, "There are no judges yet."),
        (PanelFacts((7,), (1,), {}, set(), {}), {}, "There are no criteria yet."),
        (panel({}, entries=()), {}, "There are no entries to judge yet."),
        (panel({}, conflicts={(7, 1), (8, 1)}), {}, "All judges stand too near to one of the entries: ask one more judge."),
    ],
)  # fmt: skip
def test_a_panel_that_cannot_be_closed_says_why(facts, more, said):
    assert find_obstacles(facts, **more) == [said]


def test_an_entry_that_nobody_may_judge_is_found():
    assert find_unjudged(panel({}, conflicts={(7, 1), (8, 1)}, entries=(1, 2))) == [1]


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=4),
    st.integers(1, 4),
    st.data(),
)
def test_points_are_the_weighted_mean(weights, judges, data):
    scores = {
        (judge, 1, criterion): data.draw(st.integers(0, 10))
        for judge in range(judges)
        for criterion in range(len(weights))
    }
    facts = PanelFacts(tuple(range(judges)), (1,), dict(enumerate(weights)), set(), scores)
    means = [Fraction(sum(scores[j, 1, c] for j in range(judges)), judges) for c in range(len(weights))]
    exact = 1_000 * sum(w * mean for w, mean in zip(weights, means, strict=True)) / sum(weights)
    assert abs(weigh(facts, 1) - exact) <= Fraction(1, 2)
    assert 0 <= weigh(facts, 1) <= 10_000
