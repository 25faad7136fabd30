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

    The line is drawn when every sender has voted elsewhere by its own connection: no worker is still waking up, and
    nobody is late, however busy the machine is. Returns the closing instant, what the senders saw, and when each vote
    in the database arrived, by voter.
    """
    with site.app.app_context():
        empty_tables()
        voters = make_users(VOTES)
        warm_up = make_open_entry(datetime.now(UTC) + timedelta(hours=1))
        cookies = sign_cookies(site.app, voters)
        seen: list[Sent] = []
        line = Line(site, warm_up, threading.Barrier(SENDERS + 1))
        threads = [
            threading.Thread(target=line.send, args=(voters[first::SENDERS], cookies, first, seen))
            for first in range(SENDERS)
        ]
        for thread in threads:
            thread.start()
        line.everybody.wait(60)
        closes = datetime.now(UTC) + timedelta(seconds=2 * HALF)
        line.at, line.entry_id = closes.timestamp(), make_open_entry(closes)
        db.session.rollback()
        line.everybody.wait(60)
        for thread in threads:
            thread.join()
        rows = db.session.execute(select(Vote.id, Vote.cast_at).where(Vote.entry_id == line.entry_id)).all()
        standing = select(EntryTally.standing).where(EntryTally.entry_id == line.entry_id)
        assert db.session.scalar(standing) == len(rows)
        empty_tables()
    return line.at, seen, {row.id: row.cast_at.timestamp() for row in rows}


def make_open_entry(closes: datetime) -> int:
    """An entry of a contest of its own that one may vote for until then."""
    entry_id: int = make_entry(make_contest(opens=closes - timedelta(days=1), closes=closes)).id
    return entry_id


@dataclass
class Line:
    """The closing instant of an entry, which is known to its senders once they have met."""

    site: Site
    warm_up: int
    everybody: threading.Barrier
    entry_id: int = 0
    at: float = 0.0

    def send(self, voters: list[int], cookies: dict[int, str], first: int, seen: list[Sent]) -> None:
        """Be the sender number `first`, whose people vote in their turn."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)) as connection:
            warm = self._vote(connection, self.warm_up, voters[0], cookies)
            assert warm.status == 201, warm
            self.everybody.wait(60)
            self.everybody.wait(60)
            for turn, voter in enumerate(voters):
                number = first + turn * SENDERS
                due = self.at - HALF + 2 * HALF * number / VOTES
                seen.append(self._vote(connection, self.entry_id, voter, cookies, due))

    def _vote(
        self,
        connection: http.client.HTTPConnection,
        entry_id: int,
        voter: int,
        cookies: dict[int, str],
        due: float = 0.0,
    ) -> Sent:
        secret = self.site.settings.secret_key
        ticket = issue_ticket(entry_id, str(voter), secret, datetime.now(UTC), secrets.token_bytes)
        headers = {
            "Cookie": cookies[voter], "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
            "User-Agent": f"Firefox/{voter}",
        }  # fmt: skip
        body = urllib.parse.urlencode({"ticket": ticket})
        time.sleep(max(0.0, due - time.time()))
        sent_at = time.time()
        connection.request("POST", f"/entries/{entry_id}/vote", body, headers)
        with connection.getresponse() as response:
            told = json.loads(response.read())
        return Sent(sent_at, time.time(), response.status, told.get("detail", ""))


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
    options = {"workers": 4, "flaw": "tests.faults.skewed_server", "extra": {"SKEW_SECONDS": skew}}
    with open_site(tmp_path / "site", private_url, **options) as site:
        line, seen, arrived = vote_around_the_line(site)
    accepted = sum(vote.status == 201 for vote in seen)
    print(f"{len(seen)} votes within ±{HALF} s, {accepted} before the line, {len(seen) - accepted} after it")
    assert list_wrong(line, seen, arrived) == []
    assert len(seen) == VOTES and 5 <= accepted <= VOTES - 5
    refused = [vote.words for vote in seen if vote.status == 409]
    assert all("Voting closed" in words and "This vote arrived at" in words for words in refused)


def test_a_host_that_trusts_its_own_clock_is_found(private_url, tmp_path):
    extra = {"SKEW_SECONDS": "-20", "TRUSTS_HOST": "yes"}
    options = {"workers": 4, "flaw": "tests.faults.skewed_server", "extra": extra}
    with open_site(tmp_path / "site", private_url, **options) as site:
        line, seen, arrived = vote_around_the_line(site)
    assert len(seen) == VOTES and list_wrong(line, seen, arrived)
