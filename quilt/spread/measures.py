"""The figures of a spread tree, as the literature on diffusion defines them, in exact integers.

Size, depth, breadth and structural virality are those of S. Goel, A. Anderson, J. Hofman and D. J. Watts,
"The Structural Virality of Online Diffusion", Management Science 62(1), 2016. The Wiener index W is the
sum of the distances between all unordered pairs of nodes. The edge above a node v lies on the way of the
s(v)·(n − s(v)) pairs that it parts, where s(v) is the size of v's subtree, hence

    W = Σ s(v)·(n − s(v)) = n·P − Q    with P = Σ s(v) = Σ depth(v) and Q = Σ s(v)², v not the root,

so three integers an entry (n, P, Q) carry the whole of it, and they can be kept up to date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import NamedTuple

from quilt.spread.tree import (
    ROOT,
    count_generations,
    find_depths,
    list_sizes,
)


class Totals(NamedTuple):
    """The part of a tree's figures that a fold carries on from, whatever the number of its generations."""

    size: int
    total_depth: int
    squared_sizes: int
    passed_on: int


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures of one tree. `size` is n and counts the entry; so does `breadth`, whose first item is 1.

    `total_depth` is P, `squared_sizes` is Q and `passed_on` the number of people (the entry not among
    them) by whose link at least one other came.
    """

    size: int
    total_depth: int
    squared_sizes: int
    breadth: tuple[int, ...]
    passed_on: int

    @property
    def totals(self) -> Totals:
        """What the next fold needs to know."""
        return Totals(self.size, self.total_depth, self.squared_sizes, self.passed_on)

    @property
    def reach(self) -> int:
        """People reached: everybody but the entry itself."""
        return self.size - 1

    @property
    def depth(self) -> int:
        """Generations below the entry; 0 when nobody has come."""
        return len(self.breadth) - 1

    @property
    def max_breadth(self) -> int:
        """The largest number of nodes in one generation."""
        return max(self.breadth)

    @property
    def leaves(self) -> int:
        """Nodes without a child; an entry that nobody reached is its own leaf."""
        return self.size - self.passed_on - (1 if self.size > 1 else 0)

    @property
    def mean_depth(self) -> float:
        """Mean generation of all nodes, the entry's 0 included: P / n."""
        return self.total_depth / self.size

    @property
    def wiener_index(self) -> int:
        """Sum of the distances of all unordered pairs, exact."""
        return wiener_index(self.size, self.total_depth, self.squared_sizes)

    @property
    def structural_virality(self) -> float | None:
        """Mean distance of all pairs; None when there is no pair."""
        return structural_virality(self.size, self.total_depth, self.squared_sizes)

    @property
    def reproduction(self) -> tuple[float, ...]:
        """R of each generation but the last: children per member, N(g+1) / N(g)."""
        return tuple(younger / older for older, younger in pairwise(self.breadth))


@dataclass(frozen=True, slots=True)
class Cascades:
    """The trees below an entry taken each on its own, every one with a child of the entry as its seed.

    `wiener_index` adds up the seeds' own trees and `structural_virality` divides it by the pairs that
    lie within one of them (None when there is none). `reproduction` is (n − k) / n for n people and k
    seeds, always below 1.
    """

    seeds: int
    largest: int
    wiener_index: int
    structural_virality: float | None
    reproduction: float


EMPTY = Measures(size=1, total_depth=0, squared_sizes=0, breadth=(1,), passed_on=0)


def measure(parents: Sequence[int]) -> Measures:
    """Return the figures of a tree given by the parents' indices, in O(n) and exact. Raises BrokenTree."""
    breadth = count_generations(find_depths(parents))  # the depths are not needed any more: memory
    return build_measures(breadth, list_sizes(parents))


def build_measures(breadth: tuple[int, ...], sizes: Sequence[int]) -> Measures:
    """Return the figures of a tree whose generations and subtree sizes are counted, in O(n)."""
    n = sizes[ROOT]
    return Measures(
        size=n,
        total_depth=sum(sizes) - n,
        squared_sizes=sum(map(mul, sizes, sizes)) - n * n,
        breadth=breadth,
        # Nobody came by the link of those whose subtree is only themselves; the entry is no person.
        passed_on=n - sizes.count(1) - (1 if n > 1 else 0),
    )


def wiener_index(size: int, total_depth: int, squared_sizes: int) -> int:
    """Return W = n·P − Q, exact."""
    return size * total_depth - squared_sizes


def structural_virality(size: int, total_depth: int, squared_sizes: int) -> float | None:
    """Return ν = 2W / (n(n − 1)), the mean distance of all pairs of nodes; None for a single node."""
    if size < 2:
        return None
    return 2 * wiener_index(size, total_depth, squared_sizes) / (size * (size - 1))
