"""Counts by the hour and by the day: as they stood then, until voting is over."""

from datetime import UTC, datetime, timedelta

import pytest

from quilt.standings.queries import list_figures
from quilt.votes.queries import count_votes
from quilt.votes.shown import find_moment, refresh_shown
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.votes.test_service import vote_for

CLOSES = NOW + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def seen(entry):
    shown = {figures.entry_id: figures.votes for figures in list_figures(entry.contest_id)}
    assert shown[entry.id] == count_votes(entry.id)
    return shown[entry.id]


@pytest.mark.parametrize(
    "counts, hours", [("hour", 1), ("day", 16)]
)  # midnight in New York comes in 16 hours
def test_votes_are_shown_as_they_stood_then(app, counts, hours):
    entry = make_entry(make_contest(counts=counts, closes=CLOSES))
    vote_for(entry, make_user(), visitor=b"a")
    assert refresh_shown(NOW) == 1
    vote_for(entry, make_user(), visitor=b"b")
    later = NOW + timedelta(hours=hours)
    assert (refresh_shown(later - MINUTE), seen(entry)) == (0, 1)
    assert (refresh_shown(later), seen(entry)) == (1, 2)
    vote_for(entry, make_user(), visitor=b"c")
    assert (refresh_shown(later + MINUTE), seen(entry)) == (0, 2)
    assert (refresh_shown(CLOSES), seen(entry)) == (1, 3)
    assert refresh_shown(CLOSES) == 0


def test_live_counts_are_live(app):
    entry = make_entry(make_contest(counts="live", closes=CLOSES))
    vote_for(entry, make_user())
    assert (refresh_shown(NOW), seen(entry)) == (0, 1)


@pytest.mark.parametrize(
    "counts, zone, expected",
    [
        ("hour", "UTC", datetime(2026, 5, 10, 12, tzinfo=UTC)),
        ("hour", "Asia/Kolkata", datetime(2026, 5, 10, 12, 30, tzinfo=UTC)),
        ("day", "America/New_York", datetime(2026, 5, 10, 4, tzinfo=UTC)),
        ("day", "Asia/Kolkata", datetime(2026, 5, 9, 18, 30, tzinfo=UTC)),
    ],
)
def test_the_last_full_hour_and_the_last_midnight_on_the_contest_s_clocks(counts, zone, expected):
    assert find_moment(counts, zone, datetime(2026, 5, 10, 12, 47, 3, 9, tzinfo=UTC)) == expected
