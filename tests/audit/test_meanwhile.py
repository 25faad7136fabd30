"""The audit while votes arrive: it compares one moment with itself, on both databases."""

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.nodes import Visit
from quilt.arrivals.timekeeping import refresh_timing
from quilt.audit import run_audit
from quilt.audit.counters import check_tallies
from quilt.audit.moment import one_moment
from quilt.audit.report import count_differences, spell_out
from quilt.database import db
from quilt.votes.ballots import Ballot
from quilt.votes.models import Vote
from quilt.votes.queries import build_policy
from quilt.votes.service import cast_vote
from tests.factories import make_contest, make_entry, make_users
from tests.votes.ledgers import SECRET, run_batch, start_ledger

VOTERS = 400
AUDITS = 5
PAUSE = 0.002  # seconds of each thread between two votes: the audit shall have the machine as well


@pytest.fixture
def crowd(app, settings, tmp_path) -> Iterator[SimpleNamespace]:
    """Two threads that vote, each vote by the link of the one before, and a worker that takes the votes in."""
    own = replace(settings, data=tmp_path, secret_key=SECRET)
    now = datetime.now(UTC)
    contest = make_contest(opens=now - timedelta(days=1), closes=now + timedelta(days=1))
    start_ledger(own, contest, now)
    entry_id, policy = make_entry(contest).id, build_policy(contest)
    voters, codes, is_over = iter(make_users(VOTERS)), [""], threading.Event()
    db.session.rollback()

    def vote() -> None:
        for voter in iter(lambda: next(voters, None), None):
            if is_over.wait(PAUSE):
                return
            visit = Visit(entry_id, secrets.token_bytes(8), via=codes[-1])
            ballot = Ballot(voter, "email", visit)
            cast = cast_vote(ballot, policy, secret=SECRET, now=None, entropy=secrets.token_bytes)
            codes.append(cast.node.code)

    def take_in() -> None:
        while not is_over.wait(PAUSE):
            fold_waiting(datetime.now(UTC))
            refresh_timing(entry_id, datetime.now(UTC))
            run_batch(own, contest, at=datetime.now(UTC))

    def in_context(work) -> None:
        with app.app_context():
            work()

    with ThreadPoolExecutor(3) as pool:
        works = [pool.submit(in_context, work) for work in (vote, vote, take_in)]
        yield SimpleNamespace(settings=own, count=lambda: len(codes) - 1)
        is_over.set()
        for work in works:
            work.result()
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Vote)) == len(codes) - 1


class ManyMoments:
    """In place of the connection of one moment: each statement sees the database as it is by then."""

    def execute(self, statement):
        with one_moment() as connection:
            return connection.execute(statement).all()


def test_votes_that_arrive_meanwhile_are_no_difference(crowd):
    arrived, looked_at = [], []
    while sum(map(bool, arrived)) < AUDITS and len(arrived) < 4 * AUDITS:
        before = crowd.count()
        checks = run_audit(crowd.settings, datetime.now(UTC))
        arrived.append(crowd.count() - before)
        looked_at.append({check.name: check.looked_at for check in checks})
        assert count_differences(checks) == 0, spell_out(checks)
    assert sum(map(bool, arrived)) == AUDITS, arrived
    for name in ("vote counters", "arrivals", "tree heads", "ledger leaves"):
        assert looked_at[-1][name] > looked_at[0][name], name


def test_an_audit_of_two_moments_is_caught(crowd):
    """Without this, no difference would be no proof."""
    until = time.monotonic() + 10
    while not (found := check_tallies(ManyMoments()).differences):
        assert time.monotonic() < until, crowd.count()
    assert "the counter of standing votes says" in found[0]
