"""What was acknowledged is kept, once, whatever dies meanwhile: workers, the writer, PostgreSQL, the room on the disk.

FAULT_VOTES and FAULT_SECONDS make it as long as one likes (`make faults`: 4,000 votes over half a minute each).
"""

import os
import random
import time
from datetime import UTC, datetime

import pytest

from quilt.audit import run_audit
from quilt.audit.report import count_differences
from tests.faults.own_postgresql import open_postgresql
from tests.faults.processes import HAS_PROC
from tests.faults.vote_storm import (
    fill_the_disk,
    kill_a_worker,
    kill_the_writer,
    may_mount,
    open_small_disk,
    run_storm,
)
from tests.live import open_site

VOTES = int(os.environ.get("FAULT_VOTES", "400"))
SECONDS = float(os.environ.get("FAULT_SECONDS", "7"))
IS_LONG = SECONDS > 20
KILL, STOP = 1.0, 6.0 if IS_LONG else 3.0  # seconds from one kill, or stop, to the next
DISK_MB = 160
FULL = 8.0 if IS_LONG else 2.0  # seconds without room
WORKERS = 4
pytestmark = pytest.mark.skipif(not HAS_PROC, reason="looks for processes in /proc")
needs_mount = pytest.mark.skipif(not may_mount(), reason="only root may mount a small disk")


def stop_and_start(postgresql):
    def stop():
        postgresql.stop_at_once()
        time.sleep(0.3)
        postgresql.start()
        return True

    return stop


def tell(name, verdict, capsys):
    with capsys.disabled():
        print(f"\n{name}: {verdict}")


def check_audit(site):
    """Whatever is stored twice agrees, and there was something to look at."""
    with site.app.app_context():
        checks = run_audit(site.settings, datetime.now(UTC))
    assert count_differences(checks) == 0 and sum(check.looked_at for check in checks) > VOTES


@pytest.fixture(scope="module")
def own_postgresql(postgresql_url, scratch):
    """Started after the shared one, which has given both a private folder for their sockets."""
    with open_postgresql(scratch / "stormy") as server:
        yield server


@pytest.fixture(scope="module")
def stormy_site(own_postgresql, tmp_path_factory):
    with open_site(tmp_path_factory.mktemp("stormy"), own_postgresql.url, workers=WORKERS) as site:
        yield site


@pytest.mark.parametrize("storm", ["workers", "database", "both"])
def test_D39_postgresql_keeps_what_was_acknowledged(stormy_site, own_postgresql, tmp_path, storm, capsys):
    faults = {}
    if storm != "database":
        faults[KILL] = kill_a_worker(stormy_site, random.Random(7))
    faults[STOP] = kill_the_writer(stormy_site) if storm == "workers" else stop_and_start(own_postgresql)
    verdict = run_storm(stormy_site, tmp_path, faults, VOTES, SECONDS)
    tell(f"PostgreSQL, {storm}", verdict, capsys)
    assert verdict.acknowledged == VOTES and verdict.faults and verdict.is_kept
    check_audit(stormy_site)


def test_the_same_storm_finds_losses_where_commits_are_not_waited_for(
    stormy_site, own_postgresql, tmp_path, capsys
):
    """Without this, no loss would be no proof."""
    own_postgresql.configure({"synchronous_commit": "off", "wal_writer_delay": "1s"})
    try:
        verdict = run_storm(stormy_site, tmp_path, {STOP: stop_and_start(own_postgresql)}, VOTES, SECONDS)
    finally:
        own_postgresql.configure({"synchronous_commit": "on", "wal_writer_delay": "200ms"})
    tell("PostgreSQL, commits not waited for", verdict, capsys)
    assert verdict.acknowledged == VOTES and verdict.lost


def test_sqlite_keeps_what_was_acknowledged(tmp_path, capsys):
    with open_site(tmp_path / "site", workers=WORKERS) as site:
        faults = {KILL: kill_a_worker(site, random.Random(7)), STOP: kill_the_writer(site)}
        verdict = run_storm(site, tmp_path, faults, VOTES, SECONDS)
        tell("SQLite, workers and the writer", verdict, capsys)
        assert verdict.acknowledged == VOTES and verdict.faults and verdict.is_kept
        check_audit(site)


def test_the_same_storm_finds_losses_where_a_vote_is_acknowledged_too_early(tmp_path, capsys):
    with open_site(tmp_path / "site", workers=WORKERS, flaw="tests.faults.early_server") as site:
        faults = {2 * KILL: kill_a_worker(site, random.Random(7))}
        verdict = run_storm(site, tmp_path, faults, VOTES, SECONDS)
        tell("SQLite, acknowledged too early", verdict, capsys)
        assert verdict.acknowledged == VOTES and verdict.lost


@needs_mount
def test_sqlite_on_a_full_disk_keeps_what_was_acknowledged(tmp_path, capsys):
    with (
        open_small_disk(tmp_path / "disk", DISK_MB) as disk,
        open_site(disk / "site", workers=WORKERS) as site,
    ):
        verdict = run_storm(site, tmp_path, {FULL: fill_the_disk(disk, FULL)}, VOTES, SECONDS)
        tell("SQLite, full disk", verdict, capsys)
        assert verdict.acknowledged == VOTES and verdict.faults and verdict.is_kept
        assert verdict.statuses["503"]
        check_audit(site)


@needs_mount
def test_postgresql_on_a_full_disk_keeps_what_was_acknowledged(postgresql_url, scratch, tmp_path, capsys):
    with (
        open_small_disk(scratch / "disk", DISK_MB) as disk,
        open_postgresql(disk / "postgresql") as postgresql,
        open_site(tmp_path / "site", postgresql.url, workers=WORKERS) as site,
    ):
        postgresql.configure({"max_wal_size": "48MB"})
        verdict = run_storm(site, tmp_path, {FULL: fill_the_disk(disk, FULL)}, VOTES, SECONDS)
        tell("PostgreSQL, full disk", verdict, capsys)
        assert verdict.acknowledged == VOTES and verdict.faults and verdict.is_kept
        assert verdict.statuses["503"]
        check_audit(site)
