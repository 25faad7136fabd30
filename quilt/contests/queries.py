"""Reading contests, as plain facts that outlive a session."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from quilt.contests.models import Contest
from quilt.contests.rules import Action, find_change, list_windows, may
from quilt.database import db

RESULT_STANDS = timedelta(days=30)  # how long a result keeps the first page while no other contest is open


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """One phase with its switches."""

    name: str
    starts_at: datetime
    ends_at: datetime
    may_submit: bool
    may_vote: bool
    may_comment: bool
    shows_counts: bool


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What may be cast."""

    tier: str
    period: str
    limit_count: int | None
    may_vote_for_own: bool


@dataclass(frozen=True, slots=True)
class ContestFacts:
    """A published contest."""

    id: int
    slug: str
    title: str
    intro: str
    prize_text: str
    prize_from: str
    time_zone: str
    rules_text: str
    rules_version: int
    version: int
    phases: tuple[PhaseFacts, ...]
    policy: PolicyFacts


def find_contest(slug: str) -> ContestFacts | None:
    """The published contest with this slug."""
    return _find(Contest.slug == slug)


def find_contest_by_id(contest_id: int) -> ContestFacts | None:
    """The published contest with this id."""
    return _find(Contest.id == contest_id)


def list_contests() -> list[ContestFacts]:
    """Every published contest, the newest first."""
    statement = select(Contest).where(Contest.is_published).order_by(Contest.id.desc())
    return [_copy(contest) for contest in db.session.scalars(statement).unique()]


def pick_face(contests: list[ContestFacts], now: datetime) -> ContestFacts | None:
    """The contest that the first page shows.

    Of the open ones the one whose next change is soonest; else one whose vote ended within a month, so that
    its result stands there; else the next to open; else the one that ended last.
    """
    open_ones = [contest for contest in contests if is_open(contest, now)]
    recent = [contest for contest in contests if now - RESULT_STANDS < _voting_ended_at(contest) <= now]
    if open_ones or not recent:
        candidates = open_ones or contests
        changing = [(find_change(contest.phases, now), contest) for contest in candidates]
        dated = [(change.at, contest.id, contest) for change, contest in changing if change is not None]
        if dated:
            return min(dated, key=lambda candidate: candidate[:2])[2]
    return max(recent or contests, key=lambda contest: (_voting_ended_at(contest), contest.id), default=None)


def is_open(contest: ContestFacts, now: datetime) -> bool:
    """Whether one may vote or enter in this contest now."""
    return may(contest.phases, Action.VOTE, now) or may(contest.phases, Action.SUBMIT, now)


def _voting_ended_at(contest: ContestFacts) -> datetime:
    windows = list_windows(contest.phases, Action.VOTE)
    return windows[-1][1] if windows else datetime.min.replace(tzinfo=UTC)


def _find(condition: object) -> ContestFacts | None:
    statement = select(Contest).where(Contest.is_published, condition)  # type: ignore[arg-type]
    contest = db.session.scalars(statement.execution_options(populate_existing=True)).unique().one_or_none()
    return None if contest is None else _copy(contest)


def _copy(contest: Contest) -> ContestFacts:
    policy = contest.policy
    return ContestFacts(
        id=contest.id,
        slug=contest.slug,
        title=contest.title,
        intro=contest.intro,
        prize_text=contest.prize_text,
        prize_from=contest.prize_from,
        time_zone=contest.time_zone,
        rules_text=contest.rules_text,
        rules_version=contest.rules_version,
        version=contest.version,
        phases=tuple(
            PhaseFacts(
                phase.name,
                phase.starts_at,
                phase.ends_at,
                phase.may_submit,
                phase.may_vote,
                phase.may_comment,
                phase.shows_counts,
            )
            for phase in contest.phases
        ),
        policy=PolicyFacts(policy.tier, policy.period, policy.limit_count, policy.may_vote_for_own),
    )
