"""Choosing what the picture of a tree shows: at most so many marks, and nobody left out of the count.

People who brought the most others are shown first. Whoever is not shown stands behind a "+N" of the person
who brought them, and a row of people with one child each becomes a single mark.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import NamedTuple

from quilt.spread.tree import NO_PARENT, ROOT, check_parents, count_children, list_depths, list_sizes

MIN_RUN = 3
MAX_LEVELS = 60
UNKNOWN = -1  # the node of a mark whose people are counted but not known one by one


class MarkKind(Enum):
    """What a mark stands for: the entry, a person, people one after another, or people left unshown."""

    ENTRY = "entry"
    PERSON = "person"
    RUN = "run"
    MORE = "more"


class Item(NamedTuple):
    """One mark to be, before it has a place.

    `node` is the first node it stands for (for MORE the first of those left unshown, or UNKNOWN), `parent` the
    position of the item it hangs below (-1 for the entry). It stands for `people` nodes of the
    generations from `generation` to `last_generation`; `reach` counts them and everybody below them.
    `is_lone` tells that none of them brought anybody.
    """

    kind: MarkKind
    node: int
    parent: int
    generation: int
    last_generation: int
    people: int
    reach: int
    is_lone: bool


@dataclass(frozen=True, slots=True)
class FoldedTree:
    """A tree with its runs folded: `head[v]` is the node whose mark v would share.

    `above[v]` is the node whose mark v hangs below (-1 for the entry). `children[v]` is how many came by v's link, for
    the first of a run by the link of its last; `deepest[v]` is the last generation below v, `levels[v]` how many marks
    lie between v and the entry.
    """

    parents: Sequence[int]
    children: list[int]
    depths: list[int]
    sizes: list[int]
    deepest: list[int]
    levels: list[int]
    head: list[int]
    above: list[int]
    run_lengths: Counter[int]

    def people(self, node: int) -> int:
        """How many nodes the mark of `node` stands for."""
        return self.run_lengths.get(node, 1)


def fold_runs(
    parents: Sequence[int], sizes: Sequence[int] | None = None, children: Sequence[int] | None = None
) -> FoldedTree:
    """Return the tree with every long run of only children, but its first, behind one mark. O(n).

    Where only the upper part of a tree is known, `sizes` and `children` are the true sizes of its nodes'
    subtrees and numbers of their children; who is missing goes behind a "+N". Raises BrokenTree.
    """
    check_parents(parents)
    children = count_children(parents) if children is None else children
    head = _list_heads(parents, children)
    folded = Counter(first for node, first in enumerate(head) if first != node)
    depths = list_depths(parents)
    return FoldedTree(
        parents=parents,
        children=_list_children(children, head),
        depths=depths,
        sizes=list_sizes(parents) if sizes is None else list(sizes),
        deepest=_list_deepest(parents, depths),
        levels=_list_levels(parents, head),
        head=head,
        above=[NO_PARENT, *map(head.__getitem__, islice(parents, 1, None))],
        run_lengths=Counter({first: count + 1 for first, count in folded.items()}),
    )


def condense(tree: FoldedTree, max_marks: int, ranked: Sequence[int] | None = None) -> list[Item]:
    """Return the marks of a tree, the entry first and each after the one it hangs below.

    There are at most `max_marks` (at least 2) and their `people` add up to the number of nodes. The
    people shown are those with the largest subtrees, the earliest among equals. `ranked` is what `rank_nodes` says
    for as many marks or more, where it is known. O(n).
    """
    if max_marks < 2:
        raise ValueError("a picture needs room for the entry and for everybody else")
    ranked = (ranked or rank_nodes(tree, max_marks))[:max_marks]
    shown = set(ranked[: _count_shown(tree, ranked, max_marks)])
    return _list_items(tree, shown)


def rank_nodes(tree: FoldedTree, count: int) -> list[int]:
    """Return up to `count` nodes that may have a mark, largest subtree first, hence parents first."""
    sizes, levels = tree.sizes, tree.levels
    may_show = [node for node, first in enumerate(tree.head) if first == node and levels[node] <= MAX_LEVELS]
    least = _find_least_size(Counter(map(sizes.__getitem__, may_show)), count)
    larger = [node for node in may_show if sizes[node] > least]
    equal = islice((node for node in may_show if sizes[node] == least), count - len(larger))
    return sorted(larger, key=lambda node: (-sizes[node], node)) + list(equal)


def _list_heads(parents: Sequence[int], children: Sequence[int]) -> list[int]:
    places = [0] * len(parents)
    for node, parent in enumerate(islice(parents, 1, None), 1):
        if children[node] == 1:
            places[node] = places[parent] + 1
    lengths = _list_run_lengths(parents, places)
    heads = list(range(len(parents)))
    for node, place in enumerate(places):
        if place > 2 and lengths[node] > MIN_RUN:
            heads[node] = heads[parents[node]]
    return heads


def _list_children(children: Sequence[int], heads: list[int]) -> list[int]:
    """Return the children by marks: those of a run are those of its last, the only one with others than the next."""
    by_mark = list(children)
    for node, first in enumerate(heads):
        if first != node:
            by_mark[first] = children[node]
    return by_mark


def _list_run_lengths(parents: Sequence[int], places: list[int]) -> list[int]:
    """Return, for each node of a run, how long the run is (`places` counts from 1 within each)."""
    lengths = list(places)
    for node in range(len(parents) - 1, ROOT, -1):
        parent = parents[node]
        if places[node] and places[parent]:
            lengths[parent] = lengths[node]
    return lengths


def _find_least_size(nodes_of_size: Counter[int], count: int) -> int:
    """Return the size at which the nodes, counted from the largest size down, become `count` or more."""
    total = 0
    for size in sorted(nodes_of_size, reverse=True):
        total += nodes_of_size[size]
        if total >= count:
            return size
    return 1


def _count_shown(tree: FoldedTree, ranked: Sequence[int], max_marks: int) -> int:
    """Return how many of the ranked nodes can be shown so that they and their "+N" stay within bounds."""
    hidden: dict[int, int] = {}
    marks = 0
    for count, node in enumerate(ranked):
        marks += 1
        size = tree.sizes[node]
        if node != ROOT:
            above = tree.above[node]
            hidden[above] -= size
            marks -= hidden[above] == 0
        hidden[node] = size - tree.people(node)
        marks += hidden[node] > 0
        if marks > max_marks:  # one more node never makes fewer marks
            return count
    return len(ranked)


def _count_hidden(tree: FoldedTree, shown: Collection[int]) -> dict[int, int]:
    """Return how many people below each shown node stand behind none of the marks below it."""
    hidden = {node: tree.sizes[node] - tree.people(node) for node in shown}
    for node in shown:
        if node != ROOT:
            hidden[tree.above[node]] -= tree.sizes[node]
    return hidden


def _group_hidden(tree: FoldedTree, shown: set[int]) -> dict[int, list[int]]:
    """Return, for each shown node with unshown children, those children."""
    groups: dict[int, list[int]] = {}
    for node, (first, above) in enumerate(zip(tree.head, tree.above, strict=True)):
        if above in shown and first == node and node not in shown:
            groups.setdefault(above, []).append(node)
    return groups


def _list_items(tree: FoldedTree, shown: set[int]) -> list[Item]:
    places = {node: place for place, node in enumerate(sorted(shown))}
    items = [_show(tree, node, places) for node in places]
    groups = _group_hidden(tree, shown)
    below = Counter(tree.above[node] for node in shown if node != ROOT)
    for node, people in _count_hidden(tree, shown).items():
        if people > 0:
            group, above = groups.get(node, []), items[places[node]]
            kind = MarkKind.MORE if people > 1 else MarkKind.PERSON
            generation = above.last_generation + 1
            last = max((tree.deepest[child] for child in group), default=generation)
            first = group[0] if group else UNKNOWN
            is_lone = people == tree.children[node] - below[node]
            items.append(Item(kind, first, places[node], generation, last, people, people, is_lone))
    return items


def _show(tree: FoldedTree, node: int, places: dict[int, int]) -> Item:
    people, generation = tree.people(node), tree.depths[node]
    if node == ROOT:
        return Item(MarkKind.ENTRY, ROOT, -1, 0, 0, 1, tree.sizes[ROOT], is_lone=tree.sizes[ROOT] == 1)
    kind = MarkKind.PERSON if people == 1 else MarkKind.RUN
    last = generation + people - 1
    reach = tree.sizes[node]
    return Item(kind, node, places[tree.above[node]], generation, last, people, reach, is_lone=reach == 1)


def _list_deepest(parents: Sequence[int], depths: list[int]) -> list[int]:
    deepest = list(depths)
    for node in range(len(deepest) - 1, ROOT, -1):
        parent = parents[node]
        deepest[parent] = max(deepest[parent], deepest[node])
    return deepest


def _list_levels(parents: Sequence[int], heads: list[int]) -> list[int]:
    levels = [0] * len(parents)
    for node in range(1, len(levels)):
        levels[node] = levels[parents[node]] + (heads[node] == node)
    return levels
