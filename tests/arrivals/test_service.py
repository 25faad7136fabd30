import random
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import aliased

from quilt.arrivals.models import Arrival, ArrivalInbox, NamedLink, NotCounted, UsedNonce, VisitorSalt
from quilt.arrivals.nodes import Visit
from quilt.arrivals.queries import NotCountedDay, list_not_counted
from quilt.arrivals.recording import NonceUsed, record_many, record_one
from quilt.arrivals.service import forget_old, get_salt, record_arrival, record_not_counted
from quilt.database import db, get_engine, transaction
from quilt.spread.counting import NotCounted as Reason
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, save


def arrive(entry, visitor, nonce=None, now=NOW, **visit):
    node = record_arrival(Visit(entry.id, visitor, **visit), nonce, now=now, entropy=secrets.token_bytes)
    db.session.rollback()  # what the test reads next is what was committed
    return node


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_people_arrive_by_one_another_s_links(app):
    entry = make_entry()
    first = arrive(entry, b"a", via=f"own{entry.id:08}")
    second = arrive(entry, b"b", via=first.code, channel="wa")
    third = arrive(entry, b"c", via=second.code)
    rows = db.session.execute(
        select(Arrival.id, Arrival.parent_id, Arrival.depth, Arrival.channel).order_by(Arrival.id)
    ).all()
    assert [tuple(row) for row in rows] == [
        (first.arrival_id, None, 1, ""),
        (second.arrival_id, first.arrival_id, 2, "wa"),
        (third.arrival_id, second.arrival_id, 3, ""),
    ]


@pytest.mark.parametrize("again", [{"own_code": True}, {"own_code": False}, {"via_own": True}])
def test_the_same_person_is_one_node(app, again):
    entry = make_entry()
    first = arrive(entry, b"a")
    visit = {"own_code": first.code} if again.get("own_code") else {}
    visit |= {"via": first.code} if again.get("via_own") else {}
    second = arrive(entry, b"a" if not visit.get("own_code") else b"other day", **visit)
    assert (second.code, second.is_new) == (first.code, False)
    assert count(Arrival) == 1
    assert db.session.scalars(select(ArrivalInbox.returns).order_by(ArrivalInbox.id)).all() == [0, 1]


@pytest.mark.parametrize("via", ["unknown0000", "", "own99999999", "' OR 1=1 --", "x" * 10_000])
def test_an_unknown_link_leads_to_the_entry_itself(app, via):
    entry = make_entry()
    node = arrive(entry, b"a", via=via)
    assert db.session.get(Arrival, node.arrival_id).parent_id is None


def test_a_link_of_another_entry_credits_nobody(app):
    entry, other = make_entry(), make_entry()
    there = arrive(other, b"a")
    here = arrive(entry, b"b", via=there.code)
    assert db.session.get(Arrival, here.arrival_id).parent_id is None


def test_a_loop_adds_no_node(app):
    entry = make_entry()
    first = arrive(entry, b"a")
    second = arrive(entry, b"b", via=first.code)
    assert arrive(entry, b"a", via=second.code).code == first.code
    assert count(Arrival) == 2


def test_a_nonce_counts_one_visitor_once(app):
    entry = make_entry()
    first = arrive(entry, b"a", nonce=b"n" * 12)
    assert arrive(entry, b"a", nonce=b"n" * 12).code == first.code
    with pytest.raises(NonceUsed):
        arrive(entry, b"b", nonce=b"n" * 12)
    assert (count(Arrival), count(UsedNonce), count(ArrivalInbox)) == (1, 1, 1)


def read_arrivals():
    """Everybody by their parent's pseudonym, and what waits for the fold."""
    db.session.rollback()
    parent = aliased(Arrival)
    people = select(
        Arrival.entry_id, Arrival.visitor_key, parent.visitor_key, Arrival.depth, Arrival.channel, Arrival.link_id,
        Arrival.embed_id, Arrival.arrived_at,
    ).outerjoin(parent, parent.id == Arrival.parent_id)  # fmt: skip
    waiting = (
        select(Arrival.visitor_key, ArrivalInbox.is_new, ArrivalInbox.returns, ArrivalInbox.votes)
        .join(Arrival, Arrival.id == ArrivalInbox.arrival_id)
    )  # fmt: skip
    return [sorted(map(repr, db.session.execute(what))) for what in (people, waiting)]


def alone(calls):
    outcomes = []
    for call in calls:
        try:
            with get_engine().begin() as connection:
                outcomes.append(record_one(connection, *call))
        except NonceUsed as refused:
            outcomes.append(refused)
    return outcomes


def together(calls):
    with get_engine().begin() as connection:
        return record_many(connection, calls)


@pytest.mark.parametrize("seed", range(8))
def test_visits_that_are_counted_together_come_to_the_same_as_one_by_one(app, seed):
    contest = make_contest()
    entries = [make_entry(contest).id, make_entry(contest).id]
    for entry_id in entries:
        save(NamedLink(entry_id=entry_id, code=f"named{entry_id:06}", label="x", created_at=NOW))
    told = []
    for record in (alone, together):
        with transaction() as session:
            for model in (ArrivalInbox, UsedNonce, Arrival):
                session.execute(delete(model))
        chance, codes = random.Random(seed), [f"named{entries[0]:06}", "nobodys0000", "\0", "x" * 99, "", ""]
        for size in (1, 9, 40, 70):
            calls = [draw_visit(chance, entries, codes) for _ in range(size)]
            codes += [node.code for node in record(calls)]
        told.append(read_arrivals())
    assert told[0] == told[1]
    assert len(told[0][0]) > 20 < len(told[0][1])


def draw_visit(chance, entries, codes):
    via, own_code = chance.choice(codes), chance.choice(codes)
    visitor = b"visitor%d" % chance.randrange(60)
    visit = Visit(chance.choice(entries), visitor, via, own_code, chance.choice(["", "wa"]))
    nonce = chance.choice([None, chance.randbytes(12)])
    return visit, nonce, NOW, secrets.token_bytes


def test_a_nonce_counts_one_visitor_once_in_a_group_too(app):
    entry = make_entry()
    people = [(b"a", b"1"), (b"a", b"1"), (b"b", b"1"), (b"c", b"2"), (b"c", None)]
    calls = [(Visit(entry.id, who), nonce, NOW, secrets.token_bytes) for who, nonce in people]
    first, again, refused, third, back = together(calls)
    assert isinstance(refused, NonceUsed)
    assert first.code == again.code and third.code == back.code != first.code
    assert (count(Arrival), count(UsedNonce), count(ArrivalInbox)) == (2, 2, 3)


def test_what_is_not_counted_is_a_number_a_day_and_reason(app):
    entry = make_entry()
    for _ in range(3):
        record_not_counted(entry.id, Reason.ROBOT, NOW)
    record_not_counted(entry.id, Reason.TOO_QUICK, NOW)
    db.session.rollback()
    rows = db.session.execute(
        select(NotCounted.reason, NotCounted.visits_count).order_by(NotCounted.reason)
    ).all()
    assert [tuple(row) for row in rows] == [("robot", 3), ("too_quick", 1)]
    record_not_counted(entry.id, Reason.PREVIEW, NOW + timedelta(days=1))
    record_not_counted(make_entry().id, Reason.PREVIEW, NOW)
    db.session.rollback()
    today, tomorrow = NOW.date(), (NOW + timedelta(days=1)).date()
    assert list_not_counted(entry.id) == [
        NotCountedDay(tomorrow, "preview", 1),
        NotCountedDay(today, "robot", 3),
        NotCountedDay(today, "too_quick", 1),
    ]


def test_salts_change_by_the_day_and_go_after_two(app):
    salts = {get_salt(NOW + timedelta(days=day), secrets.token_bytes) for day in range(4)}
    assert len(salts) == count(VisitorSalt) == 4
    forget_old(NOW + timedelta(days=3))
    assert count(VisitorSalt) == 2
