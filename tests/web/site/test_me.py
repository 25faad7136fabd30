"""A person's own page: rows A11 to A13 of docs/bad_inputs.md, and what it shows."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from quilt.accounts.models import User
from quilt.accounts.service import create_user
from quilt.database import db
from quilt.entries.models import Entry
from quilt.votes.models import Vote, Voter
from quilt.web import clock
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save
from tests.sessions import start_sessions

PASSWORD = "forty needles"


@pytest.fixture
def ana(app: Flask) -> User:
    return create_user("ana@example.org", now=NOW, name="Ana", password=PASSWORD)


def sign_in(client: FlaskClient, user: User, minutes_since_proof: int | None = None) -> None:
    with client.session_transaction() as session:
        session.update(start_sessions([user.id])[user.id])
        if minutes_since_proof is not None:
            proved_at = clock.now() - timedelta(minutes=minutes_since_proof)
            session["proved_at"] = int(proved_at.timestamp())


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/me").text)[1]
    return client.post(path, data={"csrf_token": token, **fields})


def reread(user: User) -> User:
    return db.session.get(User, user.id, populate_existing=True)


def test_strangers_sign_in_first(client: FlaskClient) -> None:
    assert client.get("/me").location == "/sign-in?next=/me"


def test_an_empty_page_invites(client: FlaskClient) -> None:
    sign_in(client, make_user(name=""))
    page = client.get("/me")
    assert page.status_code == 200 and "Your page" in page.text and "No patch of yours yet" in page.text
    assert "no-store" in page.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("state", "badge", "step", "link"),
    [
        ("draft", "Draft", "Go on", "/submit/"),
        ("submitted", "Waiting for review", "See what you sent", "/submit/"),
        ("needs_changes", "Changes asked for", "Change it", "/submit/"),
        ("published", "In the quilt", "Open it", "/entries/"),
        ("rejected", "Not accepted", "Read the reason", "/submit/"),
        ("removed", "Removed", "Read the reason", "/submit/"),
        ("disqualified", "Out of the running", "Read the reason", "/submit/"),
    ],
)
def test_my_entry_shows_its_state_and_the_next_step(
    client: FlaskClient, ana: User, state: str, badge: str, step: str, link: str
) -> None:
    entry = make_entry(entrant=ana, state=state, title="The library bus")
    make_entry(title="Somebody else's")
    sign_in(client, ana)
    page = client.get("/me").text
    assert "The library bus" in page and badge in page and step in page and f'href="{link}{entry.id}' in page
    assert "Somebody else" not in page


def test_my_votes_stand_with_their_receipts(client: FlaskClient, ana: User) -> None:
    contest = make_contest()
    entry = make_entry(contest, title="The library bus")
    voter = save(Voter(contest_id=contest.id, user_id=ana.id, key=b"k" * 32, created_at=NOW))
    save(
        Vote(
            contest_id=contest.id, voter_id=voter.id, entry_id=entry.id, period="", receipt="c0ffee" * 4,
            cast_at=NOW,
        )
    )  # fmt: skip
    sign_in(client, ana)
    page = client.get("/me").text
    assert "c0ffee" * 4 in page and "10 May 2026, 08:00 (New York)" in page and "Recorded" in page
    other = client.application.test_client()
    sign_in(other, make_user())
    assert "c0ffee" not in other.get("/me").text


def test_as_many_queries_for_three_as_for_one(client: FlaskClient, ana: User, count_queries) -> None:
    sign_in(client, ana)
    counts = []
    for _ in range(2):
        make_entry(entrant=ana)
        with count_queries() as queries:
            assert client.get("/me").status_code == 200
        counts.append(len(queries))
        make_entry(entrant=ana)
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("x" * 10_000, "Use at most 60 characters.", id="A11"),
        pytest.param("a" + "\u0301" * 300, "Use at most 60 characters.", id="A11-marks"),
        pytest.param("Ana\u202egnp", "Remove the hidden direction characters.", id="A13"),
    ],
)
def test_a_name_that_will_not_do(client: FlaskClient, ana: User, typed: str, words: str) -> None:
    sign_in(client, ana)
    answer = send(client, "/me/name", name=typed)
    assert answer.status_code == 422 and words in answer.text and len(answer.data) <= 64 * 1024
    assert reread(ana).name == "Ana"


def test_a_name_is_text_everywhere(client: FlaskClient, ana: User) -> None:  # A12
    sign_in(client, ana)
    name = "<img src=x onerror=alert(1)>"
    assert send(client, "/me/name", name=name).location == "/me"
    assert reread(ana).name == name
    assert name not in client.get("/me").text and "&lt;img src=x" in client.get("/me").text


def test_a_new_name_makes_the_kept_pages_new(client: FlaskClient, ana: User) -> None:
    mine, other = make_entry(entrant=ana), make_entry()
    sign_in(client, ana)
    send(client, "/me/name", name="Ana López")
    versions = dict(db.session.execute(select(Entry.id, Entry.version)).all())
    assert versions == {mine.id: 2, other.id: 1}


@pytest.mark.parametrize("path", ["/me/name", "/me/choices"])
def test_changes_need_a_session_and_our_own_form(client: FlaskClient, ana: User, path: str) -> None:
    assert client.post(path).status_code == 403
    sign_in(client, ana)
    assert client.post(path, data={"name": "Eve"}).status_code == 403
    assert client.get(path).status_code == 405
    assert reread(ana).get_id() == ana.get_id() and reread(ana).name == "Ana"
