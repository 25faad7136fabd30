import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from quilt.arrivals.models import Arrival, ArrivalInbox, NotCounted, UsedNonce, VisitorSalt
from quilt.arrivals.nodes import Visit
from quilt.arrivals.queries import NotCountedDay, list_not_counted
from quilt.arrivals.service import NonceUsed, forget_old, get_salt, record_arrival, record_not_counted
from quilt.database import db
from quilt.spread.counting import NotCounted as Reason
from tests.conftest import NOW
from tests.factories import make_entry


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
