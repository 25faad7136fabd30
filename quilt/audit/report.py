"""What a check found, and how that is told."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_LINES = 20  # differences of one check that are spelled out


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how many `things` it looked at, and the differences in words.

    `is_of_schema` says that an empty database has these things too.
    """

    name: str
    looked_at: int
    things: str
    differences: tuple[str, ...]
    is_of_schema: bool = False


def count_differences(checks: Iterable[Check]) -> int:
    """All differences together."""
    return sum(len(check.differences) for check in checks)


def count_looked_at(checks: Iterable[Check]) -> int:
    """All things together, but for those that are there where nothing is stored."""
    return sum(check.looked_at for check in checks if not check.is_of_schema)


def spell_out(checks: Iterable[Check]) -> list[str]:
    """The lines that a person reads."""
    lines = []
    for check in checks:
        count = len(check.differences)
        verdict = "agree" if not count else f"{count:,} {'difference' if count == 1 else 'differences'}"
        lines.append(f"{check.name:<16}{check.looked_at:>9,} {check.things}: {verdict}")
        lines += [f"    {difference}" for difference in check.differences[:MOST_LINES]]
        if count > MOST_LINES:
            lines.append(f"    … and {count - MOST_LINES:,} more")
    return lines
