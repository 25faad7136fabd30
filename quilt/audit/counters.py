"""Counters against the rows that they count, and votes against their ballots."""

from sqlalchemy import Connection, func, or_, select

from quilt.audit.report import Check
from quilt.contests.models import BallotPolicy
from quilt.entries.models import Entry
from quilt.votes.models import EntryTally, Vote, Voter


def check_tallies(connection: Connection) -> Check:
    """Each entry's counter equals its counted votes, and each entry with votes has one."""
    votes = {
        entry_id: count
        for entry_id, count in connection.execute(
            select(Vote.entry_id, func.count()).where(Vote.state == "counted").group_by(Vote.entry_id)
        )
    }
    tallies = {
        entry_id: count
        for entry_id, count in connection.execute(select(EntryTally.entry_id, EntryTally.counted))
    }
    differences = [
        f"entry {entry_id}: the counter says {_say(tallies.get(entry_id))}, its votes are {votes.get(entry_id, 0)}"
        for entry_id in sorted(votes.keys() | tallies.keys())
        if tallies.get(entry_id) != votes.get(entry_id, 0)
    ]
    return Check(
        "vote counters", sum(votes.values()) + len(tallies), "votes and counters", tuple(differences)
    )


def check_ballots(connection: Connection) -> Check:
    """Each vote stands in its entry's and its voter's contest, and in a slot that the policy has."""
    count = connection.execute(select(func.count()).select_from(Vote)).scalar_one()
    strays = (
        select(Vote.id)
        .join(Entry, Entry.id == Vote.entry_id)
        .join(Voter, Voter.id == Vote.voter_id)
        .outerjoin(BallotPolicy, BallotPolicy.contest_id == Vote.contest_id)
        .where(
            or_(
                Vote.contest_id != Entry.contest_id,
                Vote.contest_id != Voter.contest_id,
                Vote.slot < 0,
                Vote.slot >= BallotPolicy.limit_count,
            )
        )
        .order_by(Vote.id)
    )
    differences = [
        f"vote {vote_id} fits neither its contest nor its ballot" for vote_id in connection.scalars(strays)
    ]
    return Check("ballots", count, "votes", tuple(differences))


def _say(count: int | None) -> str:
    return "nothing" if count is None else str(count)
