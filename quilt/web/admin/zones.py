"""The time zones that a form offers."""

from functools import lru_cache
from zoneinfo import available_timezones

_NOT_PLACES = ("Etc/", "SystemV/", "US/", "posix/", "right/")


@lru_cache
def list_zones() -> tuple[str, ...]:
    """The zones that are named after a place, and UTC, in the order of the alphabet."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES))
    return ("UTC", *sorted(places))
