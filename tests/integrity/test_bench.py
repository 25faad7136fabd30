"""The short form of the fraud bench: three honest crowds and three attacks, one seed, by the site's own rules."""

from collections import defaultdict

import pytest

from benchmarks.fraud.attacks import ATTACKS
from benchmarks.fraud.crowds import CROWDS
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


def test_D41_people_count_and_crude_attacks_do_not(outcomes):
    assert sum(map(len, outcomes.values())) > 1_500
    for name in HONEST:
        assert all(one.finding is not None for one in outcomes[name]), f"{name}: refused at the door"
        assert sum(one.is_held for one in outcomes[name]) <= 0.01 * len(outcomes[name]), name
    for name in CRUDE:
        assert sum(one.is_stopped for one in outcomes[name]) >= 0.85 * len(outcomes[name]), name
    # A rule that goes by the network alone would hold the office and the school: the bench can see harm.
    for name in ("office", "school"):
        assert sum("crowded" in one.finding.signs for one in outcomes[name]) > 0.8 * len(outcomes[name])


def test_the_interval_is_wilson_s():
    low, high = Share(0, 100).interval()
    assert low == pytest.approx(0.0, abs=1e-9) and high == pytest.approx(0.0370, abs=1e-4)
    low, high = Share(50, 100).interval()
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))
