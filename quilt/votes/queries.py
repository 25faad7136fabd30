"""Reading votes and the policy they are cast under."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from quilt.arrivals.models import Arrival
from quilt.contests.models import BallotPolicy, Contest
from quilt.contests.policy_text import split_list
from quilt.database import db
from quilt.entries.models import Entry
from quilt.votes.casting_models import ShownTally, VoteKey
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.public_states import own_state
from quilt.votes.rules import Policy
from quilt.votes.shown import shown_votes


@dataclass(frozen=True, slots=True)
class CastVote:
    """A vote as its voter sees it; `state` is what the ledger says of it."""

    receipt: str
    state: str
    cast_at: datetime
    period: str
    entry_id: int
    entry_title: str
    entry_slug: str
    contest_title: str
    time_zone: str
    revocable_until: datetime | None
    tier: str


@dataclass(frozen=True, slots=True)
class DoubtedVote:
    """A vote whose holder of the receipt asks what became of it; `state` is what the ledger says."""

    id: int
    contest_id: int
    entry_title: str
    state: str


def build_policy(contest: Contest) -> Policy:
    """The contest's ballot policy and voting times as plain facts."""
    policy = contest.policy
    voting = [phase for phase in contest.phases if phase.may_vote]
    windows = tuple((phase.starts_at, phase.ends_at) for phase in voting)
    pauses = {
        (phase.paused_at, phase.resumed_at, phase.pause_reason)
        for phase in voting
        if phase.paused_at is not None
    }
    return Policy(
        contest.id, contest.time_zone, policy.period, policy.limit_count, policy.may_vote_for_own, windows,
        contest.voter_salt, split_list(policy.tiers), tuple(pauses), policy.revocable_until,
    )  # fmt: skip


def find_own_code(receipt: str) -> str | None:
    """The code of the link that the voter of this receipt passes on; None where they have none."""
    statement = select(Arrival.code).join(Vote, Vote.arrival_id == Arrival.id)
    return db.session.scalar(statement.where(Vote.receipt == receipt))


def list_votes_of(user_id: int, entry_id: int | None = None) -> list[CastVote]:
    """The votes of a signed-in person, newest first; of one entry where it is given."""
    statement = (
        select(
            Vote.receipt, own_state(), Vote.cast_at, Vote.period, Entry.id, Entry.title, Entry.slug,
            Contest.title, Contest.time_zone, BallotPolicy.revocable_until, Vote.tier,
        )
        .join(Voter, Voter.id == Vote.voter_id)
        .join(Entry, Entry.id == Vote.entry_id)
        .join(Contest, Contest.id == Vote.contest_id)
        .join(BallotPolicy, BallotPolicy.contest_id == Vote.contest_id)
        .where(Voter.user_id == user_id)
        .order_by(Vote.id.desc())
        .limit(200)
    )  # fmt: skip
    if entry_id is not None:
        statement = statement.where(Vote.entry_id == entry_id)
    return [CastVote(*row) for row in db.session.execute(statement)]


def find_doubted(receipt: str) -> DoubtedVote | None:
    """The vote with this receipt, as whoever holds it may know it."""
    statement = select(Vote.id, Vote.contest_id, Entry.title, own_state())
    row = db.session.execute(
        statement.join(Entry, Entry.id == Vote.entry_id).where(Vote.receipt == receipt)
    ).first()
    return None if row is None else DoubtedVote(*row)


def find_vote_key(user_id: int, digest: bytes) -> VoteKey | None:
    """What this person's Idempotency-Key (its SHA-256) stood for, or None."""
    return db.session.get(VoteKey, (user_id, digest))


def count_votes(entry_id: int) -> int:
    """The votes of an entry that stand (recorded or counted), as everybody may see them at this moment."""
    statement = (
        select(shown_votes())
        .select_from(EntryTally)
        .outerjoin(ShownTally, ShownTally.entry_id == EntryTally.entry_id)
        .where(EntryTally.entry_id == entry_id)
    )
    return db.session.scalar(statement) or 0
