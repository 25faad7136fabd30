"""The one door through which a vote's state changes: row, counters, tree and log in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, insert, literal, select, update

from quilt.arrivals.models import ArrivalInbox
from quilt.ledger.leaves import RULES
from quilt.ledger.states import TRANSITIONS
from quilt.votes.bulk import among
from quilt.votes.models import STANDING, DecisionInbox, EntryTally, Vote, VoteDecision
from quilt.votes.settling import is_any_settled

_vote, _tally = Vote.__table__, EntryTally.__table__


class TransitionRefused(Exception):
    """This actor may not bring the vote from its state into the one asked for; nothing was changed."""

    def __init__(self, vote_id: int, before: str, after: str) -> None:
        super().__init__(f"vote {vote_id} cannot go from {before} to {after} in this way")
        self.vote_id = vote_id
        self.before = before
        self.after = after


class ResultIsFinal(TransitionRefused):
    """The result that these votes made is final; nothing was changed."""


class Verdict(NamedTuple):
    """What is decided, and by whom.

    `after` is a state of `quilt.ledger.states`, `actor` one of its actors and `reason` a tag; `rules` is the
    version of the evidence rules in force; `words` are for people, `evidence` is JSON of what the rules saw.
    """

    after: str
    actor: str
    reason: str
    rules: str
    words: str = ""
    evidence: str = ""
    actor_id: int | None = None


class LockedVote(Protocol):
    """What a decision has to know of a vote's row; it cannot change until the transaction ends."""

    @property
    def id(self) -> int: ...
    @property
    def entry_id(self) -> int: ...
    @property
    def arrival_id(self) -> int | None: ...
    @property
    def state(self) -> str: ...


def decide_votes(
    connection: Connection, vote_ids: Iterable[int], verdict: Verdict, now: datetime
) -> list[int]:
    """Bring each vote into `verdict.after`, write that down, and return the ids of those that changed, ascending.

    Votes that are in that state already stay as they are. The decisions wait in the inbox of the ledger. All votes are
    locked before the first counter, both in the order of their ids. Raises TransitionRefused when one of the votes may
    not go there, ResultIsFinal when it made a result that is final; call it within the transaction that it shall share.
    """
    ids = sorted(set(vote_ids))
    # The rules decide about votes that wait for the ledger, and no result is final while one does.
    if verdict.actor != RULES and is_any_settled(connection, ids):
        raise ResultIsFinal(ids[0], "any state", verdict.after)
    votes = [vote for vote in lock_votes(connection, ids) if vote.state != verdict.after]
    if votes:
        _put_in_inbox(connection, change_votes(connection, votes, verdict, now))
    return [vote.id for vote in votes]


def change_votes(
    connection: Connection, votes: Sequence[LockedVote], verdict: Verdict, now: datetime
) -> Sequence[int]:
    """Bring votes that the caller has locked, and that are in another state, into `verdict.after`: the rows, the
    counters, the tree and the log. Returns the ids of the decisions, which the caller brings to the ledger.

    Raises TransitionRefused when one of the votes may not go there.
    """
    _check(votes, verdict)
    given = among(_vote.c.id, [vote.id for vote in votes], connection.dialect.name)
    decisions = _write_down(connection, given, verdict, now)  # while the rows still say what was before
    connection.execute(update(Vote).where(given).values(state=verdict.after))
    _count(connection, votes, verdict.after)
    _tell_the_tree(connection, votes, verdict.after)
    return decisions


def lock_votes(connection: Connection, vote_ids: Iterable[int]) -> list[Any]:
    """Have these votes to oneself until the transaction ends: as they are now, so they stay. Ascending."""
    columns = (_vote.c.id, _vote.c.entry_id, _vote.c.arrival_id, _vote.c.state)
    given = among(_vote.c.id, sorted(set(vote_ids)), connection.dialect.name)
    statement = select(*columns).where(given).order_by(_vote.c.id)
    if connection.dialect.name != "sqlite":
        statement = statement.with_for_update()
    return list(connection.execute(statement).all())  # row by row costs three times as much


def lock_tallies(connection: Connection, entry_ids: Collection[int]) -> None:
    """Have the counters of these entries to oneself, in the order in which votes take them: before several decisions
    in one transaction, which would take them in any order and meet the votes in a ring."""
    if entry_ids and connection.dialect.name != "sqlite":
        given = among(_tally.c.entry_id, sorted(entry_ids), connection.dialect.name)
        connection.execute(
            select(_tally.c.entry_id).where(given).order_by(_tally.c.entry_id).with_for_update()
        )


def _check(votes: Sequence[LockedVote], verdict: Verdict) -> None:
    for vote in votes:
        if verdict.actor not in TRANSITIONS.get((vote.state, verdict.after), ()):
            raise TransitionRefused(vote.id, vote.state, verdict.after)


def _count(connection: Connection, votes: Sequence[LockedVote], after: str) -> None:
    changes: dict[int, dict[str, int]] = {}
    for vote in votes:
        before_counter, after_counter = _counter(vote.state), _counter(after)
        if before_counter != after_counter:
            entry = changes.setdefault(vote.entry_id, {})
            entry[before_counter] = entry.get(before_counter, 0) - 1
            entry[after_counter] = entry.get(after_counter, 0) + 1
    for entry_id, counters in sorted(changes.items()):
        values = {name: _tally.c[name] + more for name, more in counters.items()}
        connection.execute(update(EntryTally).where(_tally.c.entry_id == entry_id).values(values))


def _counter(state: str) -> str:
    return "standing" if state in STANDING else state


def _tell_the_tree(connection: Connection, votes: Sequence[LockedVote], after: str) -> None:
    """The spread counts votes that stand: one more or one less at the voter's arrival."""
    rows = [
        {
            "entry_id": vote.entry_id,
            "arrival_id": vote.arrival_id,
            "is_new": False,
            "votes": more,
            "returns": 0,
        }
        for vote in votes
        if vote.arrival_id is not None and (more := (after in STANDING) - (vote.state in STANDING))
    ]
    if rows:
        connection.execute(insert(ArrivalInbox), rows)


def _write_down(
    connection: Connection, given: ColumnElement[bool], verdict: Verdict, now: datetime
) -> Sequence[int]:
    told = {**verdict._asdict(), "decided_at": now}
    decided = select(
        _vote.c.contest_id, _vote.c.id, _vote.c.state,
        *(literal(value, VoteDecision.__table__.c[name].type) for name, value in told.items()),
    )  # fmt: skip
    added = insert(VoteDecision).from_select(
        ["contest_id", "vote_id", "before", *told], decided.where(given).order_by(_vote.c.id)
    )
    return connection.scalars(added.returning(VoteDecision.id)).all()


def _put_in_inbox(connection: Connection, ids: Sequence[int]) -> None:
    written = among(VoteDecision.__table__.c.id, ids, connection.dialect.name)
    waiting = select(VoteDecision.id, VoteDecision.contest_id).where(written)
    connection.execute(insert(DecisionInbox).from_select(["decision_id", "contest_id"], waiting))
