"""What is checked before a contest is shown."""

from datetime import timedelta

from quilt.contests.preflight import run_checks
from quilt.contests.queries import find_contest
from tests.conftest import NOW
from tests.factories import make_contest

DATES = ("A time to vote", "Still ahead", "Voting begins in the future", "Time enough to vote")


def test_without_dates_no_check_of_dates_is_ticked(app):
    contest = find_contest(make_contest().slug)
    checks = {check.name: check for check in run_checks(_Undated(contest), NOW)}
    assert not any(checks[name].is_fine for name in DATES)
    assert checks["Still ahead"].words == "There are no dates yet."


def test_with_dates_they_are(app):
    contest = find_contest(make_contest().slug)
    opens = min(phase.starts_at for phase in contest.phases) - timedelta(seconds=1)
    checks = {check.name: check for check in run_checks(contest, opens)}
    assert all(checks[name].is_fine for name in DATES)


class _Undated:
    """A contest without its phases."""

    def __init__(self, contest):
        self._contest = contest
        self.phases = ()

    def __getattr__(self, name):
        return getattr(self._contest, name)
