import random
import re
from collections.abc import Callable, Sequence
from itertools import islice
from math import atan2, hypot, pi

import pytest
from hypothesis import given, settings

from quilt.spread.condense import MarkKind, fold_runs
from quilt.spread.layout import CANVAS, MAX_MARKS, SEAM, draw_folded
from quilt.spread.picture import Mark, Picture
from quilt.spread.replay import read_trees
from quilt.spread.tree import build_tree, list_depths
from tests.spread.test_replay import CASCADES, needs_cascades
from tests.spread.trees import bursty, caterpillar, chain, deep, random_parents, star, tree, uniform


def draw_tree(parents: Sequence[int], size: float = CANVAS) -> Picture:
    return draw_folded(fold_runs(parents), size)


def forest(seeds: int, n: int) -> list[int]:
    chance = random.Random(9)
    return star(seeds + 1) + [chance.randrange(1, node) for node in range(seeds + 1, n)]


SHAPES: dict[str, Callable[[], list[int]]] = {
    "empty": lambda: [-1],
    "one person": lambda: star(2),
    "five people": lambda: star(6),
    "star of 10,000": lambda: star(10_000),
    "chain of 300": lambda: chain(300),
    "mixed 2,000": lambda: bursty(2000, random.Random(3)),
    "uniform 300": lambda: uniform(300, random.Random(3)),
    "deep 2,000": lambda: deep(2000, random.Random(3)),
    "caterpillar": lambda: caterpillar(400),
    "forest of 15,763 seeds": lambda: forest(15_763, 40_000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_is_whole_and_tidy(shape: str) -> None:
    parents = SHAPES[shape]()
    picture = draw_tree(parents)
    check(picture, parents)
    crowded = list_overlapping(picture.marks)
    assert len(crowded) <= 0.05 * len(picture.marks), f"{len(crowded)} of {len(picture.marks)} marks overlap"


def check(picture: Picture, parents: list[int]) -> None:
    marks, depths = picture.marks, list_depths(parents)
    assert 1 <= len(marks) <= MAX_MARKS
    assert sum(mark.people for mark in marks) == len(parents)
    assert max(mark.last_generation for mark in marks) == max(depths)
    for mark in marks:
        assert mark.radius > 0
        assert mark.radius <= min(mark.x, mark.y)
        assert max(mark.x, mark.y) + mark.radius <= picture.size
    check_seam(picture)
    check_rings(picture)
    check_lines(picture)


def check_seam(picture: Picture) -> None:
    """Straight below the entry the rings' numbers have room."""
    middle = picture.size / 2
    for mark in picture.marks[1:]:
        assert abs(atan2(mark.y - middle, mark.x - middle) - pi / 2) >= 0.49 * SEAM


def check_rings(picture: Picture) -> None:
    radius_of = {ring.generation: ring.radius for ring in picture.rings}
    assert list(radius_of) == sorted({mark.generation for mark in picture.marks} - {0})
    radii = list(radius_of.values())
    assert radii == sorted(set(radii))
    fences = [0.0, *radii, picture.size / 2]
    for mark in picture.marks[1:]:
        away = hypot(mark.x - picture.size / 2, mark.y - picture.size / 2)
        place = radii.index(radius_of[mark.generation]) + 1
        assert fences[place - 1] < away < fences[place + 1]


def check_lines(picture: Picture) -> None:
    drawn = {link.target for link in picture.links}
    on_fans = sum(fan.people for fan in picture.fans)
    assert len(drawn) == len(picture.links)
    assert len(drawn) + on_fans == len(picture.marks) - 1
    for link in picture.links:
        source, target = picture.marks[link.source], picture.marks[link.target]
        assert target.generation == source.last_generation + 1
        assert re.fullmatch(r"M[\d.,-]+(L[\d.,-]+|C[\d.,-]+( [\d.,-]+){2})", link.path)
        x, y = map(float, re.split("[ L]", link.path)[-1].split(","))
        assert abs(x - target.x) < 0.06 and abs(y - target.y) < 0.06
        assert link.is_run == (MarkKind.RUN in (source.kind, target.kind))


def list_overlapping(marks: list[Mark]) -> list[Mark]:
    """Marks of which a tenth or more of the common width is covered by another; found by a coarse grid."""
    side = 2 * max(mark.radius for mark in marks)
    cells: dict[tuple[int, int], list[Mark]] = {}
    for mark in marks:
        cells.setdefault((int(mark.x // side), int(mark.y // side)), []).append(mark)
    return [mark for mark in marks if any(covers(mark, other) for other in list_near(cells, mark, side))]


def list_near(cells: dict[tuple[int, int], list[Mark]], mark: Mark, side: float) -> list[Mark]:
    column, row = int(mark.x // side), int(mark.y // side)
    around = [(column + right, row + down) for right in (-1, 0, 1) for down in (-1, 0, 1)]
    return [other for place in around for other in cells.get(place, []) if other is not mark]


def covers(one: Mark, other: Mark) -> bool:
    return hypot(one.x - other.x, one.y - other.y) < 0.9 * (one.radius + other.radius)


def test_the_overlap_check_finds_a_planted_overlap() -> None:
    marks = draw_tree(star(6)).marks
    assert not list_overlapping(marks)
    assert len(list_overlapping([*marks, marks[3]._replace(x=marks[3].x + 5)])) == 2


def test_the_entry_alone_is_a_dot_in_the_middle() -> None:
    picture = draw_tree([-1])
    assert (picture.links, picture.fans, picture.rings) == ([], [], [])
    (entry,) = picture.marks
    assert (entry.kind, entry.x, entry.y) == (MarkKind.ENTRY, CANVAS / 2, CANVAS / 2)


def test_one_person_stands_above_the_entry() -> None:
    entry, person = draw_tree(star(2)).marks
    assert person.x == entry.x and person.y < entry.y


def test_a_star_fills_the_picture_and_counts_the_rest() -> None:
    picture = draw_tree(star(10_000))
    assert len(picture.marks) == MAX_MARKS
    assert [mark.label for mark in picture.marks if mark.label] == ["+8,001"]
    assert (len(picture.links), len(picture.fans)) == (1, 1)
    assert min(mark.radius for mark in picture.marks) > 5


def test_a_chain_has_a_marked_segment() -> None:
    picture = draw_tree(chain(300))
    assert [mark.label for mark in picture.marks] == ["", "", "+297", ""]
    assert [link.is_run for link in picture.links] == [False, True, True]
    assert [ring.generation for ring in picture.rings] == [1, 2, 299]


def test_the_area_of_a_mark_grows_evenly_with_reach() -> None:
    marks = draw_tree(tree("a, b, c, d<a, e<a, f<a, g<a, h<b, i<b")).marks
    area = {mark.reach: mark.radius**2 for mark in marks[1:]}
    assert sorted(area) == [1, 3, 5]
    assert area[3] - area[1] == pytest.approx(area[5] - area[3], rel=0.01)


def test_a_crowd_of_small_branches_is_shown_with_fewer_marks() -> None:
    picture = draw_tree(forest(15_763, 40_000))
    assert 150 <= len(picture.marks) < MAX_MARKS
    assert min(mark.radius for mark in picture.marks) >= 1


def test_a_picture_may_be_small() -> None:
    parents = bursty(500, random.Random(1))
    large, small = draw_tree(parents), draw_tree(parents, size=100)
    assert small.size == 100
    assert len(small.marks) == len(large.marks)
    for one, other in zip(small.marks, large.marks, strict=True):
        assert (one.x, one.y) == pytest.approx((other.x / 10, other.y / 10), abs=0.02)


def test_the_same_tree_gives_the_same_picture() -> None:
    parents = bursty(700, random.Random(2))
    assert draw_tree(parents) == draw_tree(list(parents))


@settings(max_examples=60, deadline=None)
@given(random_parents(max_size=200))
def test_any_tree_has_a_picture(parents: list[int]) -> None:
    check(draw_tree(parents), parents)


def test_a_tree_of_100_000_generations_can_be_drawn() -> None:
    parents = chain(50_000) + [49_999, 49_999] + list(range(50_001, 100_000))
    check(draw_tree(parents), parents)


@needs_cascades
def test_every_fourth_reference_cascade_can_be_drawn() -> None:
    drawn = crowded = 0
    for cascade in islice(read_trees(CASCADES), 0, None, 4):
        parents = build_tree((node.id, node.parent_id) for node in cascade.arrivals).parents
        picture = draw_tree(parents)
        check(picture, parents)
        drawn += len(picture.marks)
        crowded += len(list_overlapping(picture.marks))
    assert drawn > 20_000
    assert crowded < 0.01 * drawn
