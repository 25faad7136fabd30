"""SQLite under two hundred people who press in the same moment, again and again: nobody is refused, nobody waits long.

`make faults` asks for a second at the most.
"""

import http.client
import os
import secrets
import threading
import time
import urllib.parse
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from quilt.database import db
from quilt.web.tickets import issue_ticket
from tests.factories import make_contest, make_entry
from tests.faults.vote_storm import add_people
from tests.live import Site, open_site, sign_cookies

WRITERS, VOTES_EACH = 200, 10
MOST_WAIT = (
    1.0 if "FAULT_VOTES" in os.environ else 5.0
)  # seconds, for 99 of 100; the suite shares its machine


def press(
    site: Site,
    entries: list[int],
    voter: int,
    cookie: str,
    gate: threading.Barrier,
    told: list[tuple[int, float]],
) -> None:
    """One person on one connection votes for one entry after the other."""
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.connect()
        gate.wait()
        for entry in entries:
            secret = site.settings.secret_key
            ticket = issue_ticket(entry, str(voter), secret, datetime.now(UTC), secrets.token_bytes)
            headers = {
                "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json", "User-Agent": f"Firefox/{voter}",
            }  # fmt: skip
            began = time.monotonic()
            body = urllib.parse.urlencode({"ticket": ticket})
            connection.request("POST", f"/entries/{entry}/vote", body, headers)
            with connection.getresponse() as response:
                response.read()
                told.append((response.status, time.monotonic() - began))


def test_two_thousand_votes_of_two_hundred_people_at_once_on_sqlite(tmp_path, capsys):
    with open_site(tmp_path / "site", workers=4) as site:
        moment = datetime.now(UTC)
        with site.app.app_context():
            contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
            entries = [make_entry(contest).id for _ in range(VOTES_EACH)]
            voters = add_people("crowd", WRITERS, moment)
            db.session.remove()
        cookies = sign_cookies(site.app, voters)
        gate, told = threading.Barrier(WRITERS), []
        threads = [
            threading.Thread(target=press, args=(site, entries, voter, cookies[voter], gate, told))
            for voter in voters
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with site.app.app_context():
            stored = db.session.execute(text("SELECT count(*), count(DISTINCT receipt) FROM vote")).one()
            db.session.remove()
    waits = sorted(seconds for _, seconds in told)
    p99 = waits[len(waits) * 99 // 100]
    statuses = Counter(status for status, _ in told)
    with capsys.disabled():
        print(
            f"\nSQLite, {WRITERS} at once: {dict(statuses)}, p50 {waits[len(waits) // 2]:.2f} s, p99 {p99:.2f} s"
        )
    assert statuses == {201: WRITERS * VOTES_EACH} and tuple(stored) == (WRITERS * VOTES_EACH,) * 2
    assert p99 < MOST_WAIT
