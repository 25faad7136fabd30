"""Contests as the desk sees them: also those that nobody else can see yet."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from quilt.contests.models import Contest, ContestRules
from quilt.contests.rules import find_phase, is_over, is_paused
from quilt.database import db


@dataclass(frozen=True, slots=True)
class DeskLine:
    """One contest in the list of the desk; `state` is a word for a badge, `words` say more."""

    contest: Contest
    state: str
    words: str


def list_desk_contests(now: datetime) -> list[DeskLine]:
    """Every contest, the newest first."""
    rows = db.session.scalars(select(Contest).order_by(Contest.id.desc())).unique()
    return [DeskLine(contest, *describe_state(contest, now)) for contest in rows]


def find_desk_contest(contest_id: int) -> Contest | None:
    """The contest with this id, as it stands in the database at this moment, or None."""
    if not 0 < contest_id < 2**63:
        return None
    return db.session.get(Contest, contest_id, populate_existing=True)


def list_rules(contest_id: int) -> list[ContestRules]:
    """The versions of a contest's rules, the newest first."""
    statement = select(ContestRules).where(ContestRules.contest_id == contest_id)
    return list(db.session.scalars(statement.order_by(ContestRules.version.desc())))


def describe_state(contest: Contest, now: datetime) -> tuple[str, str]:
    """A badge's word (draft, upcoming, open, paused, closed) and what is going on, in words."""
    if not contest.is_published:
        return "draft", "Not shown to anybody yet"
    phase = find_phase(contest.phases, now)
    if phase is not None and is_paused(phase, now):
        return "paused", f"Paused: {phase.pause_reason}"
    if phase is not None:
        return "open", phase.name
    if is_over(contest.phases, now):
        return "closed", "Over"
    return "upcoming", "Between two phases" if any(
        p.ends_at <= now for p in contest.phases
    ) else "Not begun yet"
