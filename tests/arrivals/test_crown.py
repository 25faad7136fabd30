"""The crown of a tree: the largest first, nobody lost from the count, and as it was when fewer had come."""

import secrets
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from quilt.arrivals.crown import read_crown, read_early_tree
from quilt.arrivals.generations import gather_generations, read_generations
from quilt.arrivals.models import Arrival
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import db, transaction
from quilt.spread.condense import condense
from quilt.spread.measures import measure
from quilt.spread.tree import list_sizes
from tests.factories import make_entry
from tests.spread.trees import chain, tree
from tests.spreads import plant, recount_entry

MOMENT = datetime(2026, 5, 20, tzinfo=UTC)
SHAPE = "a, b, c<a, d<a, e<c, f<e, g<b, h, i, j<e, k<a"


def make_tree(parents):
    entry = make_entry()
    plant(entry.id, parents, MOMENT)
    db.session.rollback()
    return entry.id


def test_a_whole_crown_is_the_tree(app):
    parents = tree(SHAPE)
    crown = read_crown(make_tree(parents), 100)
    assert (crown.parents, crown.sizes, crown.people) == (parents, list_sizes(parents), 11)
    assert crown.fold().parents == parents


@pytest.mark.parametrize("most", [1, 3, 5, 8])
def test_those_left_out_are_counted_behind_the_others(app, most):
    parents = tree(SHAPE)
    entry_id = make_tree(parents)
    crown = read_crown(entry_id, most)
    assert len(crown.parents) == most + 1
    assert sorted(crown.sizes[1:], reverse=True) == sorted(list_sizes(parents)[1:], reverse=True)[:most]
    items = condense(crown.fold(), 100)
    assert sum(item.people for item in items) == len(parents)


@pytest.mark.parametrize("people", [1, 4, 11])
def test_the_early_tree_is_the_beginning(app, people):
    parents = tree(SHAPE)
    early = read_early_tree(make_tree(parents), people)
    assert early.parents == parents[: people + 1] and early.last_at is not None
    assert early.crown().sizes == list_sizes(parents[: people + 1])


def test_nobody_has_no_last(app):
    early = read_early_tree(make_tree([-1]), 10)
    assert (early.parents, early.last_at) == ([-1], None)


@pytest.mark.parametrize("parents", [tree(SHAPE), chain(100), tree("a, b, c<a, d<c")])
def test_stored_generations_are_those_of_the_tree(app, parents):
    breadth = list(measure(parents).breadth[1:])
    stored = read_generations(make_tree(parents), len(breadth), 3, 8)
    gathered = gather_generations(breadth, 3, 8)
    assert [(row.first, row.last, row.people) for row in stored.stretches] == [
        (row.first, row.last, row.people) for row in gathered.stretches
    ]
    assert [row.people for row in stored.firsts] == [row.people for row in gathered.firsts] == breadth[:3]
    assert sum(row.people for row in stored.stretches) == len(parents) - 1
    assert len(stored.stretches) <= 8 and stored.width == gathered.width
    ahead = max(breadth) > sorted(breadth)[-2]
    for widest in (stored.widest, gathered.widest):
        assert (widest and widest.people) == (max(breadth) if ahead else None)


def test_who_waits_or_is_left_out_stands_in_no_crown(app):
    entry_id = make_tree(tree("a, b, c<a, d<c, e<c, f<b"))
    first = entry_id * 1_000_000
    with transaction() as session:
        session.get(Arrival, first + 3).state = "excluded"
    recount_entry(entry_id, MOMENT)
    late = Visit(entry_id, b"late", via=db.session.get(Arrival, first + 2).code)
    record_arrival(late, None, now=MOMENT, entropy=secrets.token_bytes)
    db.session.rollback()
    assert db.session.scalars(select(Arrival).order_by(Arrival.id.desc())).first().parent_id == first + 2
    for most in (3, 4, 100):
        crown = read_crown(entry_id, most)
        assert (crown.ids, crown.sizes) == ([None, first + 1, first + 2, first + 6], [4, 1, 2, 1])
