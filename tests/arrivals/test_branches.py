"""A person's branch: exact against a count by hand, and bounded however large the tree is."""

import random
import secrets

import pytest

from quilt.arrivals.branches import (
    MOST_STEPS,
    MOST_WALKED,
    find_arrival_id,
    list_branches,
)
from quilt.arrivals.models import Arrival
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import db, transaction
from tests.arrivals.planting import plant
from tests.conftest import NOW
from tests.factories import make_entry


def describe(parents, place, voters):
    """Direct, in all, generations below, votes below: by hand."""
    below, generation = [], [place]
    levels = 0
    while generation := [child for child, parent in enumerate(parents) if parent in generation]:
        below += generation
        levels += 1
    direct = sum(parent == place for parent in parents)
    return direct, len(below), levels, sum(node in voters for node in below)


@pytest.mark.parametrize("seed", range(6))
def test_every_branch_of_a_random_tree(app, seed):
    chance = random.Random(seed)
    size = chance.randrange(2, 60)
    parents = [chance.randrange(max(-1, place - chance.choice((2, 60))), place) for place in range(size)]
    voters = set(chance.sample(range(size), size // 3))
    ids = plant(make_entry(), parents, voters)
    branches = list_branches(ids)
    assert len(branches) == size
    assert [branch.in_all for branch in branches] == sorted((b.in_all for b in branches), reverse=True)
    for branch in branches:
        found = (branch.direct, branch.in_all, branch.generations, branch.votes)
        assert found == describe(parents, branch.arrival_id - ids[0], voters)
        assert branch.is_whole and branch.is_counted and branch.entry_reach == size


def test_the_way_to_the_entry(app):
    ids = plant(make_entry(), [-1, 0, 1], channels=("wa", "mail", ""))
    branch = list_branches([ids[2]])[0]
    assert [(step.generation, step.channel) for step in branch.steps] == [(1, "wa"), (2, "mail"), (3, "")]
    assert branch.left_out == 0 and branch.generation == 3


def test_as_many_queries_for_many_as_for_one(app, count_queries):
    ids = plant(make_entry(), [-1, 0, 1, 2, 3, 0])
    counts = []
    for asked in ([ids[0]], ids):
        with count_queries() as queries:
            list_branches(asked)
        counts.append(len(queries))
    assert counts[0] == counts[1] == 3
    assert list_branches([]) == []


def test_a_chain_of_20_000_is_told_by_a_few_steps(app, count_queries):
    length = 20_000
    ids = plant(make_entry(), range(-1, length - 1))
    with count_queries() as queries:
        first, last = list_branches([ids[0], ids[-1]])
    assert len(queries) == 3
    assert (first.in_all, first.direct) == (length - 1, 1)
    assert first.generations == MOST_WALKED and not first.is_whole
    assert (last.in_all, last.generations, last.is_whole) == (0, 0, True)
    assert len(last.steps) == MOST_STEPS and last.left_out == length - MOST_STEPS
    assert last.steps[-1].generation == length


def test_large_branches_do_not_cut_small_ones_off(app):
    entries = [make_entry() for _ in range(3)]
    long, wide = plant(entries[0], range(-1, 7_000)), plant(entries[1], [-1, 0, *[1] * 7_000])
    small = plant(entries[2], [-1, 0, 1, 2])
    told = {branch.arrival_id: branch for branch in list_branches([long[0], wide[0], small[0]])}
    assert [told[ids[0]].generations for ids in (long, wide, small)] == [MOST_WALKED, 2, 3]
    assert [told[ids[0]].is_whole for ids in (long, wide, small)] == [False, False, True]


def test_a_star_is_one_generation_however_wide(app, count_queries):
    ids = plant(make_entry(), [-1] + [0] * (MOST_WALKED * 2))
    branch = list_branches([ids[0]])[0]
    assert (branch.generations, branch.is_whole, branch.direct) == (1, True, MOST_WALKED * 2)


def test_somebody_who_is_not_folded_yet_has_a_branch_of_nobody(app):
    entry = make_entry()
    node = record_arrival(Visit(entry.id, b"v" * 8), None, now=NOW, entropy=secrets.token_bytes)
    db.session.rollback()
    branch = list_branches([node.arrival_id])[0]
    assert (branch.direct, branch.in_all, branch.generations, branch.votes, branch.is_whole) == (
        0,
        0,
        0,
        0,
        True,
    )


def test_an_arrival_is_found_by_its_code_for_its_own_entry_only(app):
    entry, other = make_entry(), make_entry()
    ids = plant(entry, [-1])
    assert find_arrival_id(entry.id, f"c{entry.id}-{ids[0]}") == ids[0]
    assert find_arrival_id(other.id, f"c{entry.id}-{ids[0]}") is None


def test_an_excluded_arrival_is_not_counted(app):
    ids = plant(make_entry(), [-1, 0, 1])
    with transaction() as session:
        session.get_one(Arrival, ids[0]).state = "excluded"
    assert [branch.is_counted for branch in list_branches(ids)] == [False, False, False]
