"""The tree of an entry's arrivals, as parents by index.

Node 0 is the entry itself; every other node is a person, and a parent always stands before its children.
That order is what makes everything here one plain loop, exact at any size and any depth.
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

ROOT = 0
NO_PARENT = -1


class BrokenTree(ValueError):
    """The nodes do not form one tree: no entry, a parent missing or younger than its child, a node twice."""


@dataclass(frozen=True, slots=True)
class SpreadTree:
    """A tree and where its nodes came from.

    `parents[i]` is the index of node i's parent (NO_PARENT for the entry) and `ids[i]` its arrival
    (None for the entry).
    """

    parents: list[int]
    ids: list[int | None]


def build_tree(links: Iterable[tuple[int, int | None]], excluded: Container[int] = ()) -> SpreadTree:
    """Return the tree of arrivals given as (id, parent id or None), each after its parent.

    An arrival in `excluded` is left out together with everybody below it. Raises BrokenTree when a parent
    is unknown or an id comes twice.
    """
    index_of: dict[int, int] = {}
    left_out: set[int] = set()
    parents: list[int] = [NO_PARENT]
    ids: list[int | None] = [None]
    for node_id, parent_id in links:
        if node_id in index_of or node_id in left_out:
            raise BrokenTree(f"arrival {node_id} comes twice")
        if node_id in excluded or parent_id in left_out:
            left_out.add(node_id)
            continue
        parents.append(_index_of_parent(index_of, node_id, parent_id))
        index_of[node_id] = len(ids)
        ids.append(node_id)
    return SpreadTree(parents, ids)


def check_parents(parents: Sequence[int]) -> None:
    """Raise BrokenTree unless `parents` is a tree whose node 0 is the root and whose parents come first."""
    if len(parents) == 0 or parents[ROOT] != NO_PARENT:
        raise BrokenTree("node 0 must be the entry itself")
    for node, parent in enumerate(islice(parents, 1, None), 1):
        if not 0 <= parent < node:
            raise BrokenTree(f"node {node} cannot hang below node {parent}")


def list_depths(parents: Sequence[int]) -> list[int]:
    """Return the generation of every node; the entry is 0."""
    depths = [0]
    for parent in islice(parents, 1, None):
        depths.append(depths[parent] + 1)
    return depths


def list_sizes(parents: Sequence[int]) -> list[int]:
    """Return the size of every node's subtree, the node itself counted."""
    return sum_subtrees(parents, [1] * len(parents))


def sum_subtrees(parents: Sequence[int], amounts: Sequence[int]) -> list[int]:
    """Return, for every node, the sum of `amounts` over the node and everybody below it."""
    sums = list(amounts)
    for node in range(len(parents) - 1, ROOT, -1):
        sums[parents[node]] += sums[node]
    return sums


def count_children(parents: Sequence[int]) -> list[int]:
    """Return the number of children of every node."""
    counts = [0] * len(parents)
    for parent in islice(parents, 1, None):
        counts[parent] += 1
    return counts


def count_generations(depths: Iterable[int]) -> tuple[int, ...]:
    """Return how many nodes each generation has, from the entry (1) to the deepest."""
    counts = Counter(depths)
    return tuple(counts[generation] for generation in range(len(counts)))


def _index_of_parent(index_of: dict[int, int], node_id: int, parent_id: int | None) -> int:
    if parent_id is None:
        return ROOT
    try:
        return index_of[parent_id]
    except KeyError:
        raise BrokenTree(f"arrival {node_id} hangs below {parent_id}, which has not come before it") from None
