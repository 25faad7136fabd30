"""Letting go of the evidence about votes."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from quilt.contests.models import Phase
from quilt.database import db, write
from quilt.integrity.models import VoteCheck
from quilt.votes.models import Vote

KEPT = timedelta(days=30)  # after the end of voting: longer than anybody can appeal
_MOST = 5_000  # votes in one transaction


def forget_evidence(now: datetime) -> int:
    """Empty the evidence of votes in contests whose voting ended thirty days ago; of how many votes."""
    ended = (
        select(Phase.contest_id)
        .where(Phase.may_vote)
        .group_by(Phase.contest_id)
        .having(func.max(Phase.ends_at) < now - KEPT)
    )
    forgotten = 0
    for contest_id in db.session.scalars(ended).all():
        while emptied := write(_forget_some, contest_id):
            forgotten += emptied
    return forgotten


def _forget_some(connection: Connection, contest_id: int) -> int:
    some = (
        select(Vote.id)
        .where(Vote.contest_id == contest_id, Vote.evidence.is_not(None))
        .order_by(Vote.id)
        .limit(_MOST)
    )
    connection.execute(
        update(VoteCheck)
        .where(VoteCheck.contest_id == contest_id, VoteCheck.evidence.is_not(None))
        .values(evidence=None)
    )
    return connection.execute(update(Vote).where(Vote.id.in_(some)).values(evidence=None)).rowcount
