"""A second look: a voter or an entrant asks for it, somebody else than who decided answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, union, update
from sqlalchemy.exc import IntegrityError

from quilt.accounts.models import User
from quilt.accounts.queries import is_any_of
from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.entries.models import Entry
from quilt.integrity.facts import get_rulebook
from quilt.integrity.impartiality import is_partial
from quilt.integrity.models import Appeal
from quilt.ledger.leaves import APPEAL
from quilt.votes.decisions import TransitionRefused, Verdict, decide_votes, lock_votes
from quilt.votes.models import Vote, VoteDecision
from quilt.votes.public_states import own_state, public_state
from quilt.votes.settling import are_appeals_over

MOST_WORDS = 2000
OUTCOMES = {"upheld": "The votes count", "dismissed": "It stays as it is"}
_DOUBTED = ("held", "rejected")
_appeal = Appeal.__table__


class AppealRefused(Exception):
    """Nothing was changed; `message` says why."""

    message = "That cannot be done now."

    def __str__(self) -> str:
        return self.message


class UnknownReceipt(AppealRefused):
    message = "We know no vote by that receipt. It has 24 characters, digits and the letters a to f."


class NothingToAppeal(AppealRefused):
    """The vote counts, or nothing has been decided yet."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state
        self.message = {
            "counted": "This vote counts. There is nothing to appeal against.",
            "recorded": "This vote is recorded. What became of it is public after the next batch.",
            "withdrawn": "This vote was taken back by its voter.",
        }.get(state, "No vote of this entry is held or was rejected.")


class AlreadyAppealed(AppealRefused):
    message = "An appeal is waiting for an answer already. It is not lost."


class AppealsOver(AppealRefused):
    message = (
        "The time for appeals is over: it ended 48 hours after the result was published, and the result stands. "
        "Nothing was recorded; the rules of the contest say how to reach the people behind it."
    )


class WordsNeeded(AppealRefused):
    message = f"Tell us in your own words why, in at most {MOST_WORDS:,} characters."


class SamePerson(AppealRefused):
    message = "You have decided about these votes, or this appeal is yours: somebody else has to answer it."


class Partial(AppealRefused):
    message = (
        "You have an entry in this contest, or the vote is yours: somebody else has to answer this appeal."
    )


class AlreadyAnswered(AppealRefused):
    message = "This appeal was answered meanwhile. Nothing was changed."


class Changed(AppealRefused):
    message = "Something has changed since you looked. Nothing was recorded; look once more."


@dataclass(frozen=True, slots=True)
class ShownAppeal:
    """An appeal with what is needed to answer it."""

    id: int
    contest_id: int
    contest_title: str
    time_zone: str
    entry_id: int
    entry_title: str
    vote_id: int | None
    words: str
    created_at: datetime
    outcome: str
    answer: str
    answered_at: datetime | None
    answered_by: str | None
    author_id: int | None

    def may_be_answered_by(self, user_id: int) -> bool:
        """Whether somebody may answer: the appeal is not theirs, and they have not decided about its votes."""
        try:
            _check_answerer(db.session.connection(), self, user_id)
        except AppealRefused:
            return False
        return True


def appeal_by_receipt(receipt: str, words: str, *, author_id: int | None, now: datetime) -> int:
    """Record the appeal of whoever holds this receipt; its id. Raises an AppealRefused."""
    row = db.session.execute(
        select(Vote.id, Vote.contest_id, Vote.entry_id, own_state().label("state")).where(
            Vote.receipt == _clean(receipt)
        )
    ).first()
    if row is None:
        raise UnknownReceipt
    if row.state not in _DOUBTED:
        raise NothingToAppeal(row.state)
    return _record(row.contest_id, row.entry_id, row.id, words, author_id, now)


def appeal_for_entry(entry_id: int, words: str, *, author_id: int, now: datetime) -> int:
    """Record an entrant's appeal about all held and rejected votes of their entry. Raises an AppealRefused."""
    entry = db.session.get_one(Entry, entry_id)
    known = _in_question(entry_id, None).where(public_state().in_(_DOUBTED)).limit(1)
    if db.session.scalar(known) is None:
        raise NothingToAppeal("")
    return _record(entry.contest_id, entry_id, None, words, author_id, now)


def answer_appeal(appeal_id: int, outcome: str, words: str, *, actor_id: int, now: datetime) -> int:
    """Answer an appeal; how many votes count by it.

    Upheld, the vote (or every held or rejected vote of the entry) counts. Raises an AppealRefused, by somebody who
    has decided about one of these votes too; the database itself refuses them as well.
    """
    words = words.replace("\x00", "").strip()
    if not words or len(words) > MOST_WORDS or outcome not in OUTCOMES:
        raise WordsNeeded
    try:
        return write(_answer, appeal_id, outcome, words, actor_id, now)
    except (IntegrityError, TransitionRefused):
        raise Changed from None


def list_appeals(contest_id: int, *, is_open: bool, limit: int = 100) -> list[ShownAppeal]:
    """Appeals of a contest: those that wait, the oldest first, or those that were answered, the newest first."""
    order = Appeal.id if is_open else Appeal.answered_at.desc()
    condition = Appeal.answered_at.is_(None) if is_open else Appeal.answered_at.is_not(None)
    statement = _shown().where(Appeal.contest_id == contest_id, condition).order_by(order).limit(limit)
    return [ShownAppeal(*row) for row in db.session.execute(statement)]


def list_appeals_about(entry_id: int, vote_id: int | None = None) -> list[ShownAppeal]:
    """The appeals of an entry's entrant, or those about one vote, the newest first."""
    statement = _shown().where(Appeal.entry_id == entry_id)
    about = Appeal.vote_id.is_(None) if vote_id is None else Appeal.vote_id == vote_id
    rows = db.session.execute(statement.where(about).order_by(Appeal.id.desc()).limit(50))
    return [ShownAppeal(*row) for row in rows]


def find_appeals_of(receipt: str) -> list[ShownAppeal]:
    """The appeals about the vote of this receipt, the newest first."""
    row = db.session.execute(select(Vote.id, Vote.entry_id).where(Vote.receipt == _clean(receipt))).first()
    return [] if row is None else list_appeals_about(row.entry_id, row.id)


def _clean(receipt: str) -> str:
    return "".join(receipt.split()).casefold()[:64]


def _record(
    contest_id: int, entry_id: int, vote_id: int | None, words: str, author_id: int | None, now: datetime
) -> int:
    words = words.replace("\x00", "").strip()
    if not words or len(words) > MOST_WORDS:
        raise WordsNeeded
    row = {"contest_id": contest_id, "entry_id": entry_id, "vote_id": vote_id, "words": words,
           "author_id": author_id, "created_at": now}  # fmt: skip
    try:
        return write(_insert, row, now)
    except IntegrityError:
        raise AlreadyAppealed from None


def _insert(connection: Connection, row: dict[str, Any], now: datetime) -> int:
    if are_appeals_over(connection, row["contest_id"], now):
        raise AppealsOver
    fields = {**row, "outcome": "", "answer": ""}
    return int(connection.execute(insert(Appeal).returning(Appeal.id), fields).scalar_one())


def _answer(
    connection: Connection, appeal_id: int, outcome: str, words: str, actor_id: int, now: datetime
) -> int:
    appeal = connection.execute(select(_appeal).where(_appeal.c.id == appeal_id).with_for_update()).first()
    if appeal is None or appeal.answered_at is not None:
        raise AlreadyAnswered
    votes = lock_votes(connection, connection.scalars(_in_question(appeal.entry_id, appeal.vote_id)))
    _check_answerer(connection, appeal, actor_id)
    answer = {"outcome": outcome, "answer": words, "answered_by_id": actor_id, "answered_at": now}
    connection.execute(update(Appeal).where(_appeal.c.id == appeal_id).values(**answer))
    if outcome != "upheld":
        return 0
    verdict = Verdict("counted", APPEAL, "upheld", get_rulebook().name, words, actor_id=actor_id)
    doubted = [vote.id for vote in votes if vote.state in _DOUBTED]
    return len(decide_votes(connection, doubted, verdict, now))


def _check_answerer(connection: Connection, appeal: Any, user_id: int) -> None:
    """Raises SamePerson where they wrote the appeal or decided about its votes, Partial where it touches them."""
    decided = select(VoteDecision.actor_id).where(
        VoteDecision.vote_id.in_(_in_question(appeal.entry_id, appeal.vote_id)),
        VoteDecision.actor_id.is_not(None),
        VoteDecision.actor != APPEAL,
    )
    wrote = select(Appeal.author_id).where(Appeal.id == appeal.id)
    if is_any_of(connection, user_id, union(decided, wrote).subquery().select()):
        raise SamePerson
    about = [] if appeal.vote_id is None else [appeal.vote_id]
    if is_partial(connection, user_id, appeal.contest_id, about):
        raise Partial


def _in_question(entry_id: int, vote_id: int | None) -> Select[int]:
    """The vote that an appeal is about, or all of the entry's that are held or rejected."""
    if vote_id is not None:
        return select(Vote.id).where(Vote.id == vote_id)
    return select(Vote.id).where(Vote.entry_id == entry_id, Vote.state.in_(_DOUBTED))


def _shown() -> Any:
    return (
        select(
            Appeal.id, Appeal.contest_id, Contest.title, Contest.time_zone, Entry.id, Entry.title, Appeal.vote_id, Appeal.words,
            Appeal.created_at, Appeal.outcome, Appeal.answer, Appeal.answered_at, User.name,
            Appeal.author_id,
        )
        .join(Contest, Contest.id == Appeal.contest_id)
        .join(Entry, Entry.id == Appeal.entry_id)
        .outerjoin(User, User.id == Appeal.answered_by_id)
    )  # fmt: skip
