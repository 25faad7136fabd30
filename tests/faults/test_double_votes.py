"""50 voters press the button 20 times at once: 50 votes, a counter of 50, on both databases."""

import http.client
import secrets
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from quilt.database import db
from quilt.web.tickets import issue_ticket
from tests.conftest import empty_tables
from tests.factories import make_contest, make_entry, make_users
from tests.faults import naive_server
from tests.live import Site, open_site, sign_cookies

VOTERS, POSTS = 50, 20


def press_all_at_once(
    site: Site, prepare: Callable[[int], None] = lambda entry_id: None
) -> tuple[int, Counter[int]]:
    """Every voter's posts start together; returns the entry and how often each status came back."""
    moment = datetime.now(UTC)
    with site.app.app_context():
        empty_tables()
        contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entry_id = make_entry(contest).id
        voters = make_users(VOTERS)
        db.session.rollback()
        prepare(entry_id)
    cookies = sign_cookies(site.app, voters)
    statuses: Counter[int] = Counter()
    for first in range(0, VOTERS, 10):
        gate = threading.Barrier(10 * POSTS)
        presses = [
            threading.Thread(target=press, args=(site, entry_id, voter, cookies[voter], gate, statuses))
            for voter in voters[first : first + 10]
            for _ in range(POSTS)
        ]
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join()
    return entry_id, statuses


def press(
    site: Site, entry_id: int, voter: int, cookie: str, gate: threading.Barrier, statuses: Counter[int]
) -> None:
    secret = site.settings.secret_key
    ticket = issue_ticket(entry_id, str(voter), secret, datetime.now(UTC), secrets.token_bytes)
    headers = {
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": f"Mozilla/5.0 (X11; Linux) Firefox/{voter}",
    }
    gate.wait()
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        body = urllib.parse.urlencode({"ticket": ticket})
        connection.request("POST", f"/entries/{entry_id}/vote", body, headers)
        with connection.getresponse() as response:
            response.read()
            statuses[response.status] += 1


@pytest.fixture
def private_url(database, request):
    """The database under test; a fresh one for SQLite, the emptied one for PostgreSQL."""
    return "" if database.startswith("sqlite") else database


def test_D15_fifty_voters_pressing_twenty_times_are_fifty_votes(private_url, tmp_path):
    with open_site(tmp_path / "site", private_url) as site:
        entry_id, statuses = press_all_at_once(site)
        with site.app.app_context():
            rows = db.session.execute(text("SELECT count(*), count(DISTINCT voter_id) FROM vote")).one()
            counter = db.session.execute(
                text("SELECT standing FROM entry_tally WHERE entry_id = :e"), {"e": entry_id}
            )
            told = (*rows, counter.scalar())
            print(
                f"{VOTERS} voters, {POSTS} presses each: {told[0]} rows of {told[1]} voters, counter {told[2]}"
            )
            assert told == (VOTERS, VOTERS, VOTERS)
            empty_tables()
    assert statuses == {201: VOTERS, 200: VOTERS * (POSTS - 1)}


def test_the_same_press_catches_a_vote_that_looks_first_and_inserts_afterwards(private_url, tmp_path):
    with open_site(tmp_path / "site", private_url, flaw="tests.faults.naive_server") as site:
        entry_id, _ = press_all_at_once(site, make_naive_tables)
        with site.app.app_context(), db.engine.begin() as connection:
            rows = connection.execute(text("SELECT count(*) FROM naive_vote")).scalar()
            counter = connection.execute(
                text("SELECT counted FROM naive_tally WHERE entry = :e"), {"e": entry_id}
            ).scalar()
            connection.execute(text("DROP TABLE naive_vote"))
            connection.execute(text("DROP TABLE naive_tally"))
        with site.app.app_context():
            empty_tables()
    print(f"the naive version: {rows} rows of {VOTERS} voters, counter {counter}")
    assert rows > VOTERS and counter != rows


def make_naive_tables(entry_id):
    with db.engine.begin() as connection:
        connection.execute(text(naive_server.TABLE))
        connection.execute(text(naive_server.COUNTER))
        connection.execute(text("INSERT INTO naive_tally VALUES (:e, 0)"), {"e": entry_id})
