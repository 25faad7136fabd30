"""The figures that a tree had at earlier instants, for a curve whose past must change with an exclusion."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from quilt.spread.measures import structural_virality
from quilt.spread.tree import ROOT, list_depths

MOST_STEPS = 20_000_000  # up the tree; beyond, ν of earlier instants is not worth the time


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree at an instant; `size` counts the entry. ν is None for the entry alone, and in a tree too deep."""

    size: int
    depth: int
    structural_virality: float | None


def replay_growth(
    parents: Sequence[int], seconds: Sequence[float], instants: Sequence[float], most_steps: int = MOST_STEPS
) -> list[Grown]:
    """Return the tree's figures at each of the ascending `instants`, everybody who came by then counted.

    A child whose clock was behind its parent's came with the parent. One walk to the root for each node
    (P' = P + d, Q' = Q + 2A(p) + d for a new leaf at depth d, A the sizes on its way up), so O(Σ depth):
    above `most_steps` ν stays None.
    """
    depths = list_depths(parents)
    came = _settle(parents, seconds)
    order = sorted(range(1, len(parents)), key=came.__getitem__)
    has_virality = sum(depths) <= most_steps
    sizes = [1] * len(parents)
    size, depth, total_depth, squared, place = 1, 0, 0, 0, 0
    grown = []
    for instant in instants:
        while place < len(order) and came[order[place]] <= instant:
            node = order[place]
            place += 1
            size += 1
            depth = max(depth, depths[node])
            total_depth += depths[node]
            if has_virality:
                squared += _insert(parents, sizes, node) + depths[node]
        virality = structural_virality(size, total_depth, squared) if has_virality else None
        grown.append(Grown(size, depth, virality))
    return grown


def _settle(parents: Sequence[int], seconds: Sequence[float]) -> list[float]:
    came = [float("-inf")]
    for node, at in enumerate(islice(seconds, 1, None), 1):
        came.append(max(at, came[parents[node]]))
    return came


def _insert(parents: Sequence[int], sizes: list[int], node: int) -> int:
    """Let everybody above grow by one; returns 2A(p), A being the sum of their sizes before."""
    total, above = 0, parents[node]
    while above != ROOT:
        total += sizes[above]
        sizes[above] += 1
        above = parents[above]
    return 2 * total
