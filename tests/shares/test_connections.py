"""Accounts are connected by their owner's yes, their tokens are sealed, renewed, given back and erased."""

import dataclasses
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.accounts.proofs import Interrupted, PermissionDenied, ProviderSilent, ServerUnknown
from quilt.database import db
from quilt.jobs.queue import Job
from quilt.shares.connections import (
    AccountTaken,
    disconnect,
    finish_connecting,
    list_connections,
    open_errand,
    rotate_keys,
    start_connecting,
)
from quilt.shares.connectors.base import Busy, KeyRefused
from quilt.shares.connectors.table import CONNECTORS, find_connector, list_missing, list_on
from quilt.shares.models_posting import ConnectFlow, Connection
from quilt.shares.revoking import Fate
from quilt.shares.sealing import CannotOpen, new_key, unseal
from quilt.shares.tasks import end_connections
from tests.conftest import NOW
from tests.factories import make_contest, make_user
from tests.shares.conftest import NETWORKS, connect, visit

HANDLES = {"x": "@ana", "linkedin": "Ana", "reddit": "ana", "threads": "@ana"}


def start(name, settings, played, user, contest):
    return start_connecting(
        find_connector(name, settings), user_id=user.id, contest_id=contest.id, next_path="/entries/7/share",
        settings=settings, now=NOW, where=played.address if name == "mastodon" else "", entropy=secrets.token_bytes,
    )  # fmt: skip


def finish(name, settings, user, arguments, now=NOW):
    return finish_connecting(
        find_connector(name, settings), arguments, user_id=user.id, settings=settings, now=now
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_there_and_back_and_given_back(app, posting, played, name):
    user, contest = make_user(), make_contest()
    assert (
        finish(name, posting, user, visit(start(name, posting, played, user, contest))) == "/entries/7/share"
    )
    (made,) = list_connections(user.id, posting)
    host = played.address.removeprefix("http://")
    assert (made.name, made.handle) == (name, HANDLES.get(name, f"@ana@{host}")) and made.is_usable
    row = db.session.scalars(select(Connection)).one()
    live = next(token for token, it in played.tokens.items() if it["network"] == name)
    assert unseal(row.sealed, posting.token_keys)["access_token"] == live and live not in row.sealed
    assert row.most_characters == (640 if name == "mastodon" else 0)
    assert db.session.scalars(select(ConnectFlow)).all() == []
    db.session.rollback()
    assert disconnect(user.id, made.id, posting, NOW) is (Fate.NO_DOOR if name == "threads" else Fate.TAKEN)
    assert list_connections(user.id, posting) == [] and db.session.scalars(select(Connection)).all() == []
    assert (live in played.revoked) is (name != "threads")
    assert played.complaints == []


def test_every_row_says_what_is_missing(settings):
    assert list_on(settings) == [] and len(CONNECTORS) == 6
    assert list_missing(CONNECTORS["x"], settings) == [
        "QUILT_POST_TO=x", "QUILT_TOKEN_KEYS", "QUILT_X_CLIENT_ID", "QUILT_X_CLIENT_SECRET",
    ]  # fmt: skip
    some = dataclasses.replace(settings, post_to=("mastodon",), token_keys=(new_key(),))
    assert [row.provider.name for row in list_on(some)] == ["mastodon"]
    assert find_connector("x", some) is None and find_connector("nothing", some) is None
    for row in CONNECTORS.values():
        assert row.permissions and row.costs and row.review and row.counting.most >= 280


def test_an_answer_is_good_once_for_its_own_person_within_ten_minutes(app, posting, played):
    user, other, contest = make_user(), make_user(), make_contest()
    arguments = visit(start("x", posting, played, user, contest))
    with pytest.raises(Interrupted):
        finish("x", posting, other, arguments)
    with pytest.raises(Interrupted):
        finish("reddit", posting, user, arguments)
    finish("x", posting, user, arguments)
    with pytest.raises(Interrupted):
        finish("x", posting, user, arguments)
    late = visit(start("x", posting, played, user, contest))
    with pytest.raises(Interrupted) as refusal:
        finish("x", posting, user, late, NOW + timedelta(minutes=11))
    assert refusal.value.next_path == "/entries/7/share"
    assert len(db.session.scalars(select(Connection)).all()) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"error": "access_denied"}, PermissionDenied),
        ({"error": "server_error"}, Interrupted),
        ({"code": ""}, Interrupted),
        ({"code": "made up"}, Interrupted),
        ({"iss": "https://elsewhere.example"}, Interrupted),
    ],
)
def test_an_answer_that_is_not_to_be_believed_connects_nothing(app, posting, played, change, error):
    user, contest = make_user(), make_contest()
    arguments = visit(start("x", posting, played, user, contest)) | change
    with pytest.raises(error):
        finish("x", posting, user, arguments)
    assert list_connections(user.id, posting) == [] and played.tokens == {}


def test_who_does_not_allow_posting_is_told_at_once(app, posting, played):
    played.granted_scope = "tweet.read users.read"
    user, contest = make_user(), make_contest()
    with pytest.raises(Interrupted, match="posting was not allowed"):
        finish("x", posting, user, visit(start("x", posting, played, user, contest)))


def test_an_account_posts_for_one_person(app, posting, played):
    user, _ = connect("x", posting, played)
    other, contest = make_user(), make_contest()
    with pytest.raises(AccountTaken):
        finish("x", posting, other, visit(start("x", posting, played, other, contest)))
    _, again = connect("x", posting, played, user=user)
    assert [it.id for it in list_connections(user.id, posting)] == [again]


def test_what_is_no_server_is_refused_before_anything_is_kept(app, posting):
    user, contest = make_user(), make_contest()
    for where in ("", "not a host", "http://10.0.0.1", "http://127.0.0.1:1"):
        with pytest.raises((ServerUnknown, ProviderSilent)):
            start_connecting(
                find_connector("mastodon", posting), user_id=user.id, contest_id=contest.id, next_path="/",
                where=where, settings=posting, now=NOW, entropy=secrets.token_bytes,
            )  # fmt: skip
    assert db.session.scalars(select(ConnectFlow)).all() == []


@pytest.mark.parametrize("name", ["x", "reddit", "threads"])
def test_tokens_that_end_are_renewed(app, posting, played, name):
    _, connection_id = connect(name, posting, played)
    before = open_errand(connection_id, posting, NOW).tokens["access_token"]
    later = NOW + timedelta(
        days=59 if name == "threads" else 0, hours=23 if name == "threads" else 1, minutes=59
    )
    after = open_errand(connection_id, posting, later).tokens["access_token"]
    assert after != before and after in played.tokens and before not in played.tokens
    assert open_errand(connection_id, posting, later).tokens["access_token"] == after


def test_a_renewal_that_is_refused_drops_the_tokens(app, posting, played):
    user, connection_id = connect("x", posting, played)
    played.refuses_renewal = True
    with pytest.raises(KeyRefused):
        open_errand(connection_id, posting, NOW + timedelta(hours=3))
    db.session.rollback()
    assert db.session.get_one(Connection, connection_id, populate_existing=True).sealed == ""
    assert not list_connections(user.id, posting)[0].is_usable


def test_a_leave_that_cannot_be_renewed_ends(app, posting, played):
    _, connection_id = connect("linkedin", posting, played)
    with pytest.raises(KeyRefused, match="has ended"):
        open_errand(connection_id, posting, NOW + timedelta(hours=3))


def test_two_do_not_renew_at_once(app, posting, played):
    _, connection_id = connect("x", posting, played)
    moment = NOW + timedelta(hours=3)
    row = db.session.get_one(Connection, connection_id)
    ends = row.expires_at
    db.session.expunge(row)
    from quilt.shares.connections import _renew

    tokens = unseal(row.sealed, posting.token_keys)
    open_errand(connection_id, posting, moment)
    assert row.expires_at == ends
    with pytest.raises(Busy):
        _renew(row, find_connector("x", posting), tokens, posting, moment)


def test_keys_can_be_changed(app, posting, played):
    _, connection_id = connect("x", posting, played)
    old, new = posting.token_keys[0], new_key()
    both = dataclasses.replace(posting, token_keys=(new, old))
    assert rotate_keys(both) == (1, 0)
    db.session.rollback()
    sealed = db.session.get_one(Connection, connection_id, populate_existing=True).sealed
    assert unseal(sealed, (new,))["access_token"] in played.tokens
    with pytest.raises(CannotOpen):
        unseal(sealed, (old,))
    assert rotate_keys(dataclasses.replace(posting, token_keys=(new_key(),))) == (0, 1)


def test_connections_end_with_their_contest(app, posting, played):
    running = make_contest(closes=NOW + timedelta(days=5))
    ended = make_contest(closes=NOW + timedelta(days=1))
    user, kept = connect("x", posting, played, contest=running)
    connect("reddit", posting, played, user=user, contest=ended)
    later = NOW + timedelta(days=2)
    end_connections(Job(posting, lambda: later, secrets.token_bytes))
    db.session.rollback()
    assert [it.id for it in list_connections(user.id, posting)] == [kept]
    gone = [token for token, it in played.tokens.items() if it["network"] == "reddit"]
    assert gone and set(gone) <= set(played.revoked)
