"""Five votes a person, twenty posts at once: exactly five, on both databases; also while votes are taken back."""

import http.client
import secrets
import threading
import urllib.parse
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from quilt.database import db
from quilt.votes.models import Vote
from quilt.votes.withdrawing import withdraw_vote
from quilt.web.tickets import issue_ticket
from tests.conftest import empty_tables
from tests.factories import make_contest, make_entry, make_users
from tests.faults import naive_server
from tests.live import Site, open_site, sign_cookies

VOTERS, POSTS, LIMIT = 4, 20, 5


def set_up(site: Site) -> tuple[list[int], list[int]]:
    """A contest of five votes a person with twenty entries, and its voters."""
    moment = datetime.now(UTC)
    with site.app.app_context():
        empty_tables()
        contest = make_contest(
            opens=moment - timedelta(days=1), closes=moment + timedelta(days=1), limit_count=LIMIT,
            revocable_until=moment + timedelta(hours=1),
        )  # fmt: skip
        entries = [make_entry(contest).id for _ in range(POSTS)]
        voters = make_users(VOTERS)
        db.session.rollback()
    return entries, voters


def post_all_at_once(site: Site, entries: list[int], voters: list[int]) -> Counter[int]:
    """Every voter votes for every entry in the same moment; how often each status came back."""
    statuses: Counter[int] = Counter()
    gate = threading.Barrier(len(entries) * len(voters))
    cookies = sign_cookies(site.app, voters)
    threads = [
        threading.Thread(target=post, args=(site, entry, voter, cookies[voter], gate, statuses))
        for entry in entries
        for voter in voters
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def post(
    site: Site, entry: int, voter: int, cookie: str, gate: threading.Barrier, statuses: Counter[int]
) -> None:
    secret = site.settings.secret_key
    ticket = issue_ticket(entry, str(voter), secret, datetime.now(UTC), secrets.token_bytes)
    headers = {
        "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json", "User-Agent": f"Firefox/{voter}",
    }  # fmt: skip
    gate.wait()
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.request(
            "POST", f"/entries/{entry}/vote", urllib.parse.urlencode({"ticket": ticket}), headers
        )
        with connection.getresponse() as response:
            response.read()
            statuses[response.status] += 1


def count_standing(site: Site) -> list[int]:
    """How many votes of each voter stand."""
    with site.app.app_context():
        rows = db.session.execute(select(Vote.voter_id, Vote.slot).where(Vote.state == "recorded")).all()
        assert all(slot is not None and 0 <= slot < LIMIT for _, slot in rows)
        return sorted(Counter(voter for voter, _ in rows).values())


@pytest.fixture
def private_url(database, request):
    """The database under test; a fresh one for SQLite, the emptied one for PostgreSQL."""
    return "" if database.startswith("sqlite") else database


def test_twenty_posts_with_a_limit_of_five_are_five_votes(private_url, tmp_path):
    with open_site(tmp_path / "site", private_url) as site:
        entries, voters = set_up(site)
        statuses = post_all_at_once(site, entries, voters)
        assert statuses == {201: VOTERS * LIMIT, 409: VOTERS * (POSTS - LIMIT)}
        print(f"{POSTS} posts at once, {LIMIT} allowed: {count_standing(site)} of each voter")
        assert count_standing(site) == [LIMIT] * VOTERS
        take_back_while_voting(site, entries, voters)
        assert count_standing(site) == [LIMIT] * VOTERS
        with site.app.app_context():
            empty_tables()


def take_back_while_voting(site: Site, entries: list[int], voters: list[int]) -> None:
    """Two votes of each voter are taken back while all others are tried again; then once more."""

    def withdraw(voter: int) -> None:
        with site.app.app_context():
            receipts = db.session.scalars(
                text(
                    "SELECT vote.receipt FROM vote JOIN voter ON voter.id = vote.voter_id "
                    "WHERE voter.user_id = :u AND vote.state = 'recorded' ORDER BY vote.id LIMIT 2"
                ),
                {"u": voter},
            ).all()
            db.session.rollback()
            for receipt in receipts:
                withdraw_vote(receipt, voter)

    helpers = [threading.Thread(target=withdraw, args=(voter,)) for voter in voters]
    for helper in helpers:
        helper.start()
    post_all_at_once(site, entries, voters)
    for helper in helpers:
        helper.join()
    assert all(count <= LIMIT for count in count_standing(site))
    post_all_at_once(site, entries, voters)


def test_the_same_posts_catch_a_limit_that_is_counted_first(private_url, tmp_path):
    extra = {"NAIVE_LIMIT": str(LIMIT)}
    with open_site(tmp_path / "site", private_url, flaw="tests.faults.naive_server", extra=extra) as site:
        entries, voters = set_up(site)
        with site.app.app_context(), db.engine.begin() as connection:
            connection.execute(text(naive_server.TABLE))
        post_all_at_once(site, entries, voters)
        with site.app.app_context():
            with db.engine.begin() as connection:
                rows = connection.execute(text("SELECT count(*) FROM naive_vote")).scalar()
                connection.execute(text("DROP TABLE naive_vote"))
            empty_tables()
    print(f"a limit that is counted first: {rows} rows, {VOTERS * LIMIT} allowed")
    assert rows > VOTERS * LIMIT
