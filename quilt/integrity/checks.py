"""Asking the voters of held votes whether it was they: one letter each, and an answer by pressing a button."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, exists, select, update
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.database import db, insert_if_new, transaction, write
from quilt.entries.models import Entry
from quilt.integrity.facts import get_rulebook
from quilt.integrity.models import VoteCheck
from quilt.integrity.rules import Rulebook
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.signed_ids import make_token
from quilt.votes.decisions import Verdict, decide_votes, lock_votes
from quilt.votes.evidence import unpack_evidence
from quilt.votes.ledger_models import Settlement
from quilt.votes.models import DecisionInbox, Vote, VoteDecision, Voter
from quilt.votes.settling import is_any_settled

PATH = "/votes/check/"
VOTE_CHECK = b"vote check"  # what the token in the link is for
ANSWERED_BY_VOTER = "score"  # what else holds a vote is looked at by a person, whatever its voter says
MOST_LETTERS = 500  # of one round
_check = VoteCheck.__table__
_IS_FINAL = exists().where(Settlement.contest_id == Vote.contest_id, Settlement.settled_at.is_not(None))


@dataclass(frozen=True, slots=True)
class CheckedVote:
    """What the letter's page shows: the entry, whether the question was answered before, and whether it is still open."""

    vote_id: int
    contest_id: int
    entry_id: int
    entry_title: str
    entry_slug: str
    is_answered: bool
    is_held: bool
    receipt: str


def mail_checks(settings: Settings, now: datetime) -> int:
    """Write to the voters of held votes, once for each vote (a primary key), whoever holds it; how many were asked.

    The letter is the same for all: it does not tell by what the vote is held. It leaves once the decision is in the
    ledger: before the public batch nobody learns what became of a vote. Where the result is final nobody is asked.
    """
    return sum(_ask(vote_id, settings, now) for vote_id in _list_unasked())


def find_checked(vote_id: int) -> CheckedVote | None:
    """The vote that somebody was asked about, or None."""
    statement = (
        select(
            Vote.id,
            Vote.contest_id,
            Entry.id,
            Entry.title,
            Entry.slug,
            VoteCheck.answered_at.is_not(None),
            and_(Vote.state == "held", ~_IS_FINAL),
            Vote.receipt,
        )
        .join(Entry, Entry.id == Vote.entry_id)
        .join(VoteCheck, VoteCheck.vote_id == Vote.id)
        .where(Vote.id == vote_id)
    )
    row = db.session.execute(statement).first()
    return None if row is None else CheckedVote(*row)


def answer_check(vote_id: int, evidence: bytes, now: datetime) -> bool:
    """Note that the voter says it was they; True when the vote counts by it.

    The first answer stands; one that comes as quickly as a program's is none. A vote that waits for nothing else
    counts at once. An answer about a vote that something stronger than points holds is noted, and a person looks at it.
    """
    return write(_answer, vote_id, evidence, now)


def _answer(connection: Connection, vote_id: int, evidence: bytes, now: datetime) -> bool:
    book, is_open = get_rulebook(), (_check.c.vote_id == vote_id) & _check.c.answered_at.is_(None)
    mailed_at = connection.scalar(select(_check.c.mailed_at).where(is_open))
    if mailed_at is None or _is_too_quick(book, (now - mailed_at).total_seconds(), evidence):
        return False
    answer = update(VoteCheck).where(is_open).values(answered_at=now, evidence=evidence)
    if not connection.execute(answer).rowcount:
        return False
    [vote] = lock_votes(connection, [vote_id])
    if vote.state != "held" or not _is_held_by_score(connection, vote_id):
        return False
    if is_any_settled(connection, [vote_id]):
        return False
    words = "The voter confirmed it by the link that we mailed."
    return bool(
        decide_votes(connection, [vote_id], Verdict("counted", "voter", "confirmed", book.name, words), now)
    )


def _is_held_by_score(connection: Connection, vote_id: int) -> bool:
    statement = select(VoteDecision.actor, VoteDecision.reason).where(VoteDecision.vote_id == vote_id)
    last = connection.execute(statement.order_by(VoteDecision.id.desc()).limit(1)).one()
    return (last.actor, last.reason) == ("rules", ANSWERED_BY_VOTER)


def _is_too_quick(book: Rulebook, wait: float, evidence: bytes) -> bool:
    """As a program's answer is; one whose page nobody has seen opened is no slower."""
    form_age, limit = unpack_evidence(evidence).form_age, book.signs["hasty"].numbers["below"]
    return wait < book.confirm_below or form_age is None or form_age < limit


def _list_unasked() -> list[int]:
    in_inbox = exists().where(DecisionInbox.decision_id == VoteDecision.id)
    statement = (
        select(Vote.id)
        .join(VoteDecision, VoteDecision.vote_id == Vote.id)
        .join(Voter, Voter.id == Vote.voter_id)
        .where(
            Vote.state == "held",
            VoteDecision.after == "held",
            Voter.user_id.is_not(None),
            ~in_inbox,
            ~_IS_FINAL,
            ~exists().where(_check.c.vote_id == Vote.id),
        )
        .distinct()
        .order_by(Vote.id)
        .limit(MOST_LETTERS)
    )
    return list(db.session.scalars(statement))


def _ask(vote_id: int, settings: Settings, now: datetime) -> bool:
    with transaction() as session:
        vote = session.get_one(Vote, vote_id)
        if not _note(session, vote, now):
            return False
        row = session.execute(
            select(User.email, Entry.title)
            .join(Voter, Voter.user_id == User.id)
            .join(Entry, Entry.id == vote.entry_id)
            .where(Voter.id == vote.voter_id)
        ).one()
        url = f"{settings.base_url}{PATH}{make_token(vote_id, settings.secret_key, VOTE_CHECK)}"
        letter = composer(settings)("vote_check", title=row.title, check_url=url)
        put_in_outbox(session, letter, row.email, now)
    return True


def _note(session: Session, vote: Vote, now: datetime) -> bool:
    insert = insert_if_new(_check, session.get_bind().dialect.name, "vote_id")
    row = {"vote_id": vote.id, "contest_id": vote.contest_id, "mailed_at": now}
    return session.execute(insert, row).scalar() is not None
