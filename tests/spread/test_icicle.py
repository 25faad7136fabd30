"""The icicle: every row is as wide as its people, and nobody is lost."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.spread.condense import MarkKind, fold_runs
from quilt.spread.icicle import Icicle, Row, build_icicle
from tests.spread.trees import bursty, caterpillar, chain, random_parents, star, tree


def build(parents: list[int], most: int = 600) -> Icicle:
    return build_icicle(fold_runs(parents), most)


def test_a_small_tree_block_by_block() -> None:
    icicle = build(tree("a, b, c<a, d<a, e<c"))
    assert [(block.generation, block.reach, round(block.start * 6), block.is_lone) for block in icicle.blocks] == [
        (0, 6, 0, False), (1, 4, 0, False), (1, 1, 4, True), (2, 2, 0, False), (2, 1, 2, True), (3, 1, 0, True),
    ]  # fmt: skip
    assert icicle.rows == [Row(0, 0), Row(1, 1), Row(2, 2), Row(3, 3)]


def test_a_star_is_one_block_of_lone_people() -> None:
    entry, crowd = build(star(10_001)).blocks
    assert (crowd.reach, crowd.is_lone, crowd.kind) == (10_000, True, MarkKind.MORE)
    assert (entry.width, round(crowd.width, 4)) == (1.0, 0.9999)


def test_a_run_has_a_row_of_its_own() -> None:
    assert build(chain(301)).rows == [Row(0, 0), Row(1, 1), Row(2, 299), Row(300, 300)]


@given(random_parents(max_size=150), st.integers(2, 80))
def test_blocks_lie_below_their_own_and_beside_one_another(parents: list[int], most: int) -> None:
    icicle = build(parents, most)
    below: dict[int, list[int]] = {}
    for place, block in enumerate(icicle.blocks[1:], 1):
        above = icicle.blocks[block.above]
        assert block.above < place and block.row > above.row
        assert icicle.rows[block.row].first == block.generation
        below.setdefault(block.above, []).append(place)
    for above, places in below.items():
        blocks = [icicle.blocks[place] for place in places]
        end = icicle.blocks[above].start
        for block in blocks:
            assert block.start == pytest.approx(end)
            end += block.width
        assert (
            sum(block.reach for block in blocks) <= icicle.blocks[above].reach - icicle.blocks[above].people
        )
    seeds = [block.reach for block in icicle.blocks[1:] if block.above == 0]
    assert sum(seeds) == len(parents) - 1


@pytest.mark.parametrize("parents", [bursty(5000, random.Random(2)), caterpillar(300)])
def test_few_blocks_stand_for_many(parents: list[int]) -> None:
    icicle = build(parents)
    assert 10 < len(icicle.blocks) <= 600
    assert len({(block.row, round(block.start, 9)) for block in icicle.blocks}) == len(icicle.blocks)
