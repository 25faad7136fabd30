"""What votes know of a person, and how they let go: votes and places in the trees stay, nothing leads to them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, forgets, tells
from quilt.arrivals.models import Arrival
from quilt.contests.models import Contest
from quilt.database import transaction
from quilt.entries.models import Entry
from quilt.votes.casting_models import VoteKey
from quilt.votes.ledger_models import HeadLetter, HeadLetterOff, Settlement
from quilt.votes.models import Vote, Voter
from quilt.votes.public_states import own_state

KEPT = timedelta(days=30)  # after the result is final: receipts can be looked up here as long


@tells("votes")
def tell_votes(session: Session, user_id: int) -> Iterable[Row]:
    """Their votes with the receipts, what the ledger says of them, and the way they came."""
    statement = (
        select(Vote, Entry.title, own_state())
        .join(Voter, Voter.id == Vote.voter_id)
        .join(Entry, Entry.id == Vote.entry_id)
        .where(Voter.user_id == user_id)
        .order_by(Vote.id)
    )
    for vote, title, state in session.execute(statement):
        yield {
            "entry": vote.entry_id, "title": title, "receipt": vote.receipt, "state": state,
            "cast": vote.cast_at, "last_channel": vote.last_channel, "last_link": vote.last_code,
        }  # fmt: skip


@tells("links")
def tell_links(session: Session, user_id: int) -> Iterable[Row]:
    """Their own links: the places in the trees at which their votes point."""
    statement = select(Arrival).where(Arrival.id.in_(_own_arrivals(user_id))).order_by(Arrival.id)
    for row in session.scalars(statement):
        yield {"entry": row.entry_id, "code": row.code, "channel": row.channel, "arrived": row.arrived_at}


@forgets("votes")
def forget_voter(session: Session, user_id: int, now: datetime) -> None:
    """Cut every way from an account to its arrivals and votes, the keys of its clicks and its letters about heads.

    The node, its link and its parent stay, for structure is not personal, and so does the vote with its
    receipt. The voter keeps the keyed hashes of their address, and of the identities that vouched for them, and
    nothing else, so that nobody votes twice by deleting an account in between.
    """
    for table in (VoteKey, HeadLetter, HeadLetterOff):
        session.execute(delete(table).where(table.user_id == user_id))
    connection = session.connection()
    connection.execute(update(Arrival).where(Arrival.id.in_(_own_arrivals(user_id))).values(visitor_key=None))
    connection.execute(update(Voter).where(Voter.user_id == user_id).values(user_id=None))


def forget_keys(now: datetime) -> int:
    """Empty the salts of contests whose result has been final for thirty days; of how many contests.

    From then on nobody can compute a voter's key or a receipt's salt again.
    """
    final = select(Settlement.contest_id).where(Settlement.settled_at < now - KEPT)
    due = update(Contest).where(Contest.id.in_(final), Contest.voter_salt != b"").values(voter_salt=b"")
    with transaction() as session:
        return session.connection().execute(due).rowcount


def _own_arrivals(user_id: int) -> Any:
    voters = select(Voter.id).where(Voter.user_id == user_id)
    return select(Vote.arrival_id).where(Vote.voter_id.in_(voters), Vote.arrival_id.is_not(None))
