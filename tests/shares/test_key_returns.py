"""Keys go back to their networks when a connection ends, whichever way, and whether or not a network answers."""

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from quilt.accounts.leaving import delete_due_accounts
from quilt.accounts.models import User
from quilt.accounts.takeover import take_over
from quilt.database import db, transaction
from quilt.jobs.queue import Job
from quilt.shares.connections import disconnect, rotate_keys
from quilt.shares.key_returns import MOST_TRIES, give_back, list_due
from quilt.shares.models_posting import Connection, KeyReturn
from quilt.shares.revoking import Fate
from quilt.shares.tasks import return_keys
from tests.conftest import NOW
from tests.shares.conftest import connect

LATER = NOW + timedelta(hours=1)


def leave(user, settings):
    with transaction() as session:
        session.execute(update(User).where(User.id == user.id).values(leaving_at=NOW))
    assert delete_due_accounts(settings, NOW) == 1


def come_by_proof(user, _settings):
    with transaction() as session:
        take_over(session, session.get_one(User, user.id))


def work(settings, now):
    return_keys(Job(settings, lambda: now, secrets.token_bytes))


def count_keys():
    db.session.rollback()
    return len(db.session.scalars(select(KeyReturn.id)).all())


@pytest.mark.parametrize("end", [leave, come_by_proof])
def test_who_leaves_or_is_taken_over_has_their_keys_given_back(app, posting, played, end):
    user, _ = connect("x", posting, played)
    connect("mastodon", posting, played, user=user)
    live = set(played.tokens)
    end(user, posting)
    assert db.session.scalars(select(Connection)).all() == [] and count_keys() == 2 and played.revoked == []
    work(posting, NOW)
    assert set(played.revoked) == live and len(live) == 2 and count_keys() == 0


def test_a_network_that_is_down_is_told_when_it_is_back(app, posting, played):
    user, _ = connect("x", posting, played)
    played.is_deaf = True
    leave(user, posting)
    work(posting, NOW)
    assert played.revoked == [] and count_keys() == 1
    assert list_due(NOW + timedelta(minutes=4)) == [] and len(list_due(NOW + timedelta(minutes=5))) == 1
    played.is_deaf = False
    work(posting, NOW + timedelta(minutes=5))
    assert set(played.revoked) == set(played.tokens) and count_keys() == 0


def test_a_network_that_never_answers_keeps_no_key_here(app, posting, played):
    user, _ = connect("reddit", posting, played)
    played.is_deaf = True
    leave(user, posting)
    moment, tries = NOW, 0
    while count_keys():
        tries += 1
        work(posting, moment)
        moment = db.session.scalar(select(KeyReturn.due_at)) or moment
    assert tries == MOST_TRIES and timedelta(days=2) < moment - NOW < timedelta(days=3)
    assert played.revoked == []


def test_a_disconnection_that_was_not_heard_is_repeated(app, posting, played):
    user, connection_id = connect("x", posting, played)
    played.is_deaf = True
    assert disconnect(user.id, connection_id, posting, NOW) is Fate.UNCLEAR
    assert db.session.scalars(select(Connection)).all() == [] and count_keys() == 1
    played.is_deaf = False
    work(posting, LATER)
    assert set(played.revoked) == set(played.tokens) and count_keys() == 0


def test_where_nobody_takes_a_key_back_it_is_erased_at_once(app, posting, played):
    user, _ = connect("threads", posting, played)
    leave(user, posting)
    work(posting, NOW)
    assert count_keys() == 0


def test_one_key_is_in_one_hand(app, posting, played):
    user, _ = connect("x", posting, played)
    leave(user, posting)
    [key_id] = list_due(NOW)
    with transaction() as session:
        session.get_one(KeyReturn, key_id).due_at = LATER
    assert give_back(key_id, posting, NOW) is Fate.UNCLEAR and played.revoked == []
    assert give_back(key_id, posting, LATER) is Fate.TAKEN
    assert give_back(key_id, posting, LATER) is Fate.UNCLEAR, "it is gone"


def test_keys_on_their_way_are_sealed_anew_too(app, posting, played):
    user, _ = connect("x", posting, played)
    leave(user, posting)
    assert rotate_keys(posting) == (1, 0)
