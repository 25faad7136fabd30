"""What the letters over time know of a person, and how they let go."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, forgets, tells
from quilt.journeys.models import BranchMilestone
from quilt.shares.models import ShareAct
from quilt.votes.models import Vote, Voter


@tells("milestones")
def tell_milestones(session: Session, user_id: int) -> Iterable[Row]:
    """Which sizes of their branches they were written about."""
    for row in session.scalars(select(BranchMilestone).where(BranchMilestone.user_id == user_id)):
        yield {"entry": row.entry_id, "people": row.people, "reached": row.reached_at}


@tells("shares")
def tell_shares(session: Session, user_id: int) -> Iterable[Row]:
    """When they pressed share, known by the arrival that their vote points at."""
    arrivals = select(Vote.arrival_id).join(Voter, Voter.id == Vote.voter_id).where(Voter.user_id == user_id)
    for row in session.scalars(
        select(ShareAct).where(ShareAct.arrival_id.in_(arrivals)).order_by(ShareAct.id)
    ):
        yield {"entry": row.entry_id, "channel": row.channel, "shared": row.shared_at}


@forgets("journeys")
def forget_milestones(session: Session, user_id: int, now: datetime) -> None:
    """Nobody is written to any more, so nothing needs to be remembered."""
    session.execute(delete(BranchMilestone).where(BranchMilestone.user_id == user_id))
