"""Nobody decides about votes in a contest in which they have an entry, or about their own vote."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from quilt.accounts.queries import is_any_of
from quilt.entries.ownership import list_own_entries
from quilt.votes.bulk import among
from quilt.votes.models import Vote, Voter


def is_partial(connection: Connection, actor_id: int, contest_id: int, vote_ids: Sequence[int]) -> bool:
    """Whether this person has an entry in the contest, or cast one of these votes, by whatever account."""
    if list_own_entries(connection, actor_id, contest_id):
        return True
    given = among(Vote.__table__.c.id, vote_ids, connection.dialect.name)
    voters = select(Voter.user_id).join(Vote, Vote.voter_id == Voter.id).where(given)
    return is_any_of(connection, actor_id, voters)
