"""The icicle of a spread tree: one row per generation, and everybody as wide as their reach.

Whoever came by somebody's link lies below that person. Lone people of one link, and marks too thin to be
seen, share a block, so that every row is exact: its blocks are as wide as the people whom they stand for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quilt.spread.condense import FoldedTree, Item, MarkKind, condense
from quilt.spread.tree import ROOT

MAX_MARKS = 600
THINNEST = 0.0025  # of the whole width: what is thinner shares a block


class Block(NamedTuple):
    """A block from `start` to `start + width` (shares of the whole width) in row `row` (the entry's is 0).

    It stands for `people` nodes of the generations from `generation` on; `reach` counts them and everybody
    below. `kind` is that of a mark; `is_lone` tells people who brought nobody. `above` is the position of the
    block that it lies below (-1 for the entry) and `node` the first node that it stands for.
    """

    kind: MarkKind
    node: int
    above: int
    row: int
    generation: int
    last_generation: int
    start: float
    width: float
    people: int
    reach: int
    is_lone: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the generations that it stands for: several where chains alone lie in it."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Icicle:
    """All blocks, each after the one it lies below, and the rows from the entry downwards."""

    blocks: list[Block]
    rows: list[Row]


def build_icicle(tree: FoldedTree, max_marks: int = MAX_MARKS) -> Icicle:
    """Return the icicle of a tree with at most so many marks (at least 2). O(n)."""
    items = condense(tree, max_marks)
    below: dict[int, list[int]] = {}
    for place, item in enumerate(items[1:], 1):
        below.setdefault(item.parent, []).append(place)
    whole = items[ROOT].reach
    blocks = [Block(MarkKind.ENTRY, ROOT, -1, 0, 0, 0, 0.0, 1.0, 1, whole, is_lone=False)]
    waiting = [[ROOT]]  # the items of each block
    for above, places in enumerate(waiting):
        start = blocks[above].start
        children = [child for place in places for child in below.get(place, [])]
        for group in _part(items, children, whole):
            blocks.append(_build_block([items[place] for place in group], above, start, whole))
            waiting.append(group)
            start += blocks[-1].width
    return _put_in_rows(blocks)


def _part(items: Sequence[Item], places: Sequence[int], whole: int) -> list[list[int]]:
    """The groups that share a block: the wide ones alone, widest first; thin ones; who brought nobody.

    Items that follow a run and others stand in different generations, and never share a block.
    """
    groups: dict[tuple[int, bool], list[int]] = {}
    wide = []
    for place in places:
        item = items[place]
        if item.is_lone or item.reach / whole < THINNEST:
            groups.setdefault((item.generation, item.is_lone), []).append(place)
        else:
            wide.append(place)
    wide.sort(key=lambda place: -items[place].reach)
    return [*([place] for place in wide), *(groups[key] for key in sorted(groups))]


def _build_block(items: Sequence[Item], above: int, start: float, whole: int) -> Block:
    first, reach = items[0], sum(item.reach for item in items)
    return Block(
        kind=first.kind if len(items) == 1 else MarkKind.MORE,
        node=first.node,
        above=above,
        row=0,
        generation=first.generation,
        last_generation=max(item.last_generation for item in items),
        start=start,
        width=reach / whole,
        people=sum(item.people for item in items),
        reach=reach,
        is_lone=all(item.is_lone for item in items),
    )


def _put_in_rows(blocks: Sequence[Block]) -> Icicle:
    in_row: dict[int, list[Block]] = {}
    for block in blocks:
        in_row.setdefault(block.generation, []).append(block)
    rows = [Row(generation, _find_last(generation, in_row[generation])) for generation in sorted(in_row)]
    row_of = {row.first: place for place, row in enumerate(rows)}
    return Icicle([block._replace(row=row_of[block.generation]) for block in blocks], rows)


def _find_last(generation: int, blocks: Sequence[Block]) -> int:
    if all(block.kind is MarkKind.RUN for block in blocks):
        return max(block.last_generation for block in blocks)
    return generation
