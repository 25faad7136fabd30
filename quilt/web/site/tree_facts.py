"""What is read off an entry's whole tree for its pages, and kept as long as that is costly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from quilt.arrivals.heads import EntryHead
from quilt.arrivals.overview import list_people, read_tree
from quilt.database import db
from quilt.spread.tree import ROOT, count_children, list_depths, list_sizes
from quilt.web.clock import now
from quilt.web.drawings import Drawing, DrawingCache, make_drawing
from quilt.web.site.spread_words import name_channel

MOST_MARKS = 10_500  # lone people are a few bytes each; what cannot be told apart is drawn together anyway
MOST_MARKS_AT_A_GLANCE = 240
MOST_BRANCHES = 8
LEAST_IN_BRANCH = 5  # smaller ones would tell of single persons
BROUGHT = (
    (1, 1, "1 person"),
    (2, 2, "2 people"),
    (3, 4, "3 or 4"),
    (5, 9, "5 to 9"),
    (10, 24, "10 to 24"),
    (25, 99, "25 to 99"),
    (100, 10**18, "100 or more"),
)

_trees: DrawingCache["TreeFacts"] = DrawingCache(most=100)
_glances: DrawingCache[Drawing] = DrawingCache(most=400)


@dataclass(frozen=True, slots=True)
class Branch:
    """Everybody who came through one of the people at the start: `generations` of them, itself the first."""

    channel: str
    people: int
    generations: int
    votes: int


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What is read off the whole tree: its drawing, how many people each brought, the largest branches."""

    drawing: Drawing
    people: int
    brought: list[tuple[str, int]]
    branches: list[Branch]
    drawn_at: datetime


def find_tree(head: EntryHead) -> TreeFacts:
    """The tree at its newest, or from shortly before where it is so large that drawing it takes long."""
    return _trees.get((id(db.engine), head.id), head.spread_version, lambda: _read_facts(head.id))


def find_glance(entry_id: int, spread_version: int) -> Drawing:
    """The small drawing of the tree that stands beside the entry's figures."""
    return _glances.get(
        (id(db.engine), entry_id),
        spread_version,
        lambda: make_drawing(read_tree(entry_id).parents, MOST_MARKS_AT_A_GLANCE),
    )


def _read_facts(entry_id: int) -> TreeFacts:
    tree = read_tree(entry_id)
    parents = tree.parents
    children = Counter(count_children(parents)[1:])
    return TreeFacts(
        drawing=make_drawing(parents, MOST_MARKS),
        people=len(parents) - 1,
        brought=[
            (label, people)
            for least, most, label in BROUGHT
            if (people := sum(count for number, count in children.items() if least <= number <= most))
        ],
        branches=_list_branches(entry_id, parents, tree.ids),
        drawn_at=now(),
    )


def _list_branches(entry_id: int, parents: Sequence[int], ids: Sequence[int | None]) -> list[Branch]:
    """The largest of the branches that begin at the entry itself."""
    sizes, deepest = list_sizes(parents), _list_deepest(parents)
    seeds = [node for node, parent in enumerate(parents) if parent == ROOT and sizes[node] >= LEAST_IN_BRANCH]
    largest = sorted(seeds, key=lambda node: -sizes[node])[:MOST_BRANCHES]
    generations = {ids[node]: deepest[node] for node in largest}
    people = list_people(entry_id, [key for key in generations if key is not None])
    return [
        Branch(name_channel(person.channel), person.people, generations[person.id], person.votes)
        for person in people
    ]


def _list_deepest(parents: Sequence[int]) -> list[int]:
    deepest = list_depths(parents)
    for node in range(len(parents) - 1, ROOT, -1):
        deepest[parents[node]] = max(deepest[parents[node]], deepest[node])
    return deepest
