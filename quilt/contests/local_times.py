"""Times as somebody types them in the contest's zone, where clocks jump."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from quilt.contests.rules import name_place

FORM = "%Y-%m-%dT%H:%M"
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class TimeRefused(Exception):
    """No instant, or two; `message` says which to choose instead."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def read_local(text: str, zone: str, fold: int | None = None) -> datetime:
    """The instant of "2026-03-08T02:30" (seconds are dropped) on the clocks of `zone`, in UTC.

    Raises TimeRefused for what is no time, for one that the clocks jump over, and for one that comes twice, unless
    `fold` says which is meant: 0 the first, 1 the second.
    """
    try:
        local = datetime.strptime(text.strip()[:16].replace(" ", "T"), FORM)
    except ValueError:
        raise TimeRefused("Enter a day and a time, like 2026-05-01 12:00.") from None
    if not FIRST.year <= local.year < LAST.year:
        raise TimeRefused(f"Choose a time between the years {FIRST.year} and {LAST.year}.")
    own = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=own, fold=fold) for fold in (0, 1))
    gap = (second.utcoffset() or timedelta()) - (first.utcoffset() or timedelta())
    if not gap or (gap < timedelta() and fold is not None):
        return (second if fold else first).astimezone(UTC)
    before, after = local - abs(gap), local + abs(gap)
    what = "does not exist" if gap > timedelta() else "happens twice"
    why = "forward" if gap > timedelta() else "back"
    raise TimeRefused(
        f"{local:%H:%M} {what} in {name_place(zone)} on {local.day} {local:%B %Y}: the clocks go {why}. "
        f"Choose {before:%H:%M} or earlier, or {after:%H:%M} or later."
    )


def spell_local(at: datetime, zone: str) -> str:
    """An instant as a form's field shows it: "2026-05-01T12:00"."""
    return at.astimezone(ZoneInfo(zone)).strftime(FORM)


def move_days(at: datetime, days: int, zone: str) -> datetime:
    """The instant with the same clock so many days later; where the clocks jump over it, the first one after."""
    local = (at.astimezone(ZoneInfo(zone)) + timedelta(days=days)).replace(fold=0)
    return local.astimezone(UTC)
