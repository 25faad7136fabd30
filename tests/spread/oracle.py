"""What the figures of an entry must be, by brute force: all distances by walking, all sizes by looking up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from quilt.spread.measures import Cascades
from quilt.spread.tree import ROOT, check_parents, list_sizes
from tests.spread.trees import list_distances


@dataclass
class Person:
    """One arrival as the oracle knows it; `votes` are those that a fold has taken."""

    parent: int | None
    channel: str = ""
    votes: int = 0
    is_excluded: bool = False


@dataclass
class Oracle:
    """Everybody who ever came, and who of them still waits for a fold."""

    people: dict[int, Person] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)

    def is_out(self, person_id: int | None) -> bool:
        """Whether they, or somebody above them, are excluded."""
        while person_id is not None:
            if self.people[person_id].is_excluded:
                return True
            person_id = self.people[person_id].parent
        return False

    def list_counted(self) -> list[int]:
        return [
            person for person in sorted(self.people) if person not in self.waiting and not self.is_out(person)
        ]

    def count(self) -> "Truth":
        """The figures, in time that grows with the square of the tree."""
        counted = self.list_counted()
        index_of: dict[int | None, int] = {None: 0} | {person: at for at, person in enumerate(counted, 1)}
        parents = [-1] + [index_of[self.people[person].parent] for person in counted]
        distances = [list_distances(parents, start) for start in range(len(parents))]
        depths = distances[0]
        lines = [self._list_line(person) for person in counted]
        below = Counter(member for line in lines for member in line)
        votes_below: Counter[int] = Counter()
        for person, line in zip(counted, lines, strict=True):
            for member in line:
                votes_below[member] += self.people[person].votes
        children = Counter(self.people[person].parent for person in counted)
        generations: dict[int, tuple[int, int]] = {}
        channels: dict[str, tuple[int, ...]] = {}
        for person in counted:
            here, depth = self.people[person], depths[index_of[person]]
            people, votes = generations.get(depth, (0, 0))
            generations[depth] = (people + 1, votes + here.votes)
            figures = (1, here.votes, int(here.votes > 0), int(children[person] > 0))
            before = channels.get(here.channel, (0, 0, 0, 0))
            channels[here.channel] = tuple(map(sum, zip(before, figures, strict=True)))
        return Truth(
            size=len(parents),
            total_depth=sum(depths),
            squared_sizes=sum(size**2 for size in below.values()),
            wiener_index=sum(map(sum, distances)) // 2,
            breadth=tuple(depths.count(depth) for depth in range(max(depths) + 1)),
            passed_on=sum(1 for person in counted if children[person]),
            stats={
                person: (below[person], children[person], self.people[person].votes, votes_below[person])
                for person in counted
            },
            generations=generations,
            channels=channels,
        )

    def _list_line(self, person_id: int) -> list[int]:
        """The person and everybody above, up to the entry."""
        line, here = [], person_id
        while here is not None:
            line.append(here)
            here = self.people[here].parent  # type: ignore[assignment]
        return line


@dataclass
class Truth:
    """The figures of those who are counted."""

    size: int
    total_depth: int
    squared_sizes: int
    wiener_index: int
    breadth: tuple[int, ...]
    passed_on: int
    stats: dict[int, tuple[int, int, int, int]]
    generations: dict[int, tuple[int, int]]
    channels: dict[str, tuple[int, ...]]

    @property
    def structural_virality(self) -> float | None:
        """The mean of all distances."""
        return self.wiener_index / (self.size * (self.size - 1) / 2) if self.size > 1 else None


def measure_cascades(parents: Sequence[int]) -> Cascades:
    """Return the figures of the trees below the entry, without the entry. Raises BrokenTree.

    `wiener_index` adds up the seeds' own trees and `structural_virality` divides it by the pairs that
    lie within one of them (None when there is none). `reproduction` is (n − k) / n for n people and k
    seeds, always below 1.
    """
    check_parents(parents)
    sizes = list_sizes(parents)
    totals = _list_cascade_sizes(parents, sizes)
    seed_sizes = [size for size, parent in zip(sizes, parents, strict=True) if parent == ROOT]
    wiener = sum(size * (total - size) for size, total in zip(sizes[1:], totals[1:], strict=True))
    pairs = sum(size * (size - 1) // 2 for size in seed_sizes)
    people = len(parents) - 1
    return Cascades(
        seeds=len(seed_sizes),
        largest=max(seed_sizes, default=0),
        wiener_index=wiener,
        structural_virality=wiener / pairs if pairs else None,
        reproduction=(people - len(seed_sizes)) / people if people else 0.0,
    )


def _list_cascade_sizes(parents: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Return, for every node, the size of the seed's tree that it belongs to (the entry's own: unused)."""
    totals = [0] * len(parents)
    for node in range(1, len(parents)):
        totals[node] = sizes[node] if parents[node] == ROOT else totals[parents[node]]
    return totals
