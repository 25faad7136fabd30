"""Taking new arrivals and votes into the stored figures of a tree, without reading the rest of it.

A fold looks at the new nodes and at the nodes above them, nothing else: their subtrees grow, hence
Q grows by Σ (s'² − s²) over them and P by the new nodes' depths. The result equals a full recount to
the last digit, whatever the batches were.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quilt.spread.measures import Measures, measure
from quilt.spread.tree import (
    ROOT,
    BrokenTree,
    SpreadTree,
    count_children,
    list_depths,
    list_sizes,
    sum_subtrees,
)

WALK_LIMIT = 200


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


class _Gain(NamedTuple):
    people: int
    children: int
    votes_self: int
    votes_subtree: int


@dataclass(frozen=True, slots=True)
class Folded:
    """The outcome of a fold: the tree's new figures, and everything that has to be written.

    `changed` holds the new figures of each touched arrival, new ones included; `generations` what is to
    be added to each touched generation (0 is the entry: votes by nobody's arrival) and `votes` the sum.
    """

    measures: Measures
    changed: dict[int, NodeStat]
    generations: dict[int, Change]
    votes: int


def find_missing(
    new: Iterable[NewNode], known: Mapping[int, NodeStat], votes: Mapping[int | None, int] | None = None
) -> set[int]:
    """Return the ids that have to be fetched before `fold` can run, one step up the tree.

    Fetch them, add them to `known` and ask again with the fetched ones' parents until the set is empty:
    that is one query a generation. The first call asks for the parents of `new` and the arrivals voted
    for; later calls are `find_missing_parents(fetched, known)`.
    """
    new_ids = {node.id for node in new}
    wanted = {node.parent_id for node in new} | set(votes or ())
    return {node_id for node_id in wanted if node_id is not None and node_id not in known} - new_ids


def find_missing_parents(fetched: Iterable[NodeStat], known: Mapping[int, NodeStat]) -> set[int]:
    """Return the parents of the arrivals just fetched that are not known yet."""
    return {stat.parent_id for stat in fetched if stat.parent_id is not None and stat.parent_id not in known}


def fold(
    before: Measures,
    new: Sequence[NewNode],
    known: Mapping[int, NodeStat],
    votes: Mapping[int | None, int] | None = None,
) -> Folded:
    """Return the figures after `new` arrivals and `votes` are taken into a tree that had `before`.

    `known` must hold the stored figures of every arrival above the new ones and above (and at) those in
    `votes`; more does no harm. `votes` gives the change of each arrival's own votes, new arrivals
    included, with None for votes by nobody's arrival; a change may be negative. Nothing that is passed in
    is altered. Raises BrokenTree when an ancestor is missing, a depth does not follow from the parent's,
    or an arrival was taken in before.
    """
    given = votes or {}
    touched = _collect_touched(new, known, given)
    changed = _grow_stats(touched, _add_up(touched, new, given))
    return Folded(
        measures=_grow_measures(before, new, touched, changed),
        changed=changed,
        generations=_list_generations(new, touched, given),
        votes=sum(given.values()),
    )


def recount(tree: SpreadTree, votes: Mapping[int | None, int] | None = None) -> Folded:
    """Return everything about a tree from scratch, in the shape of a fold into nothing, in O(n).

    `votes` gives each arrival's own votes; those of arrivals that are not in the tree are left out.
    Raises BrokenTree.
    """
    measures = measure(tree.parents)
    given = votes or {}
    own = [given.get(node_id, 0) for node_id in tree.ids]
    depths = list_depths(tree.parents)
    stats = _list_stats(tree, depths, own)
    generation_votes: Counter[int] = Counter()
    for depth, amount in zip(depths, own, strict=True):
        if amount:
            generation_votes[depth] += amount
    return Folded(
        measures=measures,
        changed=stats,
        generations={
            generation: Change(people if generation else 0, generation_votes[generation])
            for generation, people in enumerate(measures.breadth)
        },
        votes=sum(own),
    )


def should_recompute(size: int, touched: int, max_depth: int, walk_limit: int = WALK_LIMIT) -> bool:
    """Tell whether a full recount is cheaper than a fold.

    `touched` is the number of new arrivals, plus the ancestors as far as they are known. Beyond a quarter
    of the tree, reading all of it in one go wins; so it does in a tree deeper than `walk_limit`
    generations, where fetching ancestors costs one query each.
    """
    return 4 * touched > size or max_depth > walk_limit


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


def _add_up(
    touched: dict[int, NodeStat], new: Sequence[NewNode], votes: Mapping[int | None, int]
) -> dict[int, _Gain]:
    """Return what each touched arrival and its subtree gain, children before their parents."""
    order = sorted(touched, reverse=True)
    people = dict.fromkeys(order, 0)
    people.update((node.id, 1) for node in new)
    tallies = {node_id: votes.get(node_id, 0) for node_id in order}
    for node_id in order:
        parent_id = touched[node_id].parent_id
        if parent_id is not None:
            people[parent_id] += people[node_id]
            tallies[parent_id] += tallies[node_id]
    children = Counter(node.parent_id for node in new)
    return {
        node_id: _Gain(people[node_id], children[node_id], votes.get(node_id, 0), tallies[node_id])
        for node_id in order
    }


def _grow_stats(touched: dict[int, NodeStat], gains: dict[int, _Gain]) -> dict[int, NodeStat]:
    changed = {}
    for node_id, gain in reversed(gains.items()):
        old = touched[node_id]
        changed[node_id] = NodeStat(
            old.parent_id,
            old.depth,
            old.subtree_size + gain.people,
            old.children_count + gain.children,
            old.votes_self + gain.votes_self,
            old.votes_subtree + gain.votes_subtree,
        )
    return changed


def _grow_measures(
    before: Measures, new: Sequence[NewNode], touched: dict[int, NodeStat], changed: dict[int, NodeStat]
) -> Measures:
    squares = first_children = 0
    for node_id, after in changed.items():
        old = touched[node_id]
        squares += after.subtree_size**2 - old.subtree_size**2
        first_children += old.children_count == 0 and after.children_count > 0
    return Measures(
        size=before.size + len(new),
        total_depth=before.total_depth + sum(node.depth for node in new),
        squared_sizes=before.squared_sizes + squares,
        breadth=_grow_breadth(before.breadth, new),
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


def _list_stats(tree: SpreadTree, depths: list[int], own: list[int]) -> dict[int, NodeStat]:
    parents, ids = tree.parents, tree.ids
    parent_ids = [None if parent <= ROOT else ids[parent] for parent in parents]
    columns = (
        parent_ids,
        depths,
        list_sizes(parents),
        count_children(parents),
        own,
        sum_subtrees(parents, own),
    )
    stats = map(NodeStat._make, zip(*columns, strict=True))
    return {node_id: stat for node_id, stat in zip(ids, stats, strict=True) if node_id is not None}
