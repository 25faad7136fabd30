"""Nobody decides about votes in a contest in which they have an entry, or about their own vote."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from quilt.entries.ownership import list_own_entries
from quilt.integrity.facts import cut
from quilt.votes.bulk import among
from quilt.votes.models import Vote, Voter


def is_partial(connection: Connection, actor_id: int, contest_id: int, vote_ids: Sequence[int]) -> bool:
    """Whether this person has an entry in the contest, or cast one of these votes."""
    if list_own_entries(connection, actor_id, contest_id):
        return True
    own = select(Vote.id).join(Voter, Voter.id == Vote.voter_id).where(Voter.user_id == actor_id)
    dialect = connection.dialect.name
    return any(
        connection.scalar(own.where(among(Vote.__table__.c.id, ids, dialect)).limit(1)) is not None
        for ids in cut(vote_ids)
    )
