import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.spread.condense import MAX_LEVELS, Item, MarkKind, condense, fold_runs
from quilt.spread.tree import BrokenTree, list_depths, list_sizes
from tests.spread.trees import bursty, caterpillar, chain, random_parents, star, tree


def show(parents: list[int], max_marks: int = 100) -> list[Item]:
    return condense(fold_runs(parents), max_marks)


def test_a_small_tree_is_shown_as_it_is() -> None:
    items = show(tree("a, b, c<a, d<a, e<c"))
    assert [item.kind for item in items] == [MarkKind.ENTRY] + [MarkKind.PERSON] * 5
    assert [(item.node, item.parent, item.generation, item.reach) for item in items] == [
        (0, -1, 0, 6),
        (1, 0, 1, 4),
        (2, 0, 1, 1),
        (3, 1, 2, 2),
        (4, 1, 2, 1),
        (5, 3, 3, 1),
    ]


def test_a_long_run_becomes_one_mark() -> None:
    items = show(chain(300))
    assert [(item.kind, item.generation, item.last_generation, item.people) for item in items] == [
        (MarkKind.ENTRY, 0, 0, 1),
        (MarkKind.PERSON, 1, 1, 1),
        (MarkKind.RUN, 2, 298, 297),
        (MarkKind.PERSON, 299, 299, 1),
    ]


@pytest.mark.parametrize(("length", "kinds"), [(4, 0), (5, 0), (6, 1)])
def test_a_short_run_stays(length: int, kinds: int) -> None:
    items = show(chain(length))
    assert sum(item.kind is MarkKind.RUN for item in items) == kinds
    assert sum(item.people for item in items) == length


def test_the_smallest_go_behind_a_number() -> None:
    items = show(tree("a, b, c<a, d<a, e<c, f, g"), 5)
    assert [(item.kind, item.node, item.people, item.last_generation) for item in items] == [
        (MarkKind.ENTRY, 0, 1, 0),
        (MarkKind.PERSON, 1, 1, 1),
        (MarkKind.MORE, 2, 3, 1),
        (MarkKind.MORE, 3, 3, 3),
    ]


def test_a_number_says_how_deep_it_goes() -> None:
    entry, more = show(chain(50), 2)
    assert (more.kind, more.people, more.generation, more.last_generation) == (MarkKind.MORE, 49, 1, 49)
    assert entry.reach == 50


def test_a_star_keeps_its_earliest_people() -> None:
    items = show(star(10_000), 2000)
    assert len(items) == 2000
    assert [item.node for item in items[1:-1]] == list(range(1, 1999))
    assert (items[-1].kind, items[-1].people) == (MarkKind.MORE, 8001)


def test_a_tree_of_many_levels_ends_in_a_number() -> None:
    items = show(caterpillar(400), 2000)
    assert max(item.generation for item in items) == MAX_LEVELS + 1
    assert max(item.last_generation for item in items) == 400


@given(random_parents(max_size=120), st.integers(2, 60))
def test_nobody_is_lost_and_the_bound_holds(parents: list[int], max_marks: int) -> None:
    items = show(parents, max_marks)
    sizes, depths = list_sizes(parents), list_depths(parents)
    assert len(items) <= max_marks
    assert sum(item.people for item in items) == len(parents)
    assert [item.parent < place for place, item in enumerate(items)] == [True] * len(items)
    assert max(item.last_generation for item in items) == max(depths)
    for item in items:
        assert depths[item.node] == item.generation <= item.last_generation
        if item.kind in (MarkKind.PERSON, MarkKind.RUN):
            assert item.reach == sizes[item.node]
        if item.parent >= 0:
            assert item.generation == items[item.parent].last_generation + 1


def test_the_shown_are_the_largest() -> None:
    parents = bursty(3000, random.Random(5))
    items = show(parents, 300)
    sizes = list_sizes(parents)
    shown = {item.node for item in items if item.kind is not MarkKind.MORE}
    hidden = set(range(len(parents))) - shown
    least = sorted(sizes[node] for node in shown)[len(shown) // 4]
    assert len(shown) >= 150
    assert max(sizes[node] for node in hidden if parents[node] in shown) <= least


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        show([-1], 1)
    with pytest.raises(BrokenTree):
        fold_runs([-1, 5])
