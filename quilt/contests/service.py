"""Setting up a contest."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.exc import IntegrityError

from quilt.contests.models import BallotPolicy, Contest, Phase
from quilt.contests.queries import PhaseFacts, PolicyFacts
from quilt.database import transaction

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
PERIODS = ("contest", "day", "week")


class InvalidContest(Exception):
    """These settings make no contest; `field` is the one to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def create_contest(
    *,
    slug: str,
    title: str,
    time_zone: str,
    phases: Sequence[PhaseFacts],
    policy: PolicyFacts,
    now: datetime,
    intro: str = "",
    prize_text: str = "",
    prize_from: str = "",
    rules_text: str = "",
    is_published: bool = True,
) -> int:
    """Create a contest with its phases and ballot policy; return its id. Raises InvalidContest."""
    _check_names(slug, title, time_zone)
    _check_phases(phases)
    _check_policy(policy)
    contest = Contest(
        slug=slug,
        title=title,
        intro=intro,
        prize_text=prize_text,
        prize_from=prize_from,
        time_zone=time_zone,
        rules_text=rules_text,
        is_published=is_published,
        created_at=now,
    )
    try:
        with transaction() as session:
            session.add(contest)
            session.flush()
            session.add_all(_make_phase(contest.id, phase) for phase in phases)
            session.add(_make_policy(contest.id, policy))
            contest_id = contest.id
    except IntegrityError:
        raise InvalidContest("slug", f"There is a contest at the address “{slug}” already.") from None
    return contest_id


def _check_names(slug: str, title: str, time_zone: str) -> None:
    if not SLUG.match(slug) or len(slug) > 80:
        raise InvalidContest(
            "slug", "The address takes small letters, digits and single hyphens, 80 at most."
        )
    if not title.strip() or len(title) > 120:
        raise InvalidContest("title", "The title needs 1 to 120 characters.")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidContest("time_zone", f"There is no time zone called “{time_zone}”.") from None


def _check_phases(phases: Sequence[PhaseFacts]) -> None:
    if not phases:
        raise InvalidContest("phases", "A contest needs at least one phase.")
    if any(phase.starts_at >= phase.ends_at for phase in phases):
        raise InvalidContest("phases", "Every phase must start before it ends.")
    ordered = sorted(phases, key=lambda phase: phase.starts_at)
    for earlier, later in pairwise(ordered):
        if earlier.ends_at > later.starts_at:
            raise InvalidContest("phases", f"“{earlier.name}” and “{later.name}” overlap.")


def _check_policy(policy: PolicyFacts) -> None:
    if policy.period not in PERIODS:
        raise InvalidContest("period", "Votes are counted a contest, a day or a week.")
    if policy.limit_count is not None and policy.limit_count < 1:
        raise InvalidContest("limit_count", "The number of votes must be 1 or more, or without a limit.")


def _make_phase(contest_id: int, phase: PhaseFacts) -> Phase:
    return Phase(
        contest_id=contest_id,
        name=phase.name,
        starts_at=phase.starts_at,
        ends_at=phase.ends_at,
        may_submit=phase.may_submit,
        may_vote=phase.may_vote,
        may_comment=phase.may_comment,
        shows_counts=phase.shows_counts,
    )


def _make_policy(contest_id: int, policy: PolicyFacts) -> BallotPolicy:
    return BallotPolicy(
        contest_id=contest_id,
        tier=policy.tier,
        period=policy.period,
        limit_count=policy.limit_count,
        may_vote_for_own=policy.may_vote_for_own,
    )
