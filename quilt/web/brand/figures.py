"""Figures as the desk shows them: nothing exact below five people, and shares of a hundred where they mean something."""

from dataclasses import dataclass
from datetime import date, timedelta

from quilt.contests.queries import find_contest
from quilt.contests.rules import shows_counts
from quilt.standings.brought import Figures, ReportLine
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.clock import now

KIND_WORDS = {
    "entry": "One story", "contest": "The stories of a contest", "vote": "A vote button", "countdown": "A countdown",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One placement of a report in words."""

    id: int
    code: str
    label: str
    kind: str
    target: str
    is_ended: bool
    seen: str
    plays: str
    opens: str
    visits: str
    votes: str
    shares: str
    branch: str
    visit_rate: str
    vote_rate: str


def describe_line(line: ReportLine) -> ShownLine:
    """A report's line with every small figure hidden; votes too while the contest covers its counts."""
    placement, sums = line.placement, line.sums
    is_open = show_votes(placement.contest_slug)
    return ShownLine(
        placement.id,
        placement.code,
        placement.label,
        KIND_WORDS[placement.kind],
        placement.target,
        placement.is_ended,
        f"{sums.seen:,}",
        f"{sums.plays:,}",
        f"{sums.opens:,}",
        say(sums.visits),
        say(sums.votes) if is_open else "covered",
        say(sums.shares),
        say(sums.branch),
        _rate(sums.visits, sums.seen),
        _rate(sums.votes, sums.visits) if is_open else "–",
    )


def show_votes(contest_slug: str) -> bool:
    """Whether this contest's votes may be told now."""
    contest = find_contest(contest_slug)
    return contest is not None and shows_counts(contest.phases, now())


def say(people: int) -> str:
    """A number of people; 0 and everything from five on exactly."""
    return f"{people:,}" if people == 0 or people >= LEAST_SHOWN else "under 5"


def list_days(line: ReportLine, since: date, until: date) -> list[tuple[date, Figures]]:
    """Every day of a stretch, those without anything too."""
    days = (since + timedelta(days=number) for number in range((until - since).days + 1))
    return [(day, line.days.get(day, Figures())) for day in days]


def _rate(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if part >= LEAST_SHOWN and whole else "–"
