"""Casting a vote: one transaction in which the database's unique keys decide."""

from collections.abc import Callable
from datetime import datetime

from quilt.database import Write
from quilt.votes.ballots import Ballot, Receipt
from quilt.votes.rules import Policy
from quilt.votes.together import cast_one

__all__ = ["Ballot", "Receipt", "cast_vote", "plan_vote"]


def cast_vote(
    ballot: Ballot, policy: Policy, *, secret: str, now: datetime | None, entropy: Callable[[int], bytes]
) -> Receipt:
    """Record one vote, durable when this returns. Raises a VoteRefused, then nothing changed.

    The vote also counts as its voter's visit and points at the voter's own arrival. The contest knows the
    voter by a hash keyed with `secret`. Where `now` is None, the clock of the database at the first statement
    decides when the vote arrived, so that it does not matter which host took the request, or what its clock says.
    """
    receipt: Receipt = plan_vote(ballot, policy, secret=secret, now=now, entropy=entropy).run()
    return receipt


def plan_vote(
    ballot: Ballot, policy: Policy, *, secret: str, now: datetime | None, entropy: Callable[[int], bytes]
) -> Write:
    """The same as a write that is still to be done."""
    return Write(cast_one, (ballot, policy, secret, now, entropy))
