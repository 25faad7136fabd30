"""The time that is left, in words of the frame's language."""

from datetime import datetime, timedelta

from quilt.contests.rules import Change
from quilt.web.widget.phrases import Phrases

UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def split_time_left(change: Change, moment: datetime, t: Phrases) -> list[tuple[int, str]]:
    """The time left in its two largest units: (3, "days"), (4, "hours")."""
    left = max(change.at - moment, timedelta())
    parts = []
    for name, length in UNITS:
        number, left = divmod(left, length)
        parts.append((number, t(f"{name}_{'one' if number == 1 else 'many'}")))
    first = next((index for index, (number, _) in enumerate(parts) if number), 2)
    return parts[first : first + 2]


def name_units(t: Phrases) -> list[list[str]]:
    """One and many of each unit, the largest first: what the frame's script writes the time with."""
    return [[t(f"{name}_one"), t(f"{name}_many")] for name, _ in UNITS]
