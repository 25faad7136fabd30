import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.spread.fold import recount_nodes
from quilt.spread.tree import (
    BrokenTree,
    build_tree,
    build_tree_of,
    check_parents,
    count_children,
    count_generations,
    find_depths,
    list_depths,
    list_sizes,
    sum_subtrees,
)
from tests.spread.trees import random_parents, tree


def test_a_small_tree() -> None:
    parents = tree("a, b, c<a, d<a, e<c")
    assert parents == [-1, 0, 0, 1, 1, 3]
    assert list_sizes(parents) == [6, 4, 1, 2, 1, 1]
    assert list_depths(parents) == [0, 1, 1, 2, 2, 3]
    assert count_children(parents) == [2, 2, 0, 1, 0, 0]
    assert count_generations(list_depths(parents)) == (1, 2, 2, 1)
    assert sum_subtrees(parents, [0, 1, 10, 100, 1000, 10**30]) == [
        10**30 + 1111,
        10**30 + 1101,
        10,
        10**30 + 100,
        1000,
        10**30,
    ]


def test_the_entry_alone() -> None:
    built = build_tree([])
    assert (built.parents, built.ids) == ([-1], [None])
    assert list_sizes([-1]) == [1] and list_depths([-1]) == [0] and count_generations([0]) == (1,)


def test_arrivals_keep_their_ids() -> None:
    built = build_tree([(7, None), (9, 7), (12, None), (30, 9)])
    assert built.parents == [-1, 0, 1, 0, 2]
    assert built.ids == [None, 7, 9, 12, 30]


@given(random_parents(), st.integers(1, 1000))
def test_ids_with_gaps_and_without_make_the_same_tree(parents: list[int], first: int) -> None:
    for step in (1, 3):
        links = [
            (first + node * step, first + parent * step if parent else None)
            for node, parent in enumerate(parents)
            if node
        ]
        assert build_tree(links).parents == parents


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        (set(), [7, 9, 12, 30, 31]),
        ({7}, [12]),
        ({9}, [7, 12, 31]),
        ({30}, [7, 9, 12, 31]),
        ({7, 12}, []),
        ({99}, [7, 9, 12, 30, 31]),
    ],
)
def test_an_excluded_arrival_takes_its_subtree_along(excluded: set[int], left: list[int]) -> None:
    links = [(7, None), (9, 7), (12, None), (30, 9), (31, 7)]
    assert build_tree(links, excluded).ids[1:] == left


@pytest.mark.parametrize(
    "links",
    [
        [(7, None), (7, None)],
        [(7, 8)],
        [(7, 7)],
        [(8, 7), (7, None)],
        [(7, None), (8, 6)],
        [(7, None), (8, 5)],
        [(7, None), (8, 9), (9, 7)],
        [(7, None), (9, None), (8, 7), (10, 6)],
    ],
)
def test_links_that_are_no_tree_are_refused(links: list[tuple[int, int | None]]) -> None:
    with pytest.raises(BrokenTree):
        build_tree(links)


def test_an_excluded_arrival_may_not_come_twice_either() -> None:
    with pytest.raises(BrokenTree):
        build_tree([(7, None), (7, None)], {7})


@pytest.mark.parametrize(
    "parents", [[], [0], [1, 0], [-1, 1], [-1, 2, 0], [-1, -1], [-1, 0, -2], [-1, 0, 0, 3]]
)
def test_parents_that_are_no_tree_are_refused(parents: list[int]) -> None:
    with pytest.raises(BrokenTree):
        check_parents(parents)


@given(random_parents(), st.integers())
def test_sizes_are_what_one_finds_by_climbing(parents: list[int], seed: int) -> None:
    amounts = [random.Random(seed + node).randrange(-5, 100) for node in range(len(parents))]
    sizes, sums, depths = [0] * len(parents), [0] * len(parents), []
    for node in range(len(parents)):
        path = [node]
        while parents[path[-1]] >= 0:
            path.append(parents[path[-1]])
        depths.append(len(path) - 1)
        for above in path:
            sizes[above] += 1
            sums[above] += amounts[node]
    assert list_sizes(parents) == sizes
    assert sum_subtrees(parents, amounts) == sums
    assert list_depths(parents) == list(find_depths(parents)) == depths


@pytest.mark.parametrize("generations", [0, 1, 254, 255, 256, 257, 1000])
def test_depths_are_the_same_in_bytes_and_in_a_deep_tree(generations: int) -> None:
    parents = [-1, *range(generations), *[0] * 5]
    depths = find_depths(parents)
    assert list(depths) == list_depths(parents) == [*range(generations + 1), *[1] * 5]
    assert count_generations(depths) == count_generations(list_depths(parents))


@pytest.mark.parametrize("parents", [[], [0], [-1, 1], [-1, 2, 0], [-1, 0, -2]])
def test_no_depths_of_what_is_no_tree(parents: list[int]) -> None:
    with pytest.raises(BrokenTree):
        find_depths(parents)


def test_a_check_that_is_left_to_the_count_is_made_there() -> None:
    late = build_tree_of([1, 2], [2, None], is_checked_later=True)
    with pytest.raises(BrokenTree):
        recount_nodes(late)
    with pytest.raises(BrokenTree):
        build_tree_of([1, 2], [2, None])
