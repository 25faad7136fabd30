"""Which entries have moved since their branches were looked through, and whose branches have grown."""

from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, or_, select

from quilt.accounts.models import User
from quilt.arrivals.models import Arrival, ArrivalStat, EntrySpread
from quilt.contests.models import Contest
from quilt.database import db
from quilt.entries.models import Entry
from quilt.journeys.models import BranchCheck, BranchMilestone
from quilt.journeys.rules import MILESTONES
from quilt.votes.models import STANDING, Vote, Voter


@dataclass(frozen=True, slots=True)
class MovedEntry:
    """A published entry whose spread has another version than the one that was looked through."""

    id: int
    title: str
    spread_version: int


@dataclass(frozen=True, slots=True)
class GrownBranch:
    """A voter's branch that has passed a milestone which they were not told of. `people` is without themselves."""

    user_id: int
    people: int
    direct: int
    told: int  # the largest milestone until now


def list_moved_entries(limit: int) -> list[MovedEntry]:
    """Entries with a branch that can have reached the first milestone, those longest unchecked first."""
    rows = db.session.execute(_MOVED, {"most": limit})
    return [MovedEntry(*row) for row in rows]


def list_grown_branches(entry_id: int, limit: int) -> list[GrownBranch]:
    """The branches of an entry's voters that have passed a milestone not told yet, the largest first.

    One pass over the entry's votes; nothing is read of anybody else's arrival.
    """
    rows = db.session.execute(_GROWN, {"entry_id": entry_id, "most": limit})
    return [GrownBranch(*row) for row in rows]


_MOVED = (
    select(Entry.id, Entry.title, EntrySpread.version)
    .join(EntrySpread, EntrySpread.entry_id == Entry.id)
    .join(Contest, Contest.id == Entry.contest_id)
    .outerjoin(BranchCheck, BranchCheck.entry_id == Entry.id)
    .where(
        Entry.state == "published",
        Contest.is_published,
        EntrySpread.size > MILESTONES[0] + 1,  # the entry, one person, and those they brought
        or_(BranchCheck.entry_id.is_(None), BranchCheck.spread_version != EntrySpread.version),
    )
    .order_by(func.coalesce(BranchCheck.spread_version, 0) - EntrySpread.version, Entry.id)
    .limit(bindparam("most"))
)
_told = (
    select(BranchMilestone.user_id, func.max(BranchMilestone.people).label("people"))
    .where(BranchMilestone.entry_id == bindparam("entry_id"))
    .group_by(BranchMilestone.user_id)
    .subquery()
)
_people = func.max(ArrivalStat.subtree_size) - 1
_reached = case(
    *((_people >= milestone, milestone) for milestone in reversed(MILESTONES)),
    else_=0,
)
_until_now = func.coalesce(func.max(_told.c.people), 0)
_GROWN = (
    select(Voter.user_id, _people, func.max(ArrivalStat.children_count), _until_now)
    .select_from(Vote)
    .join(Voter, Voter.id == Vote.voter_id)
    .join(Arrival, Arrival.id == Vote.arrival_id)
    .join(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .join(User, User.id == Voter.user_id)
    .outerjoin(_told, _told.c.user_id == Voter.user_id)
    .where(
        Vote.entry_id == bindparam("entry_id"),
        Vote.state.in_(STANDING),
        Arrival.state == "live",
        ArrivalStat.subtree_size > MILESTONES[0],
    )
    .group_by(Voter.user_id)
    .having(_reached > _until_now)
    .order_by(_people.desc(), Voter.user_id)
    .limit(bindparam("most"))
)
