"""Batches are killed at any instant: no vote and no decision is lost or doubled, and the files agree.

FAULT_SECONDS says how long it goes on (`make faults`: a minute a test).
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from quilt.audit.ledger import check_ledgers
from quilt.config import ROOT
from quilt.database import db
from quilt.votes.ledger_models import LedgerLeaf
from quilt.votes.models import DecisionInbox, Vote
from tests.factories import make_contest, make_entry
from tests.faults.ledger_storm import SECRET, VOTERS
from tests.live import make_environment
from tests.votes.ledgers import publish, run_batch, start_ledger, verify

SECONDS = float(os.environ.get("FAULT_SECONDS", "3"))
LEAST = 40  # votes of each voter, also where the machine is busy


def storm(settings, contest_id, entry_id):
    command = [sys.executable, "-m", "tests.faults.ledger_storm", "--contest", str(contest_id)]
    command += ["--entry", str(entry_id), "--seconds", str(SECONDS), "--least", str(LEAST)]
    environment = make_environment(replace(settings, environment="development"))
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 180, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["voters"] == VOTERS and len(told["receipts"]) >= VOTERS * LEAST, (told, done.stderr)
    assert told["kills"] > 1, told
    return told


def test_nothing_is_lost_or_doubled_by_batches_that_are_killed(app, settings, tmp_path, capsys):
    now = datetime.now(UTC)
    contest = make_contest(opens=now - timedelta(days=1), closes=now + timedelta(days=1))
    start_ledger(settings, contest, now)
    entry_id, contest_id = make_entry(contest).id, contest.id
    db.session.rollback()
    told = storm(settings, contest_id, entry_id)
    left = run_batch(settings, contest, at=datetime.now(UTC))
    receipts = set(db.session.scalars(select(Vote.receipt)))
    assert receipts == set(told["receipts"]) and len(receipts) == len(told["receipts"])
    assert db.session.scalar(select(func.count(LedgerLeaf.vote_id))) == len(receipts)
    assert db.session.scalar(select(func.count()).select_from(DecisionInbox)) == 0
    own = replace(settings, secret_key=SECRET)
    with db.engine.connect() as connection:
        checks = check_ledgers(connection, own, datetime.now(UTC))
    assert [words for check in checks for words in check.differences] == []
    code, words = verify(publish(settings, contest, tmp_path))
    assert code == 0, words
    assert f"{len(receipts)} votes" in words
    with capsys.disabled():
        print(
            f"\n{db.engine.dialect.name}: {len(receipts):,} votes by {VOTERS} processes, {told['batches']:,} batches"
            f" by 2, killed {told['kills']} times; {left.votes} votes and {left.decisions} decisions waited"
        )
