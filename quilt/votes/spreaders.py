"""Which arrivals are whose, as far as votes tell: a person's own branches, and the names of who wishes to be named."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from quilt.accounts.models import User
from quilt.arrivals.models import ArrivalStat
from quilt.contests.models import Contest
from quilt.database import db
from quilt.entries.models import Entry
from quilt.votes.models import STANDING, Vote, Voter


@dataclass(frozen=True, slots=True)
class OwnArrival:
    """A voter's own arrival and the public entry it belongs to."""

    arrival_id: int
    entry_title: str
    entry_slug: str
    contest_id: int


def list_own_arrivals(user_id: int, limit: int) -> list[OwnArrival]:
    """Where this person's votes stand in the trees, those with the largest branches first."""
    size = func.max(func.coalesce(ArrivalStat.subtree_size, 1))
    statement = (
        select(Vote.arrival_id, Entry.title, Entry.slug, Entry.contest_id)
        .join(Voter, Voter.id == Vote.voter_id)
        .join(Entry, Entry.id == Vote.entry_id)
        .join(Contest, Contest.id == Entry.contest_id)
        .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Vote.arrival_id)
        .where(
            Voter.user_id == user_id,
            Vote.arrival_id.is_not(None),
            Entry.state == "published",
            Contest.is_published,
        )
        .group_by(Vote.arrival_id, Entry.title, Entry.slug, Entry.contest_id)
        .order_by(size.desc(), Vote.arrival_id)
        .limit(limit)
    )
    return [OwnArrival(*row) for row in db.session.execute(statement)]  # type: ignore[arg-type]


def list_open_names(arrival_ids: Collection[int]) -> dict[int, str]:
    """The names of those among these arrivals whose voters have chosen to be named among the top spreaders."""
    if not arrival_ids:
        return {}
    statement = (
        select(Vote.arrival_id, User.name)
        .join(Voter, Voter.id == Vote.voter_id)
        .join(User, User.id == Voter.user_id)
        .where(
            Vote.arrival_id.in_(arrival_ids),
            Vote.state.in_(STANDING),
            User.is_named_spreader,
            User.name != "",
        )
    )
    return {row.arrival_id: row.name for row in db.session.execute(statement)}
