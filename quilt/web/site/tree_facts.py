"""What is read off an entry's tree for its pages, and kept as long as reading and drawing it is costly."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from quilt.arrivals.crown import Crown, EarlyTree, read_crown, read_early_tree
from quilt.arrivals.heads import EntryHead
from quilt.database import database_key
from quilt.spread.condense import FoldedTree, Item, MarkKind, condense
from quilt.spread.icicle import Block, build_icicle
from quilt.web.blocks import Wall, lay_bricks
from quilt.web.drawing_cache import DrawingCache
from quilt.web.drawings import Drawing, make_drawing
from quilt.web.site.branch_views import name_way

MOST_MARKS = 2000
LEAST_CELL = 0.007  # of 640 points: what can still be told apart from its neighbour
MOST_MARKS_ON_A_PHONE = 260
LEAST_CELL_ON_A_PHONE = 0.016  # of 380 points
LEAST_LETTERS_ON_A_PHONE = 22.0  # of 1,000 units, which are those 380 points
MOST_MARKS_AT_A_GLANCE = 240
MOST_TWIGS = 80
MOST_SPREADERS = 8
LEAST_IN_BRANCH = 5  # smaller ones would tell of single persons

_trees: DrawingCache["TreeFacts"] = DrawingCache(most=100)
_early: DrawingCache["EarlyFacts"] = DrawingCache(most=200)
_glances: DrawingCache[Drawing] = DrawingCache(most=400)


@dataclass(frozen=True, slots=True)
class Twig:
    """A branch in words: who began it, how many people it has, and the larger branches within."""

    generation: int
    last_generation: int
    way: str
    people: int
    twigs: list["Twig"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spreader:
    """Somebody through whom at least five people came: `people` in all, `children` of them directly.

    `arrival_id` is None in a tree of earlier.
    """

    arrival_id: int | None
    generation: int
    way: str
    children: int
    people: int
    votes: int


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """The tree's drawings for a desk and for a phone, its icicle, its branches in words, the top spreaders."""

    desk: Drawing
    phone: Drawing
    wall: Wall
    blocks: list[Block]  # of the wall
    twigs: list[Twig]
    spreaders: list[Spreader]
    items: list[Item]
    people: int


@dataclass(frozen=True, slots=True)
class EarlyFacts:
    """The tree as it once was, and what is drawn of it."""

    tree: EarlyTree
    facts: TreeFacts


def find_tree(head: EntryHead) -> TreeFacts:
    """The tree at its newest, or from shortly before where it is so large that drawing it takes long."""
    return _trees.get(
        (database_key(), head.id), head.spread_version, lambda: describe(read_crown(head.id, MOST_MARKS))
    )


def find_early(head: EntryHead, people: int) -> EarlyFacts:
    """The tree as it was when so many people had come."""
    return _early.get(
        (database_key(), head.id, people), head.spread_version, lambda: _read_early(head.id, people)
    )


def find_glance(entry_id: int, spread_version: int) -> Drawing:
    """The small drawing of the tree that stands beside the entry's figures."""
    return _glances.get(
        (database_key(), entry_id),
        spread_version,
        lambda: make_drawing(read_crown(entry_id, MOST_MARKS_AT_A_GLANCE).fold(), MOST_MARKS_AT_A_GLANCE),
    )


def describe(crown: Crown) -> TreeFacts:
    """Everything that the page shows of a tree."""
    tree = crown.fold()
    items, icicle = condense(tree, MOST_TWIGS), build_icicle(tree)
    return TreeFacts(
        desk=make_drawing(tree, MOST_MARKS, LEAST_CELL),
        phone=make_drawing(tree, MOST_MARKS_ON_A_PHONE, LEAST_CELL_ON_A_PHONE, LEAST_LETTERS_ON_A_PHONE),
        wall=lay_bricks(icicle),
        blocks=icicle.blocks,
        twigs=_list_twigs(items, crown.channels),
        spreaders=_list_spreaders(crown, tree),
        items=items,
        people=crown.people,
    )


def _read_early(entry_id: int, people: int) -> EarlyFacts:
    tree = read_early_tree(entry_id, people)
    return EarlyFacts(tree, describe(tree.crown()))


def _list_twigs(items: Sequence[Item], channels: Sequence[str]) -> list[Twig]:
    """The branches of at least five people, nested as they grew, the largest first."""
    twigs: dict[int, Twig] = {}
    roots: list[Twig] = []
    for place, item in enumerate(items[1:], 1):
        if item.reach < LEAST_IN_BRANCH or item.kind is MarkKind.MORE:
            continue
        twig = Twig(item.generation, item.last_generation, name_way(channels[item.node]), item.reach)
        twigs[place] = twig
        (twigs[item.parent].twigs if item.parent else roots).append(twig)
    for siblings in (roots, *(twig.twigs for twig in twigs.values())):
        siblings.sort(key=lambda twig: -twig.people)
    return roots


def _list_spreaders(crown: Crown, tree: FoldedTree) -> list[Spreader]:
    """The people through whom the most others came."""
    nodes = [node for node in range(1, len(crown.parents)) if crown.sizes[node] > LEAST_IN_BRANCH]
    largest = sorted(nodes, key=lambda node: (-crown.sizes[node], node))[:MOST_SPREADERS]
    return [
        Spreader(
            crown.ids[node],
            tree.depths[node],
            name_way(crown.channels[node]),
            crown.children[node],
            crown.sizes[node] - 1,
            crown.votes[node],
        )
        for node in largest
    ]
