"""The short form of the fraud bench: three honest crowds and three attacks, one seed, by the site's own rules."""

import gzip
import json
from collections import defaultdict

import pytest

from benchmarks.fraud.__main__ import print_all
from benchmarks.fraud.attacks import ATTACKS
from benchmarks.fraud.cascades import FILE
from benchmarks.fraud.crowds import CROWDS, list_crowds
from benchmarks.fraud.measure import Share, run_world
from benchmarks.fraud.presses import Chance
from benchmarks.fraud.world import open_world

HONEST, CRUDE = ("office", "school", "kiosk"), ("A1", "A2", "A4")


@pytest.fixture
def outcomes(app):
    taken = set()
    presses = [press for name in HONEST for press in CROWDS[name](Chance(f"1 {name}", taken))]
    presses += [press for name in CRUDE for press in ATTACKS[name].make(Chance(f"1 {name}", taken))]
    by_crowd = defaultdict(list)
    for outcome in run_world(open_world(1, 1_000_000), sorted(presses, key=lambda press: press.at)):
        by_crowd[outcome.press.crowd].append(outcome)
    return by_crowd


def test_D35_people_count_and_crude_attacks_do_not(outcomes, monkeypatch, tmp_path, capsys):
    assert sum(map(len, outcomes.values())) > 1_500
    for name in HONEST:
        assert all(one.finding is not None for one in outcomes[name]), f"{name}: refused at the door"
        assert sum(one.is_held for one in outcomes[name]) <= 0.01 * len(outcomes[name]), name
    for name in CRUDE:
        assert sum(one.is_stopped for one in outcomes[name]) >= 0.85 * len(outcomes[name]), name
    # A rule that goes by the network alone would hold the office and the school: the bench can see harm.
    for name in ("office", "school"):
        assert sum("crowded" in one.finding.signs for one in outcomes[name]) > 0.8 * len(outcomes[name])
    monkeypatch.setenv("QUILT_SPREAD_DATA", str(tmp_path))
    look_at_the_tables(outcomes, capsys)


def look_at_the_tables(outcomes, capsys):
    """What `python -m benchmarks.fraud` prints of these, where there are no recorded cascades."""
    everything = [one for crowd in outcomes.values() for one in crowd]
    assert print_all(everything) == 0
    told = capsys.readouterr().out
    assert "The viral crowd is left out" in told
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| ")]
    assert {row[0].strip("| *").partition(" ")[0] for row in rows} > {*HONEST, *CRUDE, "all", "lockstep"}
    assert sum(row[-1] == "met |" for row in rows) == len(HONEST) + 1
    assert "precision of holds" in told and "Missed: nothing (6 figures" in told
    blind = [one._replace(reason=None if one.press.is_fraud else "wrong") for one in everything]
    assert print_all(blind) == 1
    missed = capsys.readouterr().out.partition("Missed: ")[2]
    assert all(name in missed for name in (*HONEST, "honest crowd all", "precision", "recall"))


def test_the_viral_crowd_comes_as_a_recorded_cascade_did(monkeypatch, tmp_path):
    edges = [(number // 2, number, 60.0 * number) for number in range(1, 301)]
    with gzip.open(tmp_path / FILE, "wt") as file:
        file.write(json.dumps({"edges": edges}) + "\n")
    monkeypatch.setenv("QUILT_SPREAD_DATA", str(tmp_path))
    presses = list_crowds()["viral"](Chance("1 viral", set()))
    assert len(presses) == len(edges)
    assert sum(press.sharer in presses for press in presses) > 200  # most came by somebody's link


def test_the_interval_is_wilson_s():
    low, high = Share(0, 100).interval()
    assert low == pytest.approx(0.0, abs=1e-9) and high == pytest.approx(0.0370, abs=1e-4)
    low, high = Share(50, 100).interval()
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))
