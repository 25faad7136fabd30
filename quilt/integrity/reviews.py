"""What a reviewer does to one or many votes at once: tried out first, done in one transaction, undone once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, literal, select
from sqlalchemy.orm import aliased

from quilt.database import db, write
from quilt.integrity.facts import cut, get_rulebook
from quilt.integrity.impartiality import is_partial
from quilt.integrity.models import ReviewedVote, VoteReview
from quilt.votes.decisions import ResultIsFinal, Verdict, decide_votes, lock_tallies, lock_votes
from quilt.votes.models import Vote, VoteDecision

MOST_WORDS = 2000
# What a reviewer may do, and the states it can be done to. A vote that is recorded waits for its batch.
ACTIONS = {"held": ("counted", "rejected"), "counted": ("held",), "rejected": ("held",)}
REASONS = {
    "program": "A program cast them.",
    "same_person": "One person cast several of them.",
    "bought": "They were bought or exchanged.",
    "people": "Looked at: people cast them.",
    "mistake": "They were held by mistake.",
    "other": "Another reason, explained below.",
}
_UNDONE = "This was undone already."
_FINAL = "The result of this contest is final, so its votes stay as they are. Nothing was changed."
_PARTIAL = (
    "You have an entry in this contest, or one of these votes is yours: somebody else has to decide about them. "
    "Nothing was changed."
)
_CHANGED = "Something has changed since you looked. Nothing was done; look once more."


class ReviewRefused(Exception):
    """Nothing was changed; `message` says why, `field` which part of the form."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@dataclass(frozen=True, slots=True)
class Trial:
    """What an action would do: the votes that would change, and how many in which states would not.

    `seal` fits these votes in their present states: it tells whether anything has changed since.
    """

    vote_ids: tuple[int, ...]
    kept: dict[str, int]
    seal: str


def try_review(vote_ids: Sequence[int], after: str) -> Trial:
    """What bringing these votes into `after` would change; nothing is changed. Raises ReviewRefused."""
    if after not in ACTIONS:
        raise ReviewRefused("Choose what to do: hold, count or reject.", "after")
    with db.engine.connect() as connection:
        return _try(_read(connection, vote_ids), after)


def review_votes(
    vote_ids: Sequence[int], after: str, *, reason: str, words: str, seal: str, actor_id: int, now: datetime,
    contest_id: int, entry_id: int | None = None,
) -> int:  # fmt: skip
    """Bring those votes into `after` that may go there, in one transaction; returns the review's id.

    Raises ReviewRefused: without a reason, where nothing would change, where it is not what was tried (`seal`), where
    the contest's result is final, or by somebody whom it touches.
    """
    words = words.replace("\x00", "").strip()
    _check(after, reason, words)
    try:
        return write(
            _review, tuple(vote_ids), after, reason, words, seal, actor_id, now, contest_id, entry_id
        )
    except ResultIsFinal:
        raise ReviewRefused(_FINAL) from None


def undo_review(review_id: int, *, words: str, actor_id: int, now: datetime) -> int:
    """Bring the votes of a review, as far as nobody has decided about them since, back to where they were.

    Returns the id of the review that undoes it: the first, where they came from two states. Raises ReviewRefused:
    unknown, undone before, an undo itself, or nothing is left to undo.
    """
    words = words.replace("\x00", "").strip()
    _check("held", "mistake", words)
    try:
        return write(_undo, review_id, words, actor_id, now)
    except ResultIsFinal:
        raise ReviewRefused(_FINAL) from None


def _check(after: str, reason: str, words: str) -> None:
    if after not in ACTIONS:
        raise ReviewRefused("Choose what to do: hold, count or reject.", "after")
    if reason not in REASONS:
        raise ReviewRefused("Choose a reason; the ledger names it and the log keeps it.", "reason")
    if not words or len(words) > MOST_WORDS:
        raise ReviewRefused(f"Say what you saw, in at most {MOST_WORDS:,} characters.", "words")


def _read(connection: Connection, vote_ids: Sequence[int]) -> Iterator[Row[int, str]]:
    for ids in cut(sorted(set(vote_ids))):
        yield from connection.execute(select(Vote.id, Vote.state).where(Vote.id.in_(ids)))


def _try(votes: Iterable[Any], after: str) -> Trial:
    states = {vote.id: vote.state for vote in votes}
    changing = tuple(sorted(vote_id for vote_id, state in states.items() if state in ACTIONS[after]))
    told = "\n".join(f"{vote_id} {states[vote_id]} {after}" for vote_id in changing)
    kept = Counter(state for state in states.values() if state not in ACTIONS[after])
    return Trial(changing, dict(kept), sha256(told.encode()).hexdigest()[:32])


def _review(
    connection: Connection, vote_ids: Sequence[int], after: str, reason: str, words: str, seal: str,
    actor_id: int, now: datetime, contest_id: int, entry_id: int | None,
) -> int:  # fmt: skip
    trial = _try(_read(connection, vote_ids), after)
    if not trial.vote_ids:
        raise ReviewRefused("None of these votes can go there. Nothing was changed.")
    if _try(lock_votes(connection, trial.vote_ids), after).seal != seal:
        raise ReviewRefused(_CHANGED)
    if is_partial(connection, actor_id, contest_id, trial.vote_ids):
        raise ReviewRefused(_PARTIAL)
    facts = {"contest_id": contest_id, "entry_id": entry_id, "after": after, "reason": reason, "words": words}
    return _write_down(connection, trial.vote_ids, facts, actor_id, now)


def _undo(connection: Connection, review_id: int, words: str, actor_id: int, now: datetime) -> int:
    review = connection.execute(select(VoteReview.__table__).where(VoteReview.id == review_id)).first()
    if review is None:
        raise ReviewRefused("There is no such decision.")
    if review.undoes_id is not None:
        raise ReviewRefused("This is an undo itself, and stays. Decide about the votes anew.")
    places = _find_places(connection, review_id)
    if connection.scalar(select(VoteReview.id).where(VoteReview.undoes_id == review_id)) is not None:
        raise ReviewRefused(_UNDONE)
    if not places:
        raise ReviewRefused("Nothing is left to undo: these votes were decided about since.")
    if is_partial(connection, actor_id, review.contest_id, list(chain.from_iterable(places.values()))):
        raise ReviewRefused(_PARTIAL)
    facts = {
        "contest_id": review.contest_id,
        "entry_id": review.entry_id,
        "reason": "mistake",
        "words": words,
        "undoes_id": review_id,
    }
    undone = [
        _write_down(connection, ids, {**facts, "after": after}, actor_id, now)
        for after, ids in sorted(places.items())
    ]
    return undone[0]


def _find_places(connection: Connection, review_id: int) -> dict[str, list[int]]:
    """The votes about which nothing was decided after this review, by the state that they came from; locked."""
    reviewed = select(ReviewedVote.vote_id).where(ReviewedVote.review_id == review_id)
    locked = lock_votes(connection, connection.scalars(reviewed))
    lock_tallies(connection, {vote.entry_id for vote in locked})  # they are decided about state by state
    later = aliased(VoteDecision)
    rows = connection.execute(
        select(VoteDecision.before, VoteDecision.vote_id)
        .join(ReviewedVote, ReviewedVote.decision_id == VoteDecision.id)
        .where(
            ReviewedVote.review_id == review_id,
            ~exists().where(later.vote_id == VoteDecision.vote_id, later.id > VoteDecision.id),
        )
    )
    places: dict[str, list[int]] = {}
    for before, vote_id in rows:
        places.setdefault(before, []).append(vote_id)
    return places


def _write_down(
    connection: Connection, vote_ids: Sequence[int], facts: Mapping[str, object], actor_id: int, now: datetime
) -> int:
    row = {**facts, "votes_count": len(vote_ids), "actor_id": actor_id, "decided_at": now}
    review_id = int(connection.execute(insert(VoteReview).returning(VoteReview.id), row).scalar_one())
    verdict = Verdict(
        str(facts["after"]), "reviewer", str(facts["reason"]), get_rulebook().name, str(facts["words"]),
        actor_id=actor_id,
    )  # fmt: skip
    decide_votes(connection, vote_ids, verdict, now)
    for ids in cut(vote_ids):
        decided = (
            select(literal(review_id), VoteDecision.vote_id, func.max(VoteDecision.id))
            .where(VoteDecision.vote_id.in_(ids))
            .group_by(VoteDecision.vote_id)
        )
        connection.execute(insert(ReviewedVote).from_select(["review_id", "vote_id", "decision_id"], decided))
    return review_id
