"""What a voter is told of their vote: what the ledger says. Until the next batch that is "recorded"."""

from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, select

from quilt.votes.models import DecisionInbox, Vote, VoteDecision


def public_state() -> ColumnElement[Any]:
    """For a SELECT from `vote`: its state by the last decision that has a leaf, "recorded" before the first.

    A decision that still waits for its leaf shows nowhere: a voter who watched for it could tune their next vote.
    """
    waits = exists().where(DecisionInbox.decision_id == VoteDecision.id)
    last = (
        select(VoteDecision.after)
        .where(VoteDecision.vote_id == Vote.id, ~waits)
        .order_by(VoteDecision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(last, "recorded")


def own_state() -> ColumnElement[Any]:
    """The same for the vote's own voter: what they did themselves is no secret to them."""
    return case((Vote.state == "withdrawn", "withdrawn"), else_=public_state())
