"""One contest's ledger read from its first line to its last: what its lines alone say of the votes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select

from quilt.ledger.leaves import DecisionLeaf, Leaf, VoteLeaf, decode_leaf
from quilt.ledger.refusals import LedgerRefused
from quilt.ledger.states import Ballots
from quilt.ledger.tree import Levels, hash_leaf
from quilt.votes.leaves import VoteFacts, build_vote_leaf
from quilt.votes.ledger_models import LedgerLeaf
from quilt.votes.models import Vote, Voter
from quilt.votes.rules import make_contest_key

ROWS_AT_ONCE = 5_000
Decided = tuple[str, str, str, str]  # state, actor, reason, version of the rules

_leaf, _vote, _voter = LedgerLeaf.__table__, Vote.__table__, Voter.__table__


@dataclass
class ReadLedger:
    """What a ledger's lines say, and where they contradict themselves or the votes.

    `decided` holds for each vote's leaf what was decided about it, in order. `keyed` leaves say what their
    votes say, commitments aside; `closed` are the words about those whose commitment is another.
    """

    contest_id: int
    ballots: Ballots
    tree: Levels = field(default_factory=Levels)
    decided: dict[int, tuple[Decided, ...]] = field(default_factory=dict)
    entries: dict[int, int] = field(default_factory=dict)  # the entry of each vote's leaf
    faults: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    keyed: int = 0
    lines: int = 0
    is_whole: bool = True  # every line was a leaf that could stand there


def read_ledger(connection: Connection, ledger: Any, salt: bytes, secret: str) -> ReadLedger:
    """Read every line of a ledger (a row of the table) beside the vote that it names."""
    read = ReadLedger(ledger.contest_id, Ballots(ledger.name))
    contest_key = make_contest_key(secret, salt) if salt else None
    for rows in _list_rows(connection, ledger.contest_id):
        before = read.lines
        for row in rows:
            _read_row(read, ledger.name, row, contest_key)
            if not read.is_whole:
                break
        read.tree.extend(hash_leaf(row.line.encode()) for row in rows[: read.lines - before])
        if not read.is_whole:
            break
    return read


def _read_row(read: ReadLedger, name: str, row: Any, contest_key: bytes | None) -> None:
    if row.number != read.lines:
        read.faults.append(f"leaf {read.lines} is missing")
        read.is_whole = False
        return
    read.lines += 1
    try:
        leaf = decode_leaf(row.line.encode())
        read.ballots.add(leaf)
    except LedgerRefused as refusal:
        read.faults.append(f"leaf {row.number}: {refusal}")
        read.is_whole = False
        return
    _take(read, row.number, leaf)
    _compare_vote(read, name, row, leaf, contest_key)


def _list_rows(connection: Connection, contest_id: int) -> Iterator[Sequence[Any]]:
    statement = (
        select(
            _leaf.c.number, _leaf.c.line, _leaf.c.vote_id, _vote.c.id, _vote.c.contest_id, _vote.c.entry_id,
            _vote.c.period, _vote.c.state, _vote.c.receipt, _vote.c.cast_at, _vote.c.tier, _voter.c.key,
        )
        .outerjoin(_vote, _vote.c.id == _leaf.c.vote_id)
        .outerjoin(_voter, _voter.c.id == _vote.c.voter_id)
        .where(_leaf.c.contest_id == contest_id)
        .order_by(_leaf.c.number)
    )  # fmt: skip
    begin = 0
    while rows := connection.execute(
        statement.where(_leaf.c.number >= begin, _leaf.c.number < begin + ROWS_AT_ONCE)
    ).all():
        yield rows
        begin += ROWS_AT_ONCE


def _take(read: ReadLedger, number: int, leaf: Leaf) -> None:
    if isinstance(leaf, VoteLeaf):
        read.entries[number] = leaf.entry
        read.decided[number] = ()
    elif isinstance(leaf, DecisionLeaf):
        what = (leaf.state, leaf.actor, leaf.reason, leaf.rules)
        after: dict[tuple[Decided, ...], tuple[Decided, ...]] = {}  # most votes share one history
        for first, last in leaf.votes:
            for vote in range(first, last + 1):
                before = read.decided[vote]
                read.decided[vote] = after.setdefault(before, (*before, what))


def _compare_vote(read: ReadLedger, name: str, row: Any, leaf: Leaf, contest_key: bytes | None) -> None:
    """Note what is wrong between a leaf and the vote that it names."""
    if not isinstance(leaf, VoteLeaf):
        if row.vote_id is not None:
            read.faults.append(f"leaf {row.number}: it is no vote, but names one")
        return
    if row.id is None:
        read.faults.append(f"leaf {row.number}: its vote is not there")
        return
    words = f"leaf {row.number}: it does not say what vote {row.id} says"
    if contest_key is None:
        if (leaf.entry, leaf.period, leaf.tier) != (row.entry_id, row.period, row.tier):
            read.faults.append(words)
        return
    facts = VoteFacts(
        row.id, row.entry_id, row.period, row.state, row.receipt, row.cast_at, row.tier, row.key
    )
    made = build_vote_leaf(name, facts, contest_key)
    if leaf == made:  # a leaf has one spelling
        read.keyed += 1
    elif replace(leaf, commitment=made.commitment) == made:
        read.keyed += 1
        read.closed.append(words)
    else:
        read.faults.append(words)
