"""The fold is killed at any instant: no visit is lost, none is counted twice, on both databases.

FAULT_SECONDS says how long it goes on (`make faults`: a minute a test).
"""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.models import Arrival, ArrivalInbox, ArrivalStat, EntrySpread
from quilt.arrivals.queries import get_measures
from quilt.audit.trees import check_arrivals, check_spreads
from quilt.config import ROOT
from quilt.database import db, write
from tests.conftest import NOW
from tests.factories import make_entry
from tests.faults.fold_storm import WRITERS, fold_by_watermark
from tests.live import make_environment

SECONDS = float(os.environ.get("FAULT_SECONDS", "3"))
LEAST = 100  # arrivals of each writer, also where the machine is busy


def storm(settings, entry_id, fold):
    """Let the storm go over an entry; returns what its writers were told is stored."""
    command = [sys.executable, "-m", "tests.faults.fold_storm", "--entry", str(entry_id)]
    command += ["--seconds", str(SECONDS), "--least", str(LEAST), "--fold", fold]
    environment = make_environment(replace(settings, environment="development"))
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 180, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["writers"] == WRITERS and told["arrivals"] >= WRITERS * LEAST, (told, done.stderr)
    assert told["kills"] > 1, told
    return told


def test_no_visit_is_lost_or_counted_twice_by_a_fold_that_is_killed(app, settings, capsys):
    entry_id = make_entry().id
    told = storm(settings, entry_id, "ours")
    db.session.rollback()
    waited = fold_waiting(NOW)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Arrival)) == told["arrivals"]
    assert db.session.scalar(select(func.count()).select_from(ArrivalInbox)) == 0
    assert get_measures(entry_id).reach == told["arrivals"]
    assert db.session.scalar(select(func.sum(ArrivalStat.returns_count))) == told["returns"]
    with db.engine.connect() as connection:
        for check in (check_arrivals(connection), check_spreads(connection)):
            assert check.differences == () and check.looked_at > 0
    with capsys.disabled():
        print(
            f"\n{db.engine.dialect.name}: {told['arrivals']:,} arrivals and {told['returns']:,} returns by {WRITERS}"
            f" processes, {told['folds']:,} folds, killed {told['kills']} times, {waited:,} rows waited at the end"
        )


def test_the_same_storm_catches_a_fold_by_the_last_id(app, settings, capsys):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: its ids commit in their order, and this fold is right there")
    lost = told = 0
    for _ in range(3):  # chance is in it: a quiet storm loses nobody
        entry_id = make_entry().id
        told = storm(settings, entry_id, "watermark")["arrivals"]
        write(lambda connection, entry_id=entry_id: fold_by_watermark(connection, entry_id))
        db.session.rollback()
        lost = told - (db.session.get_one(EntrySpread, entry_id).size - 1)
        if lost:
            break
    with capsys.disabled():
        print(f"\na fold by the last id lost {lost:,} of {told:,} arrivals")
    assert lost > 0
