"""Times as they are typed, where clocks jump."""

from datetime import UTC, datetime, timedelta

import pytest

from quilt.contests.local_times import TimeRefused, move_days, read_local, spell_local

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    "typed, zone, at",
    [
        ("2026-05-01T12:00", NEW_YORK, datetime(2026, 5, 1, 16, tzinfo=UTC)),
        (" 2026-05-01 12:00 ", NEW_YORK, datetime(2026, 5, 1, 16, tzinfo=UTC)),
        ("2026-05-01T12:00:30", "UTC", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-03-08T01:59", NEW_YORK, datetime(2026, 3, 8, 6, 59, tzinfo=UTC)),
        ("2026-03-08T03:00", NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ],
)
def test_a_time_on_the_contest_s_clocks(typed, zone, at):
    assert read_local(typed, zone) == at
    assert read_local(spell_local(at, zone), zone) == at


def test_of_a_time_that_comes_twice_one_can_be_meant():
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    meant = [read_local("2026-11-01T01:30", NEW_YORK, fold) for fold in (0, 1)]
    assert meant == [first, first + timedelta(hours=1)]
    with pytest.raises(TimeRefused):
        read_local("2026-03-08T02:30", NEW_YORK, 0)  # never


@pytest.mark.parametrize(
    "typed, words",
    [
        ("2026-03-08T02:30", "does not exist in New York on 8 March 2026"),  # H11
        ("2026-11-01T01:30", "happens twice in New York on 1 November 2026"),  # H11
        ("", "Enter a day and a time"),
        ("31 May", "Enter a day and a time"),
        ("2026-02-31T12:00", "Enter a day and a time"),
        ("0001-01-01T00:00", "between the years"),
        ("9999-12-31T23:59", "between the years"),
        ("2026-05-01T12:00" + "0" * 100_000, ""),
    ],
)
def test_what_is_no_time(typed, words):
    if not words:
        assert read_local(typed, NEW_YORK) == datetime(2026, 5, 1, 16, tzinfo=UTC)
        return
    with pytest.raises(TimeRefused) as refusal:
        read_local(typed, NEW_YORK)
    assert words in refusal.value.message


def test_what_is_offered_instead_of_a_time_that_does_not_exist_exists():
    for typed, offered in (
        ("2026-03-08T02:30", ("01:30", "03:30")),
        ("2026-11-01T01:30", ("00:30", "02:30")),
    ):
        with pytest.raises(TimeRefused) as refusal:
            read_local(typed, NEW_YORK)
        for clock in offered:
            assert clock in refusal.value.message
            read_local(f"{typed[:11]}{clock}", NEW_YORK)


def test_days_later_it_is_the_same_hour_there():
    at = datetime(2026, 3, 1, 17, tzinfo=UTC)  # noon in New York, in winter
    assert move_days(at, 14, NEW_YORK) == at + timedelta(days=14, hours=-1)
