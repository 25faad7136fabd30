"""Each instant lies in exactly one period: every zone, every change of its clocks from 2020 to 2035."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from quilt.votes.periods import find_bounds, find_day_start, name_period

FIRST, LAST = date(2020, 1, 1), date(2036, 1, 1)
ZONES = sorted(zoneinfo.available_timezones())
TICK = timedelta(microseconds=1)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))


def list_changing_days(zone: ZoneInfo) -> Iterator[date]:
    """The local dates within four days of a change of the zone's clocks."""
    day, before = FIRST, None
    while day < LAST:
        offset = datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset()
        if before is not None and offset != before:
            yield from (day - timedelta(days=back) for back in range(5, -1, -1))
        day, before = day + timedelta(days=4), offset


def test_the_days_of_every_zone_follow_one_another_without_a_gap_or_an_overlap():
    looked_at = 0
    for name in ZONES:
        zone = ZoneInfo(name)
        for day in list_changing_days(zone):
            starts, ends = find_day_start(day, zone), find_day_start(day + timedelta(days=1), zone)
            assert starts < ends, (name, day)
            for at, expected in ((starts - TICK, day - timedelta(days=1)), (starts, day), (ends - TICK, day)):
                assert name_period("day", name, at) == expected.isoformat(), (name, at)
            looked_at += 1
    print(f"{looked_at} days around changes of clocks in {len(ZONES)} zones")
    assert looked_at > 20_000 and len(ZONES) > 400


@given(st.sampled_from(ZONES), st.sampled_from(["day", "week"]), instants)
def test_an_instant_lies_within_the_bounds_of_its_own_period_alone(zone, kind, at):
    starts, ends = find_bounds(kind, zone, at)
    name = name_period(kind, zone, at)
    assert starts <= at < ends
    assert name_period(kind, zone, starts) == name == name_period(kind, zone, ends - TICK)
    assert name_period(kind, zone, starts - TICK) != name != name_period(kind, zone, ends)
    assert find_bounds(kind, zone, ends)[0] == ends


def test_D21_the_day_of_23_hours_and_the_day_of_25_are_one_day_each():
    zone = "America/New_York"
    for moment, hours in (
        (datetime(2026, 3, 8, 12, tzinfo=UTC), 23),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), 25),
    ):
        starts, ends = find_bounds("day", zone, moment)
        assert ends - starts == timedelta(hours=hours)


def test_a_day_whose_midnight_the_clocks_jump_over_begins_when_they_do():
    starts = find_day_start(date(2026, 9, 6), ZoneInfo("America/Santiago"))
    assert starts.isoformat() == "2026-09-06T04:00:00+00:00"
    assert starts.astimezone(ZoneInfo("America/Santiago")).hour == 1


def test_the_contest_is_one_period():
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    assert (name_period("contest", "UTC", moment), find_bounds("contest", "UTC", moment)) == ("", None)
