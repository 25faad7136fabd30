"""Letting go of a person: their votes and their place in the trees stay, nothing leads to them any more."""

from sqlalchemy import Connection, select, update

from quilt.arrivals.models import Arrival
from quilt.database import write
from quilt.votes.models import Vote, Voter


def forget_person(user_id: int) -> int:
    """Cut every way from an account to its arrivals and votes; how many arrivals lost their pseudonym.

    The node, its link and its parent stay, for structure is not personal, and so does the vote with its
    receipt. The voter keeps the keyed hash of their address and nothing else, so that nobody votes twice by
    deleting an account in between.
    """

    def work(connection: Connection) -> int:
        voters = select(Voter.id).where(Voter.user_id == user_id)
        arrivals = select(Vote.arrival_id).where(Vote.voter_id.in_(voters), Vote.arrival_id.is_not(None))
        nameless = connection.execute(
            update(Arrival).where(Arrival.id.in_(arrivals)).values(visitor_key=None)
        ).rowcount
        connection.execute(update(Voter).where(Voter.user_id == user_id).values(user_id=None))
        return nameless

    return write(work)
