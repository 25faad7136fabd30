"""The fold against a full recount, in every batching, on both databases."""

import random
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from quilt.arrivals.bulk import PLAIN
from quilt.arrivals.fold import fold_entry, fold_waiting
from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    ArrivalStat,
    EntryChannel,
    EntryGeneration,
    EntryPoint,
    EntrySpread,
)
from quilt.arrivals.nodes import Visit, describe_event, put_in_inbox
from quilt.arrivals.queries import describe_spread
from quilt.arrivals.service import record_arrival
from quilt.database import db, transaction, write
from tests.conftest import NOW
from tests.factories import make_entry
from tests.spreads import number_onward, recount_entry


def grow(entry, parents, *, every=1, seed=0, votes=False, share=None):
    """Let people arrive by one another's links (parents[i] is the index of person i's, -1: nobody's)."""
    chance, codes = random.Random(seed), []
    for index, parent in enumerate(parents):
        via = codes[parent] if parent >= 0 else ""
        visit = Visit(entry.id, index.to_bytes(8), via=via, channel=chance.choice(["wa", "fb", ""]))
        node = record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)
        codes.append(node.code)
        if votes and chance.random() < 0.4:
            write(
                lambda connection, node=node: put_in_inbox(
                    connection, [describe_event(entry.id, node.arrival_id, votes=1)]
                )
            )
        if index % every == every - 1:
            fold_entry(entry.id, NOW + timedelta(minutes=index), share)
    fold_entry(entry.id, NOW + timedelta(days=1), share)
    db.session.rollback()


def snapshot(entry):
    """Everything the fold stores about an entry, as plain values; a row of defaults says what no row says."""
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
        (EntryChannel, ("channel", "people_count", "votes_count", "voters_count", "brought_count")),
    ):
        names = [getattr(table, name) for name in columns]
        rows = db.session.execute(select(*names).where(table.entry_id == entry.id).order_by(*names))
        tables.append([tuple(row) for row in rows if tuple(row[1:]) != PLAIN])
    return figures, tables


def test_figures_of_a_small_tree(app):
    entry = make_entry()
    grow(entry, [-1, -1, 0, 0, 2])
    figures = describe_spread(entry.id)
    assert (figures.reach, figures.passed_on, figures.longest_chain) == (5, 2, 3)
    assert figures.structural_virality == pytest.approx(2.0666666666)
    assert db.session.scalar(select(func.count()).select_from(EntryPoint)) >= 2


ALWAYS_FOLD, ALWAYS_RECOUNT = 1e9, 0.0


@pytest.mark.parametrize(
    ("every", "share"),
    [(1, ALWAYS_FOLD), (7, ALWAYS_FOLD), (1000, ALWAYS_FOLD), (7, ALWAYS_RECOUNT), (1, None)],
)
@pytest.mark.parametrize("shape", ["star", "chain", "mixed", "uniform"])
def test_any_batching_equals_the_recount(app, shape, every, share):
    chance = random.Random(shape)
    parents = {
        "star": [-1] * 60,
        "chain": list(range(-1, 59)),
        "mixed": [chance.choice([-1, index - 1, chance.randrange(-1, index)]) for index in range(60)],
        "uniform": [chance.randrange(-1, index) for index in range(60)],
    }[shape]
    entry = make_entry()
    grow(entry, parents, every=every, votes=True, share=share)
    folded = snapshot(entry)
    recount_entry(entry.id, NOW)
    assert snapshot(entry) == folded
    assert folded[0]["size"] == 61 and folded[0]["votes_count"] > 0


def test_a_large_tree_is_folded_by_its_touched_nodes_alone(app):
    entry = make_entry()
    chance = random.Random(1)
    plant(entry, [chance.randrange(-1, index) for index in range(400)])
    before = snapshot(entry)
    codes = db.session.scalars(select(Arrival.code).where(Arrival.entry_id == entry.id)).all()
    for index in range(20):
        visit = Visit(entry.id, b"late" + bytes([index]), via=chance.choice(codes))
        record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)
    assert fold_entry(entry.id, NOW, ALWAYS_FOLD) == 20
    folded = snapshot(entry)
    assert folded != before
    recount_entry(entry.id, NOW)
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
    with transaction() as session:
        session.scalars(select(Arrival).where(Arrival.depth == 2)).one().state = "excluded"
    assert recount_entry(entry.id, NOW).reach == 2


def plant(entry, parents):
    """As `grow`, in bulk and in one fold."""
    last = db.session.scalar(select(func.coalesce(func.max(Arrival.id), 0)))
    depths = []
    for parent in parents:
        depths.append(1 if parent < 0 else depths[parent] + 1)
    ids = range(last + 1, last + 1 + len(parents))
    arrivals = [
        {"id": node, "entry_id": entry.id, "parent_id": None if parent < 0 else ids[parent], "depth": depth,
         "code": f"{node:011}", "channel": "wa", "state": "live", "arrived_at": NOW}
        for node, parent, depth in zip(ids, parents, depths, strict=True)
    ]  # fmt: skip
    with transaction() as session:
        session.execute(insert(Arrival), arrivals)
        session.execute(
            insert(ArrivalInbox), [{"entry_id": entry.id, "arrival_id": node, "is_new": True} for node in ids]
        )
        number_onward(session, ids[-1])
    assert fold_entry(entry.id, NOW) == len(parents)
    db.session.rollback()


def exclude(arrival_id, state="excluded"):
    with transaction() as session:
        session.get(Arrival, arrival_id).state = state


def list_ids(entry):
    return db.session.scalars(
        select(Arrival.id).where(Arrival.entry_id == entry.id).order_by(Arrival.id)
    ).all()


def arrive(entry, via, count, name=b"late"):
    """People come by this arrival's link; the codes' owners are what the inbox then holds."""
    code = db.session.get(Arrival, via).code
    nodes = [
        record_arrival(
            Visit(entry.id, name + bytes([n]), via=code), None, now=NOW, entropy=secrets.token_bytes
        )
        for n in range(count)
    ]
    db.session.rollback()
    return [node.arrival_id for node in nodes]


def vote(entry, arrival_id, votes=1):
    entry_id = entry.id
    write(lambda connection: put_in_inbox(connection, [describe_event(entry_id, arrival_id, votes=votes)]))


def size_of(arrival_id):
    db.session.rollback()
    return db.session.scalar(select(ArrivalStat.subtree_size).where(ArrivalStat.arrival_id == arrival_id))


@pytest.mark.parametrize("share", [ALWAYS_FOLD, ALWAYS_RECOUNT])
def test_who_comes_below_an_excluded_ancestor_counts_when_it_is_restored(app, share):
    entry = make_entry()
    plant(entry, [-1, 0, 1, -1])
    top, _, below = list_ids(entry)[:3]
    before = describe_spread(entry.id).reach
    exclude(top)
    assert recount_entry(entry.id, NOW).reach == before - 3
    late = arrive(entry, below, 2)
    vote(entry, late[0], 2)
    vote(entry, below)
    assert fold_entry(entry.id, NOW, share) == 4
    db.session.rollback()
    figures = describe_spread(entry.id)
    assert (figures.reach, figures.votes) == (before - 3, 0)
    left = snapshot(entry)
    recount_entry(entry.id, NOW)
    assert snapshot(entry) == left
    exclude(top, "live")
    assert recount_entry(entry.id, NOW).reach == before + 2
    assert size_of(top) == 5
    assert describe_spread(entry.id).votes == 3
    below_top = select(ArrivalStat.votes_subtree).where(ArrivalStat.arrival_id == top)
    assert db.session.scalar(below_top) == 3


def test_a_fold_reads_no_more_than_the_new_and_those_above_them(app):
    entry = make_entry()
    plant(entry, [-1, 0, 1] + [-1] * 300)
    third = list_ids(entry)[2]
    damaged = list_ids(entry)[200]
    with transaction() as session:  # whoever read it would mend it
        session.add(ArrivalStat(arrival_id=damaged, entry_id=entry.id, subtree_size=77))
    arrive(entry, third, 1)
    fold_entry(entry.id, NOW, ALWAYS_FOLD)
    assert size_of(damaged) == 77
    assert [size_of(node) for node in [*list_ids(entry)[:3], list_ids(entry)[-1]]] == [4, 3, 2, None]
    recount_entry(entry.id, NOW)
    assert size_of(damaged) == 1


def test_a_recount_writes_what_is_missing_wrong_or_out_of_date(app):
    entry = make_entry()
    grow(entry, [-1, 0, 1, -1, 3, -1], votes=True)
    right = snapshot(entry)
    ids = list_ids(entry)
    with transaction() as session:
        session.delete(session.get(ArrivalStat, ids[0]))
        session.get(ArrivalStat, ids[3]).subtree_size = 9
        session.merge(ArrivalStat(arrival_id=ids[5], entry_id=entry.id, children_count=2))
        session.get(EntrySpread, entry.id).squared_sizes = 1
        session.add(EntryGeneration(entry_id=entry.id, generation=9, people_count=4, votes_count=1))
    stored = snapshot(entry)
    assert stored != right
    recount_entry(entry.id, NOW)
    mended = snapshot(entry)
    assert mended[1][0] == right[1][0]
    assert mended[0]["squared_sizes"] == right[0]["squared_sizes"]


def test_who_waits_is_counted_by_the_fold_and_not_by_a_recount_before_it(app):
    entry = make_entry()
    grow(entry, [-1, 0])
    arrive(entry, list_ids(entry)[1], 3)
    assert recount_entry(entry.id, NOW).reach == 2
    assert fold_entry(entry.id, NOW) == 3
    db.session.rollback()
    assert describe_spread(entry.id).reach == 5


@pytest.mark.parametrize("share", [ALWAYS_FOLD, ALWAYS_RECOUNT, 0.5])
def test_a_deep_tree_is_climbed_in_one_go_or_counted_anew(app, share):
    entry = make_entry()
    plant(entry, list(range(-1, 119)))
    arrive(entry, list_ids(entry)[119], 2)
    assert fold_entry(entry.id, NOW, share) == 2
    folded = snapshot(entry)
    assert (folded[0]["max_depth"], folded[0]["size"]) == (121, 123)
    recount_entry(entry.id, NOW)
    assert snapshot(entry) == folded


def test_a_chain_of_four_million_is_stored_and_folded_exactly(app):
    n = 4_000_000
    squares = (n - 1) * n * (2 * n - 1) // 6
    assert squares > 2**63
    entry = make_entry()
    with transaction() as session:
        session.add(
            EntrySpread(
                entry_id=entry.id, size=n, total_depth=n * (n - 1) // 2, squared_sizes=squares,
                max_depth=n - 1, max_breadth=1, passed_on_count=n - 2,
            )
        )  # fmt: skip
    record_arrival(Visit(entry.id, b"one more"), None, now=NOW, entropy=secrets.token_bytes)
    assert fold_entry(entry.id, NOW) == 1
    stored = snapshot(entry)[0]
    assert (stored["size"], stored["max_depth"]) == (n + 1, n - 1)
    assert (stored["squared_sizes"], stored["total_depth"]) == (squares + 1, n * (n - 1) // 2 + 1)
    # The new one is as far from everybody as its depth and theirs add up to.
    pairs, wiener = n * (n + 1) // 2, (n**3 - n) // 6 + n * (n - 1) // 2 + n
    assert describe_spread(entry.id).structural_virality == wiener / pairs
