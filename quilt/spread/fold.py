"""Taking new arrivals and votes into the stored figures of a tree, without reading the rest of it.

A fold looks at the new nodes and at the nodes above them, nothing else: their subtrees grow, hence
Q grows by Σ (s'² − s²) over them and P by the new nodes' depths. The result equals a full recount to
the last digit, whatever the batches were.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from quilt.spread.measures import Measures, Totals, build_measures
from quilt.spread.tree import (
    ROOT,
    BrokenTree,
    SpreadTree,
    count_children,
    count_generations,
    find_depths,
    list_sizes,
    sum_subtrees,
)


class NewNode(NamedTuple):
    """An arrival that is to be taken in; `parent_id` is None for a child of the entry (depth 1)."""

    id: int
    parent_id: int | None
    depth: int


class NodeStat(NamedTuple):
    """The stored figures of one arrival; both subtree figures count the arrival itself."""

    parent_id: int | None
    depth: int
    subtree_size: int = 1
    children_count: int = 0
    votes_self: int = 0
    votes_subtree: int = 0


class Change(NamedTuple):
    """What a fold adds to one generation."""

    people: int
    votes: int


class Grown(NamedTuple):
    """The outcome of a fold: the tree's new totals, and everything that has to be written.

    `changed` holds the new figures of each touched arrival, new ones included; `generations` what is to
    be added to each touched generation (0 is the entry: votes by nobody's arrival) and `votes` the sum.
    """

    totals: Totals
    changed: dict[int, NodeStat]
    generations: dict[int, Change]
    votes: int


@dataclass(frozen=True, slots=True)
class Folded:
    """As Grown, with all figures of the tree."""

    measures: Measures
    changed: dict[int, NodeStat]
    generations: dict[int, Change]
    votes: int


@dataclass(frozen=True, slots=True)
class Recounted:
    """A whole tree counted anew, by node: each has an item a node, the entry's (0) first."""

    measures: Measures
    depths: Sequence[int]
    sizes: list[int]
    children: list[int]
    votes: list[int]
    votes_below: list[int]  # of the node and everybody below it

    def list_generations(self) -> dict[int, Change]:
        """People and votes of each generation; the entry itself (0) is no person."""
        votes: Counter[int] = Counter()
        for depth, amount in zip(
            compress(self.depths, self.votes), compress(self.votes, self.votes), strict=True
        ):
            votes[depth] += amount
        return {
            generation: Change(people if generation else 0, votes[generation])
            for generation, people in enumerate(self.measures.breadth)
        }


def fold(
    before: Measures,
    new: Sequence[NewNode],
    known: Mapping[int, NodeStat],
    votes: Mapping[int | None, int] | None = None,
) -> Folded:
    """Return all figures after `new` arrivals and `votes` are taken into a tree that had `before`.

    Arguments and errors are those of `grow`.
    """
    grown = grow(before.totals, new, known, votes)
    size, total_depth, squared_sizes, passed_on = grown.totals
    breadth = _grow_breadth(before.breadth, new)
    measures = Measures(size, total_depth, squared_sizes, breadth, passed_on)
    return Folded(measures, grown.changed, grown.generations, grown.votes)


def grow(
    before: Totals,
    new: Sequence[NewNode],
    known: Mapping[int, NodeStat],
    votes: Mapping[int | None, int] | None = None,
) -> Grown:
    """Return the totals after `new` arrivals and `votes` are taken into a tree that had `before`.

    `known` must hold the stored figures of every arrival above the new ones and above (and at) those in
    `votes`; more does no harm. `votes` gives the change of each arrival's own votes, new arrivals
    included, with None for votes by nobody's arrival; a change may be negative. Nothing that is passed in
    is altered. Raises BrokenTree when an ancestor is missing, a depth does not follow from the parent's,
    or an arrival was taken in before.
    """
    given = votes or {}
    touched = _collect_touched(new, known, given)
    changed = _grow_stats(touched, new, given)
    return Grown(
        totals=_grow_totals(before, new, touched, changed),
        changed=changed,
        generations=_list_generations(new, touched, given),
        votes=sum(given.values()),
    )


def recount(tree: SpreadTree, votes: Mapping[int | None, int] | None = None) -> Folded:
    """Return everything about a tree from scratch, in the shape of a fold into nothing, in O(n).

    `votes` gives each arrival's own votes; those of arrivals that are not in the tree are left out.
    Raises BrokenTree.
    """
    counted = recount_nodes(tree, votes)
    return Folded(
        counted.measures, _list_stats(tree, counted), counted.list_generations(), sum(counted.votes)
    )


def recount_nodes(tree: SpreadTree, votes: Mapping[int | None, int] | None = None) -> Recounted:
    """Return a whole tree's figures, by node, in O(n); votes and errors as `recount`."""
    parents = tree.parents
    depths, sizes = find_depths(parents), list_sizes(parents)
    own = below = [0] * len(parents)
    if votes:
        own = [votes.get(node_id, 0) for node_id in tree.ids]
        below = sum_subtrees(parents, own)
    measures = build_measures(count_generations(depths), sizes)
    return Recounted(measures, depths, sizes, count_children(parents), own, below)


def _collect_touched(
    new: Sequence[NewNode], known: Mapping[int, NodeStat], votes: Mapping[int | None, int]
) -> dict[int, NodeStat]:
    """Return the figures before the fold of each node that it touches; new nodes have size 0."""
    touched: dict[int, NodeStat] = {}
    for node in new:
        if node.id in touched or node.id in known:
            raise BrokenTree(f"arrival {node.id} was taken in before")
        touched[node.id] = NodeStat(node.parent_id, node.depth, subtree_size=0)
    for node in new:
        parent_id = node.parent_id
        _climb(parent_id, known, touched)
        above = 0 if parent_id is None else touched[parent_id].depth
        if node.depth != above + 1 or (parent_id is not None and parent_id >= node.id):
            raise BrokenTree(f"arrival {node.id} of generation {node.depth} cannot hang below {parent_id}")
    for node_id in votes:
        _climb(node_id, known, touched)
    return touched


def _climb(node_id: int | None, known: Mapping[int, NodeStat], touched: dict[int, NodeStat]) -> None:
    while node_id is not None and node_id not in touched:
        stat = known.get(node_id)
        if stat is None:
            raise BrokenTree(f"the figures of arrival {node_id} are needed and were not given")
        touched[node_id] = stat
        node_id = stat.parent_id


def _grow_stats(
    touched: dict[int, NodeStat], new: Sequence[NewNode], votes: Mapping[int | None, int]
) -> dict[int, NodeStat]:
    """Return the figures after the fold of each node that it touches, children before their parents."""
    order = sorted(touched, reverse=True)
    people = dict.fromkeys(order, 0)
    people.update((node.id, 1) for node in new)
    tallies = {node_id: votes.get(node_id, 0) for node_id in order}
    children = Counter(node.parent_id for node in new)
    changed = {}
    for node_id in order:
        parent_id, depth, size, child_count, votes_self, votes_subtree = touched[node_id]
        gain, tally = people[node_id], tallies[node_id]
        if parent_id is not None:
            people[parent_id] += gain
            tallies[parent_id] += tally
        changed[node_id] = NodeStat(
            parent_id,
            depth,
            size + gain,
            child_count + children[node_id],
            votes_self + votes.get(node_id, 0),
            votes_subtree + tally,
        )
    return changed


def _grow_totals(
    before: Totals, new: Sequence[NewNode], touched: dict[int, NodeStat], changed: dict[int, NodeStat]
) -> Totals:
    squares = first_children = 0
    for node_id, after in changed.items():
        old = touched[node_id]
        squares += after.subtree_size**2 - old.subtree_size**2
        first_children += old.children_count == 0 and after.children_count > 0
    return Totals(
        size=before.size + len(new),
        total_depth=before.total_depth + sum(node.depth for node in new),
        squared_sizes=before.squared_sizes + squares,
        passed_on=before.passed_on + first_children,
    )


def _grow_breadth(before: tuple[int, ...], new: Sequence[NewNode]) -> tuple[int, ...]:
    if not new:
        return before
    breadth = list(before)
    breadth.extend([0] * (max(node.depth for node in new) + 1 - len(breadth)))
    for node in new:
        breadth[node.depth] += 1
    return tuple(breadth)


def _list_generations(
    new: Sequence[NewNode], touched: dict[int, NodeStat], votes: Mapping[int | None, int]
) -> dict[int, Change]:
    people = Counter(node.depth for node in new)
    tallies: Counter[int] = Counter()
    for node_id, amount in votes.items():
        tallies[0 if node_id is None else touched[node_id].depth] += amount
    return {
        generation: Change(people[generation], tallies[generation])
        for generation in sorted(people.keys() | tallies.keys())
    }


def _list_stats(tree: SpreadTree, counted: Recounted) -> dict[int, NodeStat]:
    parents, ids = tree.parents, tree.ids
    parent_ids = [None if parent <= ROOT else ids[parent] for parent in parents]
    columns = (
        parent_ids,
        counted.depths,
        counted.sizes,
        counted.children,
        counted.votes,
        counted.votes_below,
    )
    stats = map(NodeStat._make, zip(*columns, strict=True))
    return {node_id: stat for node_id, stat in zip(ids, stats, strict=True) if node_id is not None}
