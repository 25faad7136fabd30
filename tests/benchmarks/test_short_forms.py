"""The short form of `make bench`: its commands at a tiny size, for real. No time is asked for here."""

import random
import re
from functools import partial

import pytest
from sqlalchemy import func, select

from benchmarks import hot_paths, ledger, sequencing, whole_ledger
from benchmarks.aims import Aims
from benchmarks.fraud import drill
from quilt.contests.models import Contest
from quilt.database import db
from quilt.votes.models import Vote
from tests.live import open_site

TELL = partial(whole_ledger.tell_evidence, random.Random(7))
LEAVES, HEADS = 2_000, 20
VOTES, LISTED = 200, 60
VOTERS, CONNECTIONS = 1_000, 2  # six votes each: more than any machine counts in a second by two connections
PEOPLE, BOTS, SECONDS = 30, 120, 1.0


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One server for the drill and for votes as fast as they go: each has a contest of its own there."""
    with open_site(tmp_path_factory.mktemp("bench"), workers=1, extra=hot_paths.PROXIED) as site:
        yield site


@pytest.fixture
def aims():
    return Aims()


def test_what_is_missed_is_told_at_the_end_and_by_the_status(aims, capsys):
    assert aims.judge("quick", True) == "met" and aims.sum_up() == 0
    assert "Missed: nothing (1 figures" in capsys.readouterr().out
    ledger.measure("slow", lambda: sum(range(99)), aims, limit=0)
    assert aims.missed == ["slow"] and aims.sum_up() == 1
    told = capsys.readouterr().out
    assert "slow" in told and "limit 0 ms: MISSED" in told and "Missed: slow (2 figures" in told


def test_the_ledger_s_times(aims, tmp_path, capsys):
    lines = list(ledger.write_leaves(LEAVES, HEADS))
    assert len(lines) == LEAVES
    ledger.measure_tree(lines, aims)
    ledger.measure_signing(50)
    ledger.write_files(tmp_path, lines, HEADS)
    ledger.run_verifier(tmp_path, aims)
    told = capsys.readouterr().out
    assert len(re.findall(r"limit [\d,]+ ms: (?:met|MISSED)", told)) == aims.judged == 6
    assert f"and {HEADS} heads" in told and "its memory at most" in told
    with open(tmp_path / "ledger.ndjson", "ab") as file:
        file.write(lines[0] + b"\n")
    with pytest.raises(AssertionError):  # what verify.py does not agree with has no time
        ledger.run_verifier(tmp_path, aims)


def test_what_a_batch_of_the_ledger_costs(app, settings, aims, capsys):
    rules, ledger = sequencing.measure_batch(VOTES, settings)
    assert db.session.scalar(select(func.count()).select_from(Vote)) == VOTES
    for work in (rules, ledger):
        assert work.clock > 0 and work.own > 0 and work.server >= 0
    batch, cost = sequencing.Batch(rules, ledger), ledger.processor
    assert sequencing.tell("here", batch, 9 * cost, aims) == pytest.approx(0.1)
    told = capsys.readouterr().out
    assert "| **10.0%** |" in told and "| met |" in told
    sequencing.tell("here", batch, cost, aims)
    told = capsys.readouterr().out
    assert "| **50.0%** |" in told and "| MISSED |" in told and aims.missed == ["here: the ledger"]


def test_a_ledger_that_the_product_has_written(app, aims, capsys):
    whole_ledger.measure_all(
        app, "here", LISTED, ["batch", "proofs", "files", "gate", "daily"], aims, tell=TELL
    )
    told = capsys.readouterr().out
    assert (
        f"a vote in a batch of {LISTED}, with" in told and f"{LISTED + 1} leaves" in told and aims.judged == 4
    )
    assert "verify.py over" in told and "The audit is clean" in told
    assert "judging 10 votes of 1 people" in told  # of LISTED, a fiftieth, on ten days
    assert db.session.scalar(select(func.count()).select_from(Vote)) == LISTED + 1_000 + 10


@pytest.mark.skipif(hot_paths.WRK is None, reason="wrk, which sends the votes, is not on this machine")
def test_votes_as_fast_as_they_go_beside_bare_flask(site, tmp_path, aims, capsys):
    scene = hot_paths.build_scene(site, VOTERS)
    options = hot_paths.read_options(["--seconds", "1", "--only", "vote", "--connections", str(CONNECTIONS)])
    with hot_paths.open_bare() as bare_port:
        results = hot_paths.run(site, scene, bare_port, options, tmp_path, aims)
    told = capsys.readouterr().out
    row = re.search(
        r"\| vote \| (\d+) \| ([\d,]+) \| ([\d,]+) \| \*\*([\d.]+)\*\* .* \| (\d+) \| (?:met|MISSED) \|", told
    )
    assert row is not None and row[1] == str(CONNECTIONS) and row[5] == "0"
    assert all(int(row[number].replace(",", "")) > 0 for number in (2, 3))
    before = min(VOTERS, results[f"before vote at {CONNECTIONS}"].answered)  # each has one vote there
    answered = before + results[f"vote at {CONNECTIONS}"].answered
    late = 2 * CONNECTIONS  # the last of each load are not waited for
    assert answered <= count_votes(site, scene.contest_slug) <= answered + late
    assert aims.judged == 2 and re.search(r"Largest worker after the load: [1-9]", told)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_drill(site, aims, capsys):
    with site.app.app_context():
        drill.run(site, PEOPLE, BOTS, SECONDS, aims)
        db.session.remove()
    told = capsys.readouterr().out
    honest = re.search(r"honest votes +(\d+) sent, (\d+) refused, (\d+) of (\d+) held .*: met", told)
    bots = re.search(r"bot votes +(\d+) sent, (\d+) recorded, (\d+) held", told)
    assert honest is not None and [int(count) for count in honest.groups()] == [2 * PEOPLE, 0, 0, 3 * PEOPLE]
    assert bots is not None and [int(count) for count in bots.groups()] == [BOTS, BOTS, BOTS]
    assert re.search(r"honest p99 +\d+ ms quiet, \d+ ms under attack", told) and aims.judged == 2


def count_votes(site, slug):
    with site.app.app_context():
        count = db.session.scalar(
            select(func.count()).select_from(Vote).join(Contest).where(Contest.slug == slug)
        )
        db.session.remove()
    return count
