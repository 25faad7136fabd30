"""Counters against the rows that they count, and votes against their ballots."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, distinct, exists, func, or_, select

from quilt.audit.report import Check
from quilt.contests.models import BallotPolicy
from quilt.entries.models import Entry
from quilt.votes.casting_models import VoterIdentity
from quilt.votes.models import STANDING, EntryTally, Vote, Voter

COUNTERS = ("standing", "held", "rejected", "withdrawn")


def check_tallies(connection: Connection) -> Check:
    """Each entry's counters equal its votes by state, and each entry with votes has them."""
    votes: dict[int, Counter[str]] = {}
    rows = select(Vote.entry_id, Vote.state, func.count()).group_by(Vote.entry_id, Vote.state)
    for entry_id, state, count in connection.execute(rows):
        votes.setdefault(entry_id, Counter())["standing" if state in STANDING else state] += count
    columns = [EntryTally.__table__.c[name] for name in COUNTERS]
    tallies = {
        entry_id: dict(zip(COUNTERS, counts, strict=True))
        for entry_id, *counts in connection.execute(select(EntryTally.entry_id, *columns))
    }
    differences = [
        f"entry {entry_id}: the counter of {name} votes says {_say(tallies.get(entry_id, {}).get(name))}, "
        f"there are {votes.get(entry_id, Counter())[name]}"
        for entry_id in sorted(votes.keys() | tallies.keys())
        for name in COUNTERS
        if tallies.get(entry_id, {}).get(name) != votes.get(entry_id, Counter())[name]
    ]
    looked_at = sum(map(Counter.total, votes.values())) + len(tallies)
    return Check("vote counters", looked_at, "votes and counters", tuple(differences))


def check_ballots(connection: Connection) -> Check:
    """Each vote stands in its entry's and its voter's contest, in a slot that the policy has, and no two people's
    votes at one arrival.

    Behind each voter of a vote by a provider's word stands an identity, in the voter's own contest.
    """
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
    return Check(
        "ballots", count, "votes", (*differences, *_list_shared(connection), *_list_unvouched(connection))
    )


def _list_shared(connection: Connection) -> Iterator[str]:
    people = func.count(distinct(Vote.voter_id))
    shared = select(Vote.arrival_id).group_by(Vote.arrival_id).having(people > 1).order_by(Vote.arrival_id)
    for arrival_id in connection.scalars(shared.where(Vote.arrival_id.is_not(None))):
        yield f"arrival {arrival_id} carries votes of more than one person"


def _list_unvouched(connection: Connection) -> Iterator[str]:
    behind = exists().where(
        VoterIdentity.voter_id == Vote.voter_id, VoterIdentity.contest_id == Vote.contest_id
    )
    unvouched = select(Vote.voter_id).distinct().where(Vote.tier == "oauth", ~behind)
    for voter_id in connection.scalars(unvouched.order_by(Vote.voter_id)):
        yield f"voter {voter_id} is known by a provider, and no identity stands behind them"
    strays = (
        select(Voter.id)
        .join(VoterIdentity, VoterIdentity.voter_id == Voter.id)
        .where(VoterIdentity.contest_id != Voter.contest_id)
        .order_by(Voter.id)
    )
    for voter_id in connection.scalars(strays):
        yield f"an identity behind voter {voter_id} is noted in another contest"


def _say(count: int | None) -> str:
    return "nothing" if count is None else str(count)
