"""Periods by the calendar of a contest's zone: the whole contest, its days, its weeks from Monday to Sunday.

Each instant lies in exactly one period, whatever the clocks do: its name is that of the local date, and a period
reaches from the first instant of its first date to the first instant of the date after its last.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from quilt.votes.rules import Policy

CONTEST, DAY, WEEK = "contest", "day", "week"


def name_period(kind: str, zone: str, at: datetime) -> str:
    """The period that an instant lies in: '' (the contest), '2026-05-01' or '2026-W18' (ISO 8601)."""
    if kind == CONTEST:
        return ""
    day = at.astimezone(ZoneInfo(zone)).date()
    if kind == DAY:
        return day.isoformat()
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def find_bounds(kind: str, zone: str, at: datetime) -> tuple[datetime, datetime] | None:
    """The period around an instant, in UTC: its start (included) and end (excluded); None for the whole contest."""
    if kind == CONTEST:
        return None
    own = ZoneInfo(zone)
    first = at.astimezone(own).date()
    if kind == WEEK:
        first -= timedelta(days=first.weekday())
    return find_day_start(first, own), find_day_start(first + timedelta(days=1 if kind == DAY else 7), own)


def find_day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local date, in UTC: midnight, or where the clocks jump over it the instant they do so."""
    before, after = (
        datetime.combine(day, time(), zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    if before.astimezone(zone).date() == day and before.astimezone(zone).time() == time():
        return before
    low, high = after, before  # a gap: before it the date is another, after it this one
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (low, middle) if middle.astimezone(zone).date() >= day else (middle, high)
    return high.replace(microsecond=0)


def find_next_period(policy: Policy, now: datetime) -> datetime | None:
    """When the next period begins; None where there is none before voting ends."""
    bounds = find_bounds(policy.period, policy.time_zone, now)
    if bounds is None:
        return None
    return bounds[1] if any(start <= bounds[1] < end for start, end in policy.windows) else None
