"""The batch: what has been cast and decided since the last one is written into the ledger, and a head is signed.

One batch is many short transactions, so that nobody who votes waits long, and a last one that signs. Whatever is
written stays written when the batch is cut off; the next goes on behind it. Two workers may do the same batch: the
lock of the ledger's row lets one append at a time, and a vote has one leaf (a unique key).
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, and_, case, delete, exists, false, func, select

from quilt.contests.models import Contest
from quilt.database import db, is_sqlite, write
from quilt.entries.models import Entry
from quilt.ledger.decisions import build_decisions
from quilt.ledger.leaves import EntryLeaf
from quilt.votes.bulk import among
from quilt.votes.decisions import Verdict, change_votes, lock_tallies
from quilt.votes.heads import sign_next_head
from quilt.votes.keys import SigningKey
from quilt.votes.leaves import Book, VoteFacts, build_vote_leaf, spell_tag
from quilt.votes.ledger_models import Ledger, LedgerEntry, LedgerHead, LedgerLeaf
from quilt.votes.models import STANDING, DecisionInbox, Vote, VoteDecision, Voter
from quilt.votes.rules import make_contest_key

Written = TypeVar("Written")
Judge = Callable[[Connection, int, Sequence[int]], Mapping[int, Verdict]]

CHUNK = 250  # votes, or decisions, in one transaction: on SQLite whoever votes waits for its end
WIDE_CHUNK = 1_000  # on PostgreSQL only who votes for an entry of which a vote is held
REST = 1.0  # after each of these, as a share of the time it took, waiting included: who votes meanwhile comes next
NEIGHBOURS = 1_000  # votes among which chance decides who comes first in the ledger
MOST_JUDGED = 20_000  # votes that are judged at once: while they are read, SQLite's log only grows
_vote, _decision, _inbox = Vote.__table__, VoteDecision.__table__, DecisionInbox.__table__
_leaf, _known = LedgerLeaf.__table__, LedgerEntry.__table__
_ledger, _head = Ledger.__table__, LedgerHead.__table__
_entry = Entry.__table__


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch has written: votes and decisions, and the size of the ledger at its head."""

    votes: int
    decisions: int
    size: int


class _Decided(NamedTuple):
    """A decision about a vote that has a leaf, and the reason of the one before it ('' where there is none)."""

    vote_id: int
    number: int
    entry_id: int
    before: str
    after: str
    actor: str
    reason: str
    rules: str
    reason_before: str = ""

    @classmethod
    def of(cls, vote: VoteFacts, number: int, verdict: Verdict) -> "_Decided":
        """What the batch itself decides about a recorded vote."""
        about = (verdict.after, verdict.actor, verdict.reason, verdict.rules)
        return cls(vote.id, number, vote.entry_id, vote.state, *about)


def close_batch(
    contest_id: int,
    key: SigningKey,
    judge: Judge,
    *,
    secret: str,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    chunk: int | None = None,
    rest: float = REST,
) -> Batch:
    """Write every vote that has no leaf, in an order of chance among its neighbours, every decision that waits, and
    the entries that have moved; then sign a head.

    `judge` says what becomes of each recorded vote; it reads, before anything of its part is written. Votes
    that are cast meanwhile wait for the next batch. Raises LedgerNotOpen.
    """
    chance = random.Random(entropy(32))
    chunk = chunk or (CHUNK if is_sqlite() else WIDE_CHUNK)
    votes = decisions = 0
    for vote_ids, verdicts in _judge_waiting(contest_id, judge):
        for part in _cut(_mix(vote_ids, chance), chunk):
            about = {vote_id: verdicts[vote_id] for vote_id in part if vote_id in verdicts}
            more = _write_and_rest(rest, append_votes, contest_id, part, about, secret, now())
            votes, decisions = votes + more[0], decisions + more[1]
    while more_decisions := _write_and_rest(rest, append_decisions, contest_id, chunk):
        decisions += more_decisions
    write(append_entries, contest_id)
    return Batch(votes, decisions, write(sign_next_head, contest_id, key, now()))


def append_votes(
    connection: Connection,
    contest_id: int,
    vote_ids: Sequence[int],
    verdicts: Mapping[int, Verdict],
    secret: str,
    now: datetime,
) -> tuple[int, int]:
    """Append the leaves of these votes in this order, decide about those still recorded, append these decisions.

    Votes that have a leaf already are passed over; what others decided about them before waits for
    `append_decisions`. Returns how many votes and decisions were written. Raises LedgerNotOpen.
    """
    book = Book(connection, contest_id)
    votes = _lock_votes(connection, vote_ids)
    salt: bytes = connection.execute(
        select(Contest.__table__.c.voter_salt).where(Contest.__table__.c.id == contest_id)
    ).scalar_one()
    contest_key = make_contest_key(secret, salt)
    numbers = book.add(
        [build_vote_leaf(book.name, vote, contest_key) for vote in votes], [vote.id for vote in votes]
    )
    decided: list[_Decided] = []
    by_verdict: dict[Verdict, list[VoteFacts]] = defaultdict(list)
    for vote, number in zip(votes, numbers, strict=True):
        if vote.state == "recorded":
            verdict = verdicts[vote.id]
            by_verdict[verdict].append(vote)
            decided.append(_Decided.of(vote, number, verdict))
    lock_tallies(connection, {row.entry_id for row in decided if row.after not in STANDING})
    for verdict, alike in by_verdict.items():
        change_votes(connection, alike, verdict, now)
    _append(book, decided)
    book.store()
    return len(votes), len(decided)


def append_decisions(connection: Connection, contest_id: int, most: int) -> int:
    """Append the oldest decisions that wait, `most` at once; returns how many. Raises LedgerNotOpen."""
    book = Book(connection, contest_id)
    count = _drain(connection, book, most)
    book.store()
    return count


def append_entries(connection: Connection, contest_id: int) -> int:
    """Append who has left the running since, or has come back; returns how many. Raises LedgerNotOpen."""
    book = Book(connection, contest_id)
    leaves = []
    for row in connection.execute(_moved_entries(contest_id)).all():
        runs = row.state == "published" and row.is_eligible
        reason = "eligible" if runs else "ineligible" if row.state == "published" else spell_tag(row.state)
        actor = "rules" if row.state == "withdrawn" else "reviewer"
        leaves.append(EntryLeaf(book.name, row.id, runs, actor, reason))
    book.add(leaves)
    book.store()
    return len(leaves)


def has_news(connection: Connection, contest_id: int) -> bool:
    """Whether a vote, a decision or an entry that left the running waits for the next batch, or a leaf for its head."""
    decided = select(_inbox.c.decision_id).where(_inbox.c.contest_id == contest_id)
    waiting = (_waiting_votes(contest_id), decided, _moved_entries(contest_id), _unsigned_leaves(contest_id))
    return any(connection.execute(statement.limit(1)).first() is not None for statement in waiting)


def count_moved_entries(connection: Connection, contest_id: int) -> int:
    """How many entries have left the running, or come back, and have no leaf yet that says so."""
    return len(connection.execute(_moved_entries(contest_id)).all())


def _write_and_rest(rest: float, work: Callable[..., Written], *args: Any) -> Written:
    began = time.perf_counter()
    written = write(work, *args)
    time.sleep(rest * (time.perf_counter() - began))
    return written


def _judge_waiting(contest_id: int, judge: Judge) -> Iterator[tuple[list[int], Mapping[int, Verdict]]]:
    """The votes without a leaf, as of now, in parts; each with the verdicts about those that are recorded."""
    with db.engine.connect() as connection:
        ids = sorted(connection.scalars(_waiting_votes(contest_id)))  # as they were cast, not entry by entry
        decided = select(_decision.c.vote_id).join(_inbox, _inbox.c.decision_id == _decision.c.id).distinct()
        decided = decided.where(_inbox.c.contest_id == contest_id, ~_has_leaf(_decision.c.vote_id))
        early = list(connection.scalars(decided))  # a voter or a reviewer was quicker than the batch
    for part in _cut(ids, MOST_JUDGED):
        with db.engine.connect() as connection:
            verdicts = judge(connection, contest_id, part)
        yield part, verdicts
    if early:
        yield early, {}


def _waiting_votes(contest_id: int) -> Any:
    """Recorded votes without a leaf, by the index on (entry, state)."""
    entries = select(_entry.c.id).where(_entry.c.contest_id == contest_id)
    return select(_vote.c.id).where(
        _vote.c.entry_id.in_(entries), _vote.c.state == "recorded", ~_has_leaf(_vote.c.id)
    )


def _moved_entries(contest_id: int) -> Any:
    """Entries that are in the running, or out of it, unlike what their last leaf says."""
    is_running = and_(_entry.c.state == "published", _entry.c.is_eligible)
    return (
        select(_entry.c.id, _entry.c.state, _entry.c.is_eligible)
        .outerjoin(_known, _known.c.entry_id == _entry.c.id)
        .where(
            _entry.c.contest_id == contest_id,
            _entry.c.published_at.is_not(None),
            case((is_running, 1), else_=0) != case((_known.c.is_running == false(), 0), else_=1),
        )
        .order_by(_entry.c.id)
    )


def _unsigned_leaves(contest_id: int) -> Any:
    """The ledger, where its last batch was cut off before it signed."""
    signed = select(func.max(_head.c.size)).where(_head.c.contest_id == contest_id).scalar_subquery()
    return select(_ledger.c.contest_id).where(_ledger.c.contest_id == contest_id, _ledger.c.size > signed)


def _has_leaf(vote_id: Any) -> Any:
    return exists().where(_leaf.c.vote_id == vote_id)


def _lock_votes(connection: Connection, vote_ids: Sequence[int]) -> list[VoteFacts]:
    """Those of the votes that have no leaf, in the given order; their state cannot change until we commit."""
    voter = Voter.__table__
    statement = (
        select(
            _vote.c.id, _vote.c.entry_id, _vote.c.period, _vote.c.state, _vote.c.receipt, _vote.c.cast_at,
            _vote.c.tier, voter.c.key, _vote.c.arrival_id,
        )
        .join(voter, voter.c.id == _vote.c.voter_id)
        .where(among(_vote.c.id, vote_ids, connection.dialect.name), ~_has_leaf(_vote.c.id))
        .order_by(_vote.c.id)
        .with_for_update(of=_vote)
    )  # fmt: skip
    found = {row.id: VoteFacts(*row) for row in connection.execute(statement).all()}
    return [found[vote_id] for vote_id in vote_ids if vote_id in found]


def _drain(connection: Connection, book: Book, most: int) -> int:
    """Take decisions about votes that have a leaf out of the inbox and append them, in the fewest leaves."""
    ready = (
        select(_inbox.c.decision_id)
        .join(_decision, _decision.c.id == _inbox.c.decision_id)
        .where(_inbox.c.contest_id == book.contest_id, _has_leaf(_decision.c.vote_id))
        .order_by(_inbox.c.decision_id)
        .limit(most)
    )
    taken = sorted(
        connection.scalars(
            delete(DecisionInbox).where(_inbox.c.decision_id.in_(ready)).returning(_inbox.c.decision_id)
        ).all()
    )
    decided = connection.execute(
        _ABOUT.where(among(_decision.c.id, taken, connection.dialect.name)).order_by(_decision.c.id)
    ).all()
    _append(book, [_Decided(*row) for row in decided])
    return len(decided)


def _append(book: Book, decided: Sequence[_Decided]) -> None:
    """Append decisions in the fewest leaves."""
    for (state, actor, reason, rules), numbers in _group(decided):
        book.add(build_decisions(book.name, numbers, state, actor, reason, rules))
    for row in decided:
        book.count(row.entry_id, row.before, spell_tag(row.reason_before) if row.reason_before else "", -1)
        book.count(row.entry_id, row.after, spell_tag(row.reason), 1)


def _group(decided: Iterable[_Decided]) -> Iterator[tuple[tuple[str, str, str, str], list[int]]]:
    """Leaf numbers by what is decided about them; the second decision about a vote comes after all the first."""
    seen: Counter[int] = Counter()
    rounds: dict[int, dict[tuple[str, str, str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in decided:
        what = (row.after, row.actor, spell_tag(row.reason), spell_tag(row.rules))
        rounds[seen[row.vote_id]][what].append(row.number)
        seen[row.vote_id] += 1
    for number in sorted(rounds):
        yield from rounds[number].items()


def _mix(vote_ids: list[int], chance: random.Random) -> list[int]:
    """The votes in an order of chance, each among its neighbours: so a transaction writes few of the table's pages."""
    mixed: list[int] = []
    for part in _cut(sorted(vote_ids), NEIGHBOURS):
        chance.shuffle(part)
        mixed += part
    return mixed


def _cut(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _build_about() -> Any:
    """Decisions, with the leaf of each vote and the reason of the decision before."""
    earlier = _decision.alias()
    reason_before = (
        select(earlier.c.reason)
        .where(earlier.c.vote_id == _decision.c.vote_id, earlier.c.id < _decision.c.id)
        .order_by(earlier.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            _decision.c.vote_id, _leaf.c.number, _vote.c.entry_id, _decision.c.before, _decision.c.after,
            _decision.c.actor, _decision.c.reason, _decision.c.rules,
            case((_decision.c.before != "recorded", reason_before), else_="").label("reason_before"),
        )
        .join(_leaf, _leaf.c.vote_id == _decision.c.vote_id)
        .join(_vote, _vote.c.id == _decision.c.vote_id)
    )  # fmt: skip


_ABOUT = _build_about()
