"""Whether a person's next vote would be cast, known before they press the button."""

from datetime import datetime

from sqlalchemy import select

from quilt.database import db
from quilt.votes.ballots import choose_slot, describe_first
from quilt.votes.models import Vote, Voter
from quilt.votes.periods import name_period
from quilt.votes.rules import NoVotesLeft, Policy, VoteRefused


def find_obstacle(user_id: int, entry_id: int, policy: Policy, now: datetime) -> VoteRefused | None:
    """What this person's earlier votes have against one for this entry at `now`: None where they leave one.

    AlreadyVoted, TakenBack or NoVotesLeft. It only foretells: the database's unique keys decide when the vote comes.
    """
    cast = db.session.execute(
        select(Vote.entry_id, Vote.slot, Vote.state, Vote.cast_at, Vote.receipt)
        .join(Voter, Voter.id == Vote.voter_id)
        .where(
            Voter.contest_id == policy.contest_id,
            Voter.user_id == user_id,
            Vote.period == name_period(policy.period, policy.time_zone, now),
        )
    ).all()
    first = next((vote for vote in cast if vote.entry_id == entry_id), None)
    if first is not None:
        return describe_first(first.state, first.cast_at, first.receipt, policy, now)
    try:
        choose_slot(cast, policy, now)
    except NoVotesLeft as refusal:
        return refusal
    return None
