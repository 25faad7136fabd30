"""Tokens: what is one's own, the desk's queue, and votes that count once."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Update, func, select, update

from quilt.accounts.api_tokens import end_token, find_bearer, list_tokens
from quilt.accounts.models import User
from quilt.app import create_app
from quilt.config import Settings
from quilt.contests.models import Contest, Phase
from quilt.database import db, transaction
from quilt.entries.models import Entry
from quilt.extensions import limiter
from quilt.votes.models import Vote
from quilt.web.api.shapes import PROBLEM
from quilt.web.api.table import OPERATIONS
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user
from tests.web.api.seeds import Seed, bearer, make_token
from tests.web.api.shape_check import find_misfits

KEY = {"Idempotency-Key": "one"}
JSON = "application/json"


@pytest.mark.parametrize("name", ["show_me", "list_my_entries", "list_my_votes", "list_queue"])
def test_own_things_have_the_promised_shape(client: FlaskClient, seed: Seed, name: str) -> None:
    vote(client, seed)
    make_entry(seed.contest, seed.voter, state="draft")
    path = f"/api/v1{OPERATIONS[name].path}"
    token = seed.staff_token if name == "list_queue" else seed.token
    answer = client.get(path, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    assert find_misfits(answer.json, OPERATIONS[name].answer) == []
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.json.get("items", [1])
    assert client.get(path).status_code == 401


def test_a_token_is_kept_as_a_hash_and_ends(client: FlaskClient, seed: Seed) -> None:
    row = list_tokens(seed.voter.id)[0]
    assert seed.token not in (row.token_hash, row.hint)
    assert client.get("/api/v1/me", headers=bearer(seed.token)).status_code == 200
    assert list_tokens(seed.voter.id)[0].used_at is not None
    assert not end_token(make_user().id, row.id)
    assert end_token(seed.voter.id, row.id)
    assert client.get("/api/v1/me", headers=bearer(seed.token)).json["code"] == "token_refused"


def test_a_token_dies_with_its_time_and_with_the_sessions(client: FlaskClient, seed: Seed) -> None:
    assert find_bearer(seed.token, now() + timedelta(days=8)) is None
    with transaction() as session:
        session.execute(update(User).where(User.id == seed.voter.id).values(session_epoch=1))
    assert client.get("/api/v1/me", headers=bearer(seed.token)).status_code == 401


def test_a_token_does_only_what_it_may(client: FlaskClient, seed: Seed) -> None:
    reader = make_token(seed.voter, ["me:read"])
    assert vote(client, seed, token=reader).json["code"] == "scope_missing"
    assert client.get("/api/v1/moderation/queue", headers=bearer(seed.token)).status_code == 403
    with transaction() as session:
        session.execute(update(User).values(role="member"))
    assert client.get("/api/v1/moderation/queue", headers=bearer(seed.staff_token)).status_code == 403


@pytest.fixture
def limited(app: Flask, settings: Settings) -> Iterator[Flask]:
    """A second application on the same database, with its limits on."""
    application = create_app(replace(settings, are_limits_on=True))
    yield application
    limiter.reset()
    limiter.enabled = settings.are_limits_on  # one limiter serves every application of a process
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


def test_what_is_refused_is_counted_as_well(limited: Flask, seed: Seed) -> None:
    client, path = limited.test_client(), f"/api/v1/entries/{seed.entry.id}/votes"
    reader = bearer(make_token(seed.voter, ["me:read"]))
    for headers, status in (({}, 401), (bearer("guessed"), 401), (reader, 403)):
        limiter.reset()
        if time.time() % 60 > 50:
            time.sleep(11)  # the limit counts by minutes
        answers = [client.post(path, json={}, headers={**KEY, **headers}) for _ in range(61)]
        assert [answer.status_code for answer in answers] == [status] * 60 + [429]
        assert [answers[count].headers["RateLimit-Remaining"] for count in (0, 59)] == ["59", "0"]
    assert client.get("/api/v1/me", headers=bearer(seed.token)).status_code == 200


def test_a_vote_counts_once(client: FlaskClient, seed: Seed) -> None:
    first = vote(client, seed)
    assert first.status_code == 201, first.text
    assert find_misfits(first.json, OPERATIONS["cast_vote"].answer) == []
    again = vote(client, seed)
    other_key = vote(client, seed, key="two")
    assert (again.status_code, other_key.status_code) == (200, 200)
    for name in ("receipt", "link"):
        assert {answer.json[name] for answer in (first, again, other_key)} == {first.json[name]}
    assert client.get(first.json["link"]).status_code == 200
    assert db.session.scalar(select(func.count()).select_from(Vote)) == 1
    reused = vote(client, seed, entry_id=make_entry(seed.contest).id)
    assert (reused.status_code, reused.json["code"]) == (422, "key_reused")


@pytest.mark.parametrize(
    "change",
    [
        update(Phase).values(ends_at=now() - timedelta(minutes=1)),
        update(Phase).values(paused_at=now() - timedelta(minutes=1), pause_reason="A look."),
        update(Entry).values(state="withdrawn"),
    ],
)
def test_D20_the_same_key_is_answered_the_same_whatever_happened_since(
    client: FlaskClient, seed: Seed, change: Update
) -> None:
    first = vote(client, seed)
    with transaction() as session:
        session.execute(change)
        session.execute(update(Contest).values(version=Contest.version + 1))  # as every change of it does
    again = vote(client, seed)
    assert (again.status_code, again.json["receipt"]) == (200, first.json["receipt"])
    assert vote(client, seed, key="two").status_code in (404, 409)


ODD_BODIES = (
    ("{}", "text/plain", 415, "wrong_type"),
    ("{", JSON, 400, "unreadable"),
    ("[]", JSON, 400, "unreadable"),
    ("null", JSON, 400, "unreadable"),
    ('"x"', JSON, 400, "unreadable"),
    ("NaN", JSON, 400, "unreadable"),
    ("[" * 10_000, JSON, 400, "unreadable"),
    ("[" * 100_000, JSON, 413, "too_large"),
    (" " * 10_000_000, JSON, 413, "too_large"),
    ('{"via":"a","via":"b"}', JSON, 400, "unreadable"),
    ('{"entry":1,"entry":2}', JSON, 400, "unreadable"),
    ('{"entry":NaN}', JSON, 400, "unreadable"),
    ('{"votes":9}', JSON, 422, "unknown_field"),
    ('{"via":7}', JSON, 422, "bad_field"),
    *(
        (f'{{"entry":{value}}}', JSON, 422, "unknown_field")
        for value in (
            '"1"', "1.0", "true", "-1", "0", str(2**63), "1e309", '["1"]', '{"$ne":1}', '"1 OR 1=1"',
            "\"';select pg_sleep(5)--\"",
        )
    ),
)  # fmt: skip


def test_D03_D04_D05_D06_odd_bodies(client: FlaskClient, seed: Seed) -> None:
    """The entry stands in the address: as a field it is one that we do not know, whatever its value."""
    path, headers = f"/api/v1/entries/{seed.entry.id}/votes", {**bearer(seed.token), **KEY}
    for body, kind, status, code in ODD_BODIES:
        answer = client.post(path, data=body, content_type=kind, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (status, code), body[:40]
    assert db.session.scalar(select(func.count()).select_from(Vote)) == 0


def test_D10_a_vote_before_voting_opens(client: FlaskClient, seed: Seed) -> None:
    opens = now() + timedelta(hours=1)
    entry = make_entry(make_contest(opens=opens, closes=opens + timedelta(days=1)))
    refused = vote(client, seed, entry_id=entry.id)
    assert (refused.status_code, refused.json["code"]) == (409, "voting_not_open")
    assert find_misfits(refused.json, PROBLEM) == []
    assert datetime.fromisoformat(refused.json["opens_at"]) == opens


def test_D19_a_vote_needs_a_key(client: FlaskClient, seed: Seed) -> None:
    path, headers = f"/api/v1/entries/{seed.entry.id}/votes", bearer(seed.token)
    assert client.post(path, json={}, headers=headers).json["code"] == "key_missing"
    headers["Idempotency-Key"] = "k" * 256
    assert client.post(path, json={}, headers=headers).status_code == 400


def vote(client: FlaskClient, seed: Seed, token: str = "", key: str = "one", entry_id: int = 0):  # type: ignore[no-untyped-def]
    path = f"/api/v1/entries/{entry_id or seed.entry.id}/votes"
    headers = {**bearer(token or seed.token), "Idempotency-Key": key}
    return client.post(path, json={}, headers=headers)
