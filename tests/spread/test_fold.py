import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.spread.fold import (
    Change,
    Folded,
    NewNode,
    NodeStat,
    fold,
    recount,
)
from quilt.spread.measures import EMPTY, measure
from quilt.spread.tree import BrokenTree, build_tree, count_children, list_depths, list_sizes
from tests.spread.trees import (
    find_missing,
    find_missing_parents,
    list_distances,
    list_new_nodes,
    random_parents,
    uniform,
)

Votes = Mapping[int | None, int]


class Store:
    """What a caller keeps between folds, with the ancestors fetched one generation at a time."""

    def __init__(self) -> None:
        self.measures = EMPTY
        self.stats: dict[int, NodeStat] = {}
        self.people: Counter[int] = Counter()
        self.votes: Counter[int] = Counter()

    def take_in(self, new: Sequence[NewNode], votes: Votes) -> Folded:
        known: dict[int, NodeStat] = {}
        wanted = find_missing(new, known, votes)
        while wanted:
            fetched = {node_id: self.stats[node_id] for node_id in wanted}
            known |= fetched
            wanted = find_missing_parents(fetched.values(), known)
        folded = fold(self.measures, new, known, votes)
        self.measures = folded.measures
        self.stats |= folded.changed
        for generation, change in folded.generations.items():
            self.people[generation] += change.people
            self.votes[generation] += change.votes
        return folded


@given(random_parents(max_size=60), st.randoms(use_true_random=False))
def test_any_batching_equals_a_recount_and_brute_force(parents: list[int], chance: random.Random) -> None:
    ids = sorted(chance.sample(range(1, 1000), len(parents)))
    new, store, cast = list_new_nodes(parents, ids), Store(), Counter[int | None]()
    done = 0
    while done < len(new):
        batch = new[done : done + chance.randint(1, 9)]
        done += len(batch)
        votes = Counter({chance.choice([None, *ids[1 : done + 1]]): chance.randint(-1, 3) for _ in range(3)})
        cast.update(votes)
        chance.shuffle(batch)
        folded = store.take_in(batch, votes)
        assert folded.votes == sum(votes.values())
    _compare(store, parents, new, cast)


def _compare(store: Store, parents: list[int], new: list[NewNode], cast: Counter[int | None]) -> None:
    whole = recount(build_tree((node.id, node.parent_id) for node in new), cast)
    assert store.measures == whole.measures == measure(parents)
    assert store.stats == whole.changed
    assert len(store.stats) == len(parents) - 1
    generations = {g: Change(store.people[g], store.votes[g]) for g in range(len(whole.measures.breadth))}
    assert generations == whole.generations
    assert sum(store.votes.values()) == whole.votes == sum(cast.values())
    distances = [list_distances(parents, node) for node in range(len(parents))]
    assert store.measures.wiener_index == sum(map(sum, distances)) // 2


@given(random_parents())
def test_all_at_once_equals_one_by_one(parents: list[int]) -> None:
    new = list_new_nodes(parents, range(len(parents)))
    at_once, one_by_one = Store(), Store()
    at_once.take_in(new, {})
    for node in new:
        one_by_one.take_in([node], {})
    assert at_once.measures == one_by_one.measures == measure(parents)
    assert at_once.stats == one_by_one.stats


def test_votes_add_up_along_the_tree() -> None:
    store = Store()
    store.take_in([NewNode(1, None, 1), NewNode(2, 1, 2), NewNode(3, 2, 3)], {2: 1})
    folded = store.take_in([NewNode(4, 2, 3)], {4: 2, 3: 1, None: 5})
    assert folded.changed[1] == NodeStat(None, 1, 4, 1, votes_self=0, votes_subtree=4)
    assert folded.changed[2] == NodeStat(1, 2, 3, 2, votes_self=1, votes_subtree=4)
    assert folded.changed[4] == NodeStat(2, 3, 1, 0, votes_self=2, votes_subtree=2)
    assert folded.generations == {0: Change(0, 5), 3: Change(1, 3)}
    assert folded.votes == 8
    taken_back = store.take_in([], {2: -1})
    assert sorted(taken_back.changed) == [1, 2]
    assert taken_back.changed[1].votes_subtree == 3
    assert taken_back.measures == folded.measures


def test_a_fold_of_nothing_changes_nothing() -> None:
    assert fold(EMPTY, [], {}) == Folded(EMPTY, {}, {}, 0)


def test_a_fold_leaves_what_it_was_given_alone() -> None:
    known = {1: NodeStat(None, 1)}
    fold(measure([-1, 0]), [NewNode(2, 1, 2)], known, {1: 1})
    assert known == {1: NodeStat(None, 1)}


@pytest.mark.parametrize(
    ("new", "votes"),
    [
        ([NewNode(5, 4, 3)], {}),
        ([NewNode(2, 1, 2), NewNode(2, 1, 2)], {}),
        ([NewNode(1, None, 1)], {}),
        ([NewNode(2, 1, 3)], {}),
        ([NewNode(2, None, 2)], {}),
        ([NewNode(0, 1, 2)], {}),
        ([NewNode(2, 3, 2), NewNode(3, 2, 3)], {}),
        ([NewNode(2, 2, 2)], {}),
        ([], {9: 1}),
    ],
)
def test_what_does_not_fit_is_refused(new: list[NewNode], votes: Votes) -> None:
    with pytest.raises(BrokenTree):
        fold(measure([-1, 0]), new, {1: NodeStat(None, 1)}, votes)


def test_a_recount_leaves_excluded_people_and_their_votes_out() -> None:
    links: list[tuple[int, int | None]] = [(1, None), (2, 1), (3, 2), (4, None)]
    folded = recount(build_tree(links, excluded={2}), {1: 1, 2: 10, 3: 100, None: 1000})
    assert folded.measures == measure([-1, 0, 0])
    assert folded.changed == {1: NodeStat(None, 1, 1, 0, 1, 1), 4: NodeStat(None, 1)}
    assert (folded.votes, folded.generations) == (1001, {0: Change(0, 1000), 1: Change(2, 1)})


def test_a_recount_of_the_entry_alone() -> None:
    assert recount(build_tree([])) == Folded(EMPTY, {}, {0: Change(0, 0)}, 0)


def test_a_hundred_arrivals_into_a_million_take_milliseconds() -> None:
    chance = random.Random(11)
    parents = uniform(1_000_000, chance)
    before, sizes, depths = measure(parents), list_sizes(parents), list_depths(parents)
    children = count_children(parents)
    new, known = [], {}
    for node_id in range(1_000_000, 1_000_100):
        parent = node = chance.randrange(1, 1_000_000)
        new.append(NewNode(node_id, parent, depths[parent] + 1))
        while node:
            known[node] = NodeStat(parents[node] or None, depths[node], sizes[node], children[node])
            node = parents[node]
    times = []
    for _ in range(5):
        started = time.perf_counter()
        folded = fold(before, new, known)
        times.append(time.perf_counter() - started)
    assert folded.measures == measure(parents + [node.parent_id or 0 for node in new])
    assert len(folded.changed) == len(known) + 100 > 500
    # Typically 2 ms; the bound leaves room for a busy machine.
    assert min(times) < 0.02
