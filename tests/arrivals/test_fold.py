"""The fold against a full recount, in every batching, on both databases."""

import random
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from quilt.arrivals.fold import fold_entry, fold_waiting, recompute_entry
from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    ArrivalStat,
    EntryChannel,
    EntryGeneration,
    EntryPoint,
    EntrySpread,
)
from quilt.arrivals.nodes import Visit, put_in_inbox
from quilt.arrivals.queries import describe_spread
from quilt.arrivals.service import record_arrival
from quilt.database import db, write
from tests.conftest import NOW
from tests.factories import make_entry


def grow(entry, parents, *, every=1, seed=0, votes=False):
    """Let people arrive by one another's links (parents[i] is the index of person i's, -1: nobody's)."""
    chance, codes = random.Random(seed), []
    for index, parent in enumerate(parents):
        via = codes[parent] if parent >= 0 else ""
        visit = Visit(entry.id, index.to_bytes(8), via=via, channel=chance.choice(["wa", "fb", ""]))
        node = record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)
        codes.append(node.code)
        if votes and chance.random() < 0.4:
            write(lambda connection, node=node: put_in_inbox(connection, entry.id, node.arrival_id, votes=1))
        if index % every == every - 1:
            fold_entry(entry.id, NOW + timedelta(minutes=index))
    fold_entry(entry.id, NOW + timedelta(days=1))
    db.session.rollback()


def snapshot(entry):
    """Everything the fold stores about an entry, as plain values."""
    db.session.rollback()
    spread = db.session.get(EntrySpread, entry.id, populate_existing=True)
    figures = {
        key: value
        for key, value in vars(spread).items()
        if key not in ("_sa_instance_state", "version", "folded_at")
    }
    tables = []
    for table, columns in (
        (ArrivalStat, ("arrival_id", "subtree_size", "children_count", "votes_self", "votes_subtree")),
        (EntryGeneration, ("generation", "people_count", "votes_count")),
        (EntryChannel, ("channel", "people_count", "votes_count")),
    ):
        names = [getattr(table, name) for name in columns]
        rows = db.session.execute(select(*names).where(table.entry_id == entry.id).order_by(*names))
        tables.append([tuple(row) for row in rows])
    return figures, tables


def test_figures_of_a_small_tree(app):
    entry = make_entry()
    grow(entry, [-1, -1, 0, 0, 2])
    figures = describe_spread(entry.id)
    assert (figures.reach, figures.passed_on, figures.longest_chain) == (5, 2, 3)
    assert figures.structural_virality == pytest.approx(2.0666666666)
    assert db.session.scalar(select(func.count()).select_from(EntryPoint)) >= 2


@pytest.mark.parametrize("every", [1, 7, 1000])
@pytest.mark.parametrize("shape", ["star", "chain", "mixed", "uniform"])
def test_any_batching_equals_the_recount(app, shape, every):
    chance = random.Random(shape)
    parents = {
        "star": [-1] * 60,
        "chain": list(range(-1, 59)),
        "mixed": [chance.choice([-1, index - 1, chance.randrange(-1, index)]) for index in range(60)],
        "uniform": [chance.randrange(-1, index) for index in range(60)],
    }[shape]
    entry = make_entry()
    grow(entry, parents, every=every, votes=True)
    folded = snapshot(entry)
    recompute_entry(entry.id, NOW)
    assert snapshot(entry) == folded
    assert folded[0]["size"] == 61 and folded[0]["votes_count"] > 0


def test_a_large_tree_is_folded_by_its_touched_nodes_alone(app):
    entry = make_entry()
    chance = random.Random(1)
    grow(entry, [chance.randrange(-1, index) for index in range(400)], every=400)
    before = snapshot(entry)
    codes = db.session.scalars(select(Arrival.code).where(Arrival.entry_id == entry.id)).all()
    for index in range(20):
        visit = Visit(entry.id, b"late" + bytes([index]), via=chance.choice(codes))
        record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)
    assert fold_entry(entry.id, NOW) == 20
    folded = snapshot(entry)
    assert folded != before
    recompute_entry(entry.id, NOW)
    assert snapshot(entry) == folded


def test_an_empty_inbox_changes_nothing(app):
    entry = make_entry()
    assert fold_waiting(NOW) == 0 == fold_entry(entry.id, NOW)


def test_returns_are_counted_and_add_nobody(app):
    entry = make_entry()
    for _ in range(3):
        record_arrival(Visit(entry.id, b"a"), None, now=NOW, entropy=secrets.token_bytes)
    assert fold_waiting(NOW) == 3
    db.session.rollback()
    assert describe_spread(entry.id).reach == 1
    assert db.session.scalar(select(ArrivalStat.returns_count)) == 2
    assert db.session.scalar(select(func.count()).select_from(ArrivalInbox)) == 0


def test_excluded_people_and_those_below_them_are_left_out_of_a_recount(app):
    entry = make_entry()
    grow(entry, [-1, 0, 1, -1])
    from quilt.database import transaction

    with transaction() as session:
        session.scalars(select(Arrival).where(Arrival.depth == 2)).one().state = "excluded"
    assert recompute_entry(entry.id, NOW).reach == 2
