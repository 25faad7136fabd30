"""Reading contests, as plain facts that outlive a session."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from quilt.contests.models import BallotPolicy, Contest, ContestChange, Phase
from quilt.contests.rules import DRAW_SOURCE, Action, find_change, find_pause, list_windows, may
from quilt.database import db
from quilt.prepared import Prepared

RESULT_STANDS = timedelta(days=30)  # how long a result keeps the first page while no other contest is open

_contest, _phase, _policy = Contest.__table__, Phase.__table__, BallotPolicy.__table__
_change = ContestChange.__table__


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
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    pause_reason: str = ""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What may be cast and how it is counted: the columns of a BallotPolicy."""

    tiers: str = "email,oauth"
    period: str = "contest"
    limit_count: int | None = None
    may_vote_for_own: bool = False
    revocable_until: datetime | None = None
    counts: str = "live"
    judges_share: int = 0
    tie_breaks: str = "draw"
    places: int = 1
    runners_up: int = 2
    draw_source: str = DRAW_SOURCE


@dataclass(frozen=True, slots=True)
class Notice:
    """A change that everybody may read about, with its reason."""

    kind: str
    words: str
    at: datetime


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
    frozen_at: datetime | None
    phases: tuple[PhaseFacts, ...]
    policy: PolicyFacts
    notices: tuple[Notice, ...] = ()


_CONTESTS = (
    select(
        _contest.c.id, _contest.c.slug, _contest.c.title, _contest.c.intro, _contest.c.prize_text,
        _contest.c.prize_from, _contest.c.time_zone, _contest.c.rules_text, _contest.c.rules_version,
        _contest.c.version, _contest.c.frozen_at, *(_policy.c[name] for name in PolicyFacts.__slots__),
    )
    .join(_policy, _policy.c.contest_id == _contest.c.id)
    .where(_contest.c.is_published)
    .order_by(_contest.c.id.desc())
)  # fmt: skip
_PHASES = (
    select(_phase.c.contest_id, *(_phase.c[name] for name in PhaseFacts.__slots__))
    .join(_contest, _contest.c.id == _phase.c.contest_id)
    .where(_contest.c.is_published)
    .order_by(_phase.c.starts_at)
)
_NOTICES = (
    select(_change.c.contest_id, _change.c.kind, _change.c.words, _change.c.changed_at)
    .join(_contest, _contest.c.id == _change.c.contest_id)
    .where(_contest.c.is_published, _change.c.is_public)
    .order_by(_change.c.id.desc())
)


class _Search:
    """Some published contests, with their phases and notices: every page that belongs to none asks for all of them."""

    def __init__(self, *conditions: ColumnElement[bool]) -> None:
        self._contests, self._phases, self._notices = (
            Prepared(statement.where(*conditions)) for statement in (_CONTESTS, _PHASES, _NOTICES)
        )

    def run(self, **values: object) -> list[ContestFacts]:
        """The contests that fit, the newest first."""
        connection = db.session.connection()
        contests = self._contests.rows(connection, values)
        if not contests:
            return []
        phases: dict[int, list[PhaseFacts]] = defaultdict(list)
        for contest_id, *facts in self._phases.rows(connection, values):
            phases[contest_id].append(PhaseFacts(*facts))
        notices: dict[int, list[Notice]] = defaultdict(list)
        for contest_id, *told in self._notices.rows(connection, values):
            notices[contest_id].append(Notice(*told))
        return [_make(row, tuple(phases[row.id]), tuple(notices[row.id])) for row in contests]


_ALL = _Search()
_BY_SLUG = _Search(_contest.c.slug == bindparam("slug"))
_BY_ID = _Search(_contest.c.id == bindparam("contest_id"))


def find_contest(slug: str) -> ContestFacts | None:
    """The published contest with this slug."""
    return next(iter(_BY_SLUG.run(slug=slug)), None)


def find_contest_by_id(contest_id: int) -> ContestFacts | None:
    """The published contest with this id."""
    return next(iter(_BY_ID.run(contest_id=contest_id)), None)


def list_contests() -> list[ContestFacts]:
    """Every published contest, the newest first."""
    return _ALL.run()


def pick_face(contests: list[ContestFacts], now: datetime) -> ContestFacts | None:
    """The contest that the first page shows.

    Of the open ones the one whose next change is soonest; else of those that are paused; else one whose vote ended within a month, so that
    its result stands there; else the next to open; else the one that ended last.
    """
    open_ones = [contest for contest in contests if is_open(contest, now)]
    open_ones = open_ones or [contest for contest in contests if find_pause(contest.phases, now)]
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


def _make(row: Any, phases: tuple[PhaseFacts, ...], notices: tuple[Notice, ...]) -> ContestFacts:
    return ContestFacts(
        id=row.id,
        slug=row.slug,
        title=row.title,
        intro=row.intro,
        prize_text=row.prize_text,
        prize_from=row.prize_from,
        time_zone=row.time_zone,
        rules_text=row.rules_text,
        rules_version=row.rules_version,
        version=row.version,
        frozen_at=row.frozen_at,
        phases=phases,
        policy=PolicyFacts(*(getattr(row, name) for name in PolicyFacts.__slots__)),
        notices=notices,
    )
