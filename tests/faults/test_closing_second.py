"""Votes around the closing instant, four workers, a host whose clock is wrong: none on the wrong side of the line.

FAULT_VOTES=1000 is the whole form; the suite runs a short one.
"""

import http.client
import json
import os
import secrets
import threading
import time
import urllib.parse
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from quilt.database import db
from quilt.votes.models import EntryTally, Vote
from quilt.web.tickets import issue_ticket
from tests.conftest import empty_tables
from tests.factories import make_contest, make_entry, make_users
from tests.live import Site, open_site, sign_cookies

VOTES = int(os.environ.get("FAULT_VOTES", "120"))
SENDERS = 12
HALF = 0.5  # seconds before and after the line
TICK = 0.002  # SQLite's clock tells thousandths


@dataclass(frozen=True)
class Sent:
    """One vote as its sender saw it: seconds since the epoch, and what came back."""

    sent_at: float
    answered_at: float
    status: int
    words: str


def vote_around_the_line(site: Site) -> tuple[float, list[Sent], dict[int, float]]:
    """Send VOTES votes of as many people within half a second around the close.

    Returns the closing instant, what the senders saw, and when each vote in the database arrived, by voter.
    """
    with site.app.app_context():
        empty_tables()
        voters = make_users(VOTES)
        closes = datetime.now(UTC) + timedelta(seconds=3 + VOTES / 400)
        entry_id = make_entry(make_contest(opens=closes - timedelta(days=1), closes=closes)).id
        db.session.rollback()
        cookies = sign_cookies(site.app, voters)
    line = closes.timestamp()
    posts = [
        (line - HALF + 2 * HALF * number / VOTES, voter, cookies[voter])
        for number, voter in enumerate(voters)
    ]
    seen: list[Sent] = []
    threads = [
        threading.Thread(target=send, args=(site, entry_id, posts[first::SENDERS], seen))
        for first in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with site.app.app_context():
        rows = db.session.execute(select(Vote.id, Vote.cast_at)).all()
        assert (db.session.scalar(select(EntryTally.standing).where(EntryTally.entry_id == entry_id))) == len(
            rows
        )
        empty_tables()
    return line, seen, {row.id: row.cast_at.timestamp() for row in rows}


def send(site: Site, entry_id: int, posts: list[tuple[float, int, str]], seen: list[Sent]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.request("GET", f"/entries/{entry_id}/figures.json")  # each worker wakes up before the line
        with connection.getresponse() as response:
            response.read()
        for due, voter, cookie in posts:
            ticket = issue_ticket(
                entry_id, str(voter), site.settings.secret_key, datetime.now(UTC), secrets.token_bytes
            )
            headers = {
                "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
                "User-Agent": f"Firefox/{voter}",
            }  # fmt: skip
            time.sleep(max(0.0, due - time.time()))
            sent_at = time.time()
            body = urllib.parse.urlencode({"ticket": ticket})
            connection.request("POST", f"/entries/{entry_id}/vote", body, headers)
            with connection.getresponse() as response:
                told = json.loads(response.read())
            seen.append(Sent(sent_at, time.time(), response.status, told.get("detail", "")))


def list_wrong(line: float, seen: list[Sent], arrived: dict[int, float]) -> list[object]:
    """Whatever contradicts the line: by the database's own times, and by what the senders can know."""
    wrong: list[object] = [at for at in arrived.values() if at >= line]
    wrong += [vote for vote in seen if vote.status == 201 and vote.sent_at > line + TICK]
    wrong += [vote for vote in seen if vote.status == 409 and vote.answered_at < line - TICK]
    wrong += [vote for vote in seen if vote.status not in (201, 409)]
    accepted = sum(vote.status == 201 for vote in seen)
    return wrong if accepted == len(arrived) else [*wrong, f"{accepted} acknowledged, {len(arrived)} stored"]


@pytest.fixture
def private_url(database, request):
    """The database under test; a fresh one for SQLite, the emptied one for PostgreSQL."""
    return "" if database.startswith("sqlite") else database


@pytest.mark.parametrize("skew", ["20", "-20"])
def test_D11_D12_D13_no_vote_is_on_the_wrong_side_of_the_line(private_url, tmp_path, skew):
    options = {"workers": 4, "server": "tests.faults.skewed_server", "extra": {"SKEW_SECONDS": skew}}
    with open_site(tmp_path / "site", private_url, **options) as site:
        line, seen, arrived = vote_around_the_line(site)
    accepted = sum(vote.status == 201 for vote in seen)
    print(f"{len(seen)} votes within ±{HALF} s, {accepted} before the line, {len(seen) - accepted} after it")
    assert list_wrong(line, seen, arrived) == []
    assert len(seen) == VOTES and 0 < accepted < VOTES
    refused = [vote.words for vote in seen if vote.status == 409]
    assert all("Voting closed" in words and "This vote arrived at" in words for words in refused)


def test_a_host_that_trusts_its_own_clock_is_found(private_url, tmp_path):
    extra = {"SKEW_SECONDS": "-20", "TRUSTS_HOST": "yes"}
    options = {"workers": 4, "server": "tests.faults.skewed_server", "extra": extra}
    with open_site(tmp_path / "site", private_url, **options) as site:
        line, seen, arrived = vote_around_the_line(site)
    assert len(seen) == VOTES and list_wrong(line, seen, arrived)
