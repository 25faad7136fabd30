"""Trees for the tests: by a tiny notation, by shape and by chance; and their figures by brute force."""

import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from hypothesis import strategies as st

from quilt.spread.fold import NewNode, NodeStat


def tree(notation: str) -> list[int]:
    """Parents of a tree written as "a, b<a, c<b"; a name without "<" hangs below the entry."""
    index_of = {"": 0}
    parents = [-1]
    for item in filter(None, (part.strip() for part in notation.split(","))):
        name, _, parent = item.partition("<")
        index_of[name] = len(parents)
        parents.append(index_of[parent])
    return parents


def star(n: int) -> list[int]:
    return [-1] + [0] * (n - 1)


def chain(n: int) -> list[int]:
    return list(range(-1, n - 1))


def binary(height: int) -> list[int]:
    return [-1] + [(node - 1) // 2 for node in range(1, 2 ** (height + 1) - 1)]


def caterpillar(length: int) -> list[int]:
    """A chain each of whose members has one more child that stays alone."""
    parents = [-1]
    spine = 0
    for _ in range(length):
        parents += [spine, spine]
        spine = len(parents) - 1
    return parents


def uniform(n: int, chance: random.Random) -> list[int]:
    return [-1] + [chance.randrange(node) for node in range(1, n)]


def deep(n: int, chance: random.Random) -> list[int]:
    return [-1] + [chance.randrange(max(0, node - 3), node) for node in range(1, n)]


def bursty(n: int, chance: random.Random) -> list[int]:
    """Most come straight from the entry or from a few great sharers, the rest by anybody."""
    parents = [-1]
    for node in range(1, n):
        fate = chance.random()
        if fate < 0.5:
            parents.append(0)
        elif fate < 0.8:
            parents.append(chance.randrange(min(node, 12)))
        else:
            parents.append(chance.randrange(node))
    return parents


SHAPES: dict[str, Callable[[int, random.Random], list[int]]] = {
    "star": lambda n, chance: star(n),
    "chain": lambda n, chance: chain(n),
    "uniform": uniform,
    "deep": deep,
    "bursty": bursty,
}


@st.composite
def random_parents(draw: st.DrawFn, max_size: int = 40) -> list[int]:
    shape = draw(st.sampled_from(sorted(SHAPES)))
    size = draw(st.integers(1, max_size))
    return SHAPES[shape](size, random.Random(draw(st.integers(0, 2**32))))


def list_new_nodes(parents: Sequence[int], ids: Sequence[int]) -> list[NewNode]:
    """The arrivals of a tree, with `ids[i]` as the id of node i and None for the entry."""
    depths = [0]
    new = []
    for node, parent in enumerate(parents[1:], 1):
        depths.append(depths[parent] + 1)
        new.append(NewNode(ids[node], None if parent == 0 else ids[parent], depths[node]))
    return new


def list_distances(parents: Sequence[int], start: int) -> list[int]:
    """Distances of all nodes from `start`, by walking the tree breadth first."""
    neighbours: list[list[int]] = [[] for _ in parents]
    for node, parent in enumerate(parents[1:], 1):
        neighbours[node].append(parent)
        neighbours[parent].append(node)
    distances = [-1] * len(parents)
    distances[start] = 0
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other in neighbours[node]:
            if distances[other] < 0:
                distances[other] = distances[node] + 1
                queue.append(other)
    return distances


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
