"""The tree of an entry's arrivals, as parents by index.

Node 0 is the entry itself; every other node is a person, and a parent always stands before its children.
That order is what makes everything here one plain loop, exact at any size and any depth.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import ge

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


def build_tree(links: Iterable[tuple[int, int | None]], excluded: Collection[int] = ()) -> SpreadTree:
    """Return the tree of arrivals given as (id, parent id or None), each after its parent.

    An arrival in `excluded` is left out together with everybody below it. Raises BrokenTree when a parent
    is unknown or comes later than its child, or an id comes twice.
    """
    ids: list[int] = []
    parent_ids: list[int | None] = []
    for node_id, parent_id in links:
        ids.append(node_id)
        parent_ids.append(parent_id)
    return build_tree_of(ids, parent_ids, excluded)


def build_tree_of(
    ids: Sequence[int],
    parent_ids: Sequence[int | None],
    excluded: Collection[int] = (),
    *,
    is_checked_later: bool = False,
) -> SpreadTree:
    """Return the tree of arrivals given as two columns; everything else as `build_tree`.

    Who counts the generations next finds a parent that comes too late: `is_checked_later` leaves it to that.
    """
    parents = _count_off(ids, parent_ids) or _look_up(ids, parent_ids)
    if excluded or not is_checked_later:
        check_parents(parents)
    whole = SpreadTree(parents, [None, *ids])
    return _leave_out(whole, excluded) if excluded else whole


def check_parents(parents: Sequence[int]) -> None:
    """Raise BrokenTree unless `parents` is a tree whose node 0 is the root and whose parents come first."""
    if len(parents) == 0 or parents[ROOT] != NO_PARENT:
        raise BrokenTree("node 0 must be the entry itself")
    # Two passes in C over everybody; who is wrong is asked only where somebody is.
    is_late = any(map(ge, islice(parents, 1, None), range(1, len(parents))))
    if is_late or min(islice(parents, 1, None), default=ROOT) < ROOT:
        node = next(node for node in range(1, len(parents)) if not ROOT <= parents[node] < node)
        raise BrokenTree(f"node {node} cannot hang below node {parents[node]}")


def list_depths(parents: Sequence[int]) -> list[int]:
    """Return the generation of every node; the entry is 0. Raises BrokenTree, as `check_parents` does."""
    if len(parents) == 0 or parents[ROOT] != NO_PARENT or min(islice(parents, 1, None), default=ROOT) < ROOT:
        check_parents(parents)
    depths = [0]
    try:
        for parent in islice(parents, 1, None):
            depths.append(depths[parent] + 1)
    except IndexError:  # a parent that has not come yet
        check_parents(parents)
        raise
    return depths


def find_depths(parents: Sequence[int]) -> Sequence[int]:
    """Return the same as `list_depths`, in a byte each where no generation is beyond the 255th.

    A million bytes stay near the processor where a million references do not: a third of the time is saved.
    """
    if len(parents) == 0 or parents[ROOT] != NO_PARENT or min(islice(parents, 1, None), default=ROOT) < ROOT:
        check_parents(parents)
    depths = bytearray(1)
    add = depths.append
    try:
        for parent in islice(parents, 1, None):
            add(depths[parent] + 1)
    except (IndexError, ValueError):  # a parent that has not come yet, or a deep tree
        return list_depths(parents)
    return depths


def list_sizes(parents: Sequence[int]) -> list[int]:
    """Return the size of every node's subtree, the node itself counted."""
    return sum_subtrees(parents, [1] * len(parents))


def sum_subtrees(parents: Sequence[int], amounts: Sequence[int]) -> list[int]:
    """Return, for every node, the sum of `amounts` over the node and everybody below it."""
    sums = list(amounts)
    # Both are read while the loop goes on: a node's sum is whole by then, for its children come after it.
    upwards = zip(reversed(parents), reversed(sums), strict=True)
    for parent, amount in islice(upwards, len(parents) - 1):
        sums[parent] += amount
    return sums


def count_children(parents: Sequence[int]) -> list[int]:
    """Return the number of children of every node."""
    counts = [0] * len(parents)
    for parent in islice(parents, 1, None):
        counts[parent] += 1
    return counts


def count_generations(depths: Sequence[int]) -> tuple[int, ...]:
    """Return how many nodes each generation has, from the entry (1) to the deepest."""
    if isinstance(depths, bytearray):
        return _count_bytes(depths)
    counts = [0] * (max(depths) + 1)
    if len(counts) == len(depths):  # a chain: everybody is a generation
        return (1,) * len(counts)
    if len(counts) < len(depths) // 100:
        for generation, count in Counter(depths).items():
            counts[generation] = count
        return tuple(counts)
    for generation in depths:  # a Counter of hundreds of thousands would take ten times the memory
        counts[generation] += 1
    return tuple(counts)


def _count_bytes(depths: bytearray) -> tuple[int, ...]:
    """The same from a byte each: one generation after the other is taken out of what is left."""
    counts: list[int] = []
    while depths:
        deeper = depths.translate(None, bytes((len(counts),)))
        counts.append(len(depths) - len(deeper))
        depths = deeper
    return tuple(counts)


def _count_off(ids: Sequence[int], parent_ids: Sequence[int | None]) -> list[int] | None:
    """The parents where the ids are consecutive numbers, which needs no table; None where they are not."""
    if not ids or ids[-1] - ids[0] != len(ids) - 1 or ids != list(range(ids[0], ids[-1] + 1)):
        return None
    before = ids[0] - 1
    parents = [NO_PARENT]
    parents += [ROOT if parent_id is None else parent_id - before for parent_id in parent_ids]
    # Who hangs below a number from before the first is not a child of the entry.
    return parents if parents.count(ROOT) == parent_ids.count(None) else None


def _look_up(ids: Sequence[int], parent_ids: Sequence[int | None]) -> list[int]:
    index_of: dict[int | None, int] = dict(zip(ids, range(1, len(ids) + 1), strict=True))
    if len(index_of) < len(ids):
        twice = next(node_id for node_id, count in Counter(ids).items() if count > 1)
        raise BrokenTree(f"arrival {twice} comes twice")
    index_of[None] = ROOT
    try:
        return [NO_PARENT, *map(index_of.__getitem__, parent_ids)]
    except KeyError as missing:
        raise BrokenTree(f"arrival {missing} is somebody's parent and is not there") from None


def _leave_out(tree: SpreadTree, excluded: Collection[int]) -> SpreadTree:
    """The tree without the excluded and everybody below them."""
    new_index: list[int | None] = [ROOT]
    parents: list[int] = [NO_PARENT]
    ids: list[int | None] = [None]
    for parent, node_id in islice(zip(tree.parents, tree.ids, strict=True), 1, None):
        new_parent = new_index[parent]
        if new_parent is None or node_id in excluded:
            new_index.append(None)
            continue
        new_index.append(len(ids))
        parents.append(new_parent)
        ids.append(node_id)
    return SpreadTree(parents, ids)
