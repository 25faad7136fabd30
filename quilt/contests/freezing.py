"""Freezing a contest when voting opens: from then on the database refuses to change what voters were told."""

from datetime import datetime

import structlog
from sqlalchemy import select

from quilt.contests.changes import lock_contest, write_change
from quilt.contests.models import Contest, Phase
from quilt.contests.policy_text import build_policy_json
from quilt.contests.rules import Action, list_windows
from quilt.database import db, transaction
from quilt.ledger.refusals import PolicyRefused

log = structlog.get_logger("quilt.contests")


def has_voting_opened(contest: Contest, now: datetime) -> bool:
    """Whether the contest is frozen, or has to be: it is published and its first vote may have been cast."""
    windows = list_windows(contest.phases, Action.VOTE)
    return contest.frozen_at is not None or (contest.is_published and bool(windows) and windows[0][0] <= now)


def freeze_contest(contest_id: int, now: datetime) -> bytes:
    """Freeze the contest's policy, rules, zone and address, once and for all; returns `policy.json`.

    A contest that is frozen stays as it is. Raises quilt.ledger.refusals.PolicyRefused for a policy that nobody
    could count by.
    """
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        if contest.policy_json is None:
            contest.policy_json = build_policy_json(contest)
            contest.frozen_at = now
            write_change(
                session, contest, "frozen", actor_id=None, now=now,
                words="Voting has opened: the rules and the way votes are counted are fixed.",
            )  # fmt: skip
        return contest.policy_json


def freeze_due(now: datetime) -> int:
    """Freeze every published contest whose voting has opened; returns how many."""
    due = list(
        db.session.scalars(
            select(Contest.id)
            .join(Phase, Phase.contest_id == Contest.id)
            .where(Contest.is_published, Contest.frozen_at.is_(None), Phase.may_vote, Phase.starts_at <= now)
            .distinct()
        )
    )
    db.session.rollback()
    count = 0
    for contest_id in due:
        try:
            freeze_contest(contest_id, now)
            count += 1
        except PolicyRefused:
            log.exception("policy_refused", contest=contest_id)
    return count
