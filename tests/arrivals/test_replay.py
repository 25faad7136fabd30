"""Recorded trees through the services, against their own recount and the reference."""

import csv
import gzip
import itertools
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from quilt.arrivals.models import Arrival, ArrivalInbox, EntrySpread
from quilt.database import db
from quilt.entries.models import Entry
from quilt.replaying import (
    START,
    Plan,
    open_scratch,
    replay_forests_through_services,
    replay_through_services,
)
from quilt.spread.fold import NewNode
from quilt.spread.measures import EMPTY, measure
from quilt.spread.replay import Forest, ReplayTree, read_trees, write_rows
from quilt.votes.models import EntryTally, Vote
from tests.spread.oracle import measure_cascades

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data"
CASCADES = REFERENCE / "cascades_dev.jsonl.gz"

TREES = {
    "lonely": [],
    "one": [0],
    "star": [0] * 12,
    "chain": list(range(12)),
    "mixed": [0, 0, 1, 1, 3, 0, 6, 6, 6, 2, 10, 11, 0, 3],
}


def recorded(name, parents, seconds=None):
    """A tree in which person i + 1 came by the link of parents[i] (0: the entry's own)."""
    arrivals, depths = [], [0]
    for child, parent in enumerate(parents, 1):
        depths.append(depths[parent] + 1)
        arrivals.append(NewNode(child, parent or None, depths[child]))
    return ReplayTree(name, tuple(arrivals), tuple(seconds or [None] * len(parents)))


def all_trees():
    return [recorded(name, parents) for name, parents in TREES.items()]


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_stored_figures_equal_a_recount(app, batch):
    figures = dict(replay_through_services(app, all_trees(), Plan(batch=batch)))
    assert figures == {name: measure([-1, *parents]) for name, parents in TREES.items()}
    assert figures["lonely"] == EMPTY
    assert db.session.scalar(select(func.count()).select_from(ArrivalInbox)) == 0


def test_people_arrive_and_are_folded_at_their_own_times(app):
    tree = recorded("timed", [0, 1, 1], seconds=[5.5, 60, 3600])
    list(replay_through_services(app, [tree], Plan()))
    times = db.session.scalars(select(Arrival.arrived_at).order_by(Arrival.id)).all()
    assert times == [START + timedelta(seconds=seconds) for seconds in (5.5, 60, 3600)]
    assert db.session.scalar(select(EntrySpread.folded_at)) == times[-1]


@pytest.mark.parametrize("share", [0.25, 1])
def test_votes_mixed_in_are_counted_and_change_no_figure(app, share):
    figures = dict(replay_through_services(app, all_trees(), Plan(batch=3, votes=share)))
    assert figures == {name: measure([-1, *parents]) for name, parents in TREES.items()}
    expected = {name: int(len(parents) * share) for name, parents in TREES.items()}
    titles = dict(db.session.execute(select(Entry.id, Entry.title)).all())
    tallies = db.session.execute(select(EntryTally.entry_id, EntryTally.standing))
    assert {titles[entry_id]: votes for entry_id, votes in tallies} == expected
    folded = db.session.execute(select(EntrySpread.entry_id, EntrySpread.votes_count))
    assert {titles[entry_id]: votes for entry_id, votes in folded}.items() <= expected.items()
    assert db.session.scalar(select(func.count()).select_from(Vote)) == sum(expected.values()) > 0


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_a_forest_is_summed_up_from_what_is_stored(app, batch):
    names = [name for name, parents in TREES.items() if parents]
    found = dict(replay_forests_through_services(app, all_trees(), Plan(batch=batch, votes=0.3)))
    for name in names:
        parents = [-1, *TREES[name]]
        assert found[name] == Forest(measure(parents), measure_cascades(parents)), name
    assert found["lonely"] == Forest(EMPTY, measure_cascades([-1]))


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"votes": 1.5}, {"votes": -0.1}])
def test_a_plan_that_makes_no_sense(wrong):
    with pytest.raises(ValueError):
        Plan(**wrong)


def test_a_scratch_database_on_a_server_is_gone_afterwards(postgresql_url):
    with open_scratch(postgresql_url) as app:
        (row,) = replay_through_services(app, all_trees()[-1:], Plan())
        with app.app_context():
            assert db.engine.dialect.name == "postgresql"
            names = "select count(*) from pg_database where starts_with(datname, 'quilt_replay_')"
            assert db.session.connection().exec_driver_sql(names).scalar() == 1
            db.session.remove()
    assert row == ("mixed", measure([-1, *TREES["mixed"]]))
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute(names).fetchone() == (0,)


def run_replay(*arguments, folder):
    bare = {name: value for name, value in os.environ.items() if not name.startswith("QUILT_")}
    command = [sys.executable, "-m", "quilt.cli", "spread", "replay", *map(str, arguments)]
    return subprocess.run(
        command, env=bare, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_writes_the_same_with_and_without_the_services(tmp_path):
    file = tmp_path / "trees.jsonl.gz"
    edges = [[parent, child, None] for child, parent in enumerate(TREES["mixed"], 1)]
    file.write_bytes(gzip.compress(json.dumps({"id": "mixed", "edges": edges}).encode()))
    done = run_replay(file, "--out", "a.csv", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1 tree replayed; the figures are in a.csv.\n"), done.stderr
    done = run_replay(file, "--out", "b.csv", "--through", "services", "--votes", "0.5", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    done = run_replay(file, "--out", "c.csv", "--forest", folder=tmp_path)
    assert done.stdout == "1 forest replayed; the figures are in c.csv.\n"
    done = run_replay(file, "--out", "d.csv", "--forest", "--through", "services", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.csv").read_text() == (tmp_path / "d.csv").read_text() != ""
    left = {"trees.jsonl.gz", "a.csv", "b.csv", "c.csv", "d.csv"}
    assert {path.name for path in tmp_path.iterdir()} == left


def test_a_broken_file_is_named_and_leaves_the_csv_alone(tmp_path):
    (tmp_path / "broken").write_text('{"id": 1, "edges": [[5, 2, null]]}')
    (tmp_path / "out.csv").write_text("what was there")
    done = run_replay("broken", "--out", "out.csv", "--through", "services", folder=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("Error: broken, line 1")
    assert (tmp_path / "out.csv").read_text() == "what was there"


@pytest.mark.slow
@pytest.mark.skipif(not CASCADES.exists(), reason="the reference cascades are not on this machine")
def test_real_cascades_equal_the_reference(app, tmp_path):
    """As many of the 304 as come first and are quick; the whole file: `quilt spread replay`."""
    trees = itertools.islice((tree for tree in read_trees(CASCADES) if len(tree.arrivals) < 500), 40)
    began = time.monotonic()
    with (tmp_path / "out.csv").open("w", newline="") as out:
        count = write_rows(out, replay_through_services(app, trees, Plan(batch=50, votes=0.1)))
    assert count == 40 and time.monotonic() - began < 120
    with (REFERENCE / "cascades_dev_metrics.csv").open() as file:
        reference = {row["id"]: row for row in csv.DictReader(file)}
    with (tmp_path / "out.csv").open() as file:
        for row in csv.DictReader(file):
            assert row.items() <= reference[row["id"]].items()
