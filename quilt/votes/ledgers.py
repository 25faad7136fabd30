"""Reading a contest's public ledger: its files, its proofs, and what became of the votes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from quilt.database import db
from quilt.ledger.proofs import build_consistency, build_inclusion
from quilt.ledger.receipts import InclusionProof
from quilt.votes.keys import SigningKey
from quilt.votes.ledger_models import Ledger, LedgerHead, LedgerKey, LedgerLeaf, LedgerResults, LedgerTally
from quilt.votes.tiles import Tiles

LINES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """A contest's ledger as far as the public sees it: up to its last head."""

    contest_id: int
    name: str
    policy: bytes
    opened_at: datetime
    size: int
    head_number: int
    head_at: datetime
    head_line: str


@dataclass(frozen=True, slots=True)
class ShownHead:
    """One tree head of the list."""

    number: int
    size: int
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class Removal:
    """Votes that do not count, by state and reason."""

    state: str
    reason: str
    votes: int


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the votes in the ledger, of one entry (None: of all): recorded in all, not counted, counted."""

    entry_id: int | None
    all: int
    counted: int
    undecided: int
    removals: tuple[Removal, ...]


def find_ledger(contest_id: int) -> LedgerFacts | None:
    """The ledger of a contest, None before voting has opened."""
    row = db.session.execute(
        select(
            Ledger.contest_id, Ledger.name, Ledger.policy, Ledger.opened_at, LedgerHead.size, LedgerHead.number,
            LedgerHead.at, LedgerHead.line,
        )
        .join(LedgerHead, LedgerHead.contest_id == Ledger.contest_id)
        .where(Ledger.contest_id == contest_id)
        .order_by(LedgerHead.number.desc())
        .limit(1)
    ).first()  # fmt: skip
    return None if row is None else LedgerFacts(*row)


def list_heads(contest_id: int, limit: int | None = None) -> list[ShownHead]:
    """The heads of a contest: the newest `limit`, the newest first; else all, the oldest first."""
    order = LedgerHead.number if limit is None else LedgerHead.number.desc()
    statement = select(LedgerHead.number, LedgerHead.size, LedgerHead.at, LedgerHead.line)
    rows = db.session.execute(
        statement.where(LedgerHead.contest_id == contest_id).order_by(order).limit(limit)
    )
    return [ShownHead(*row) for row in rows]


def list_heads_from(contest_id: int, first: int, limit: int) -> list[ShownHead]:
    """Heads from this number on (they are counted from 0), the oldest first."""
    statement = select(LedgerHead.number, LedgerHead.size, LedgerHead.at, LedgerHead.line)
    statement = statement.where(LedgerHead.contest_id == contest_id, LedgerHead.number >= first)
    rows = db.session.execute(statement.order_by(LedgerHead.number).limit(limit))
    return [ShownHead(*row) for row in rows]


def find_head(contest_id: int, size: int) -> ShownHead | None:
    """The first head over so many leaves."""
    statement = select(LedgerHead.number, LedgerHead.size, LedgerHead.at, LedgerHead.line)
    statement = statement.where(LedgerHead.contest_id == contest_id, LedgerHead.size == size)
    row = db.session.execute(statement.order_by(LedgerHead.number).limit(1)).first()
    return None if row is None else ShownHead(*row)


def read_lines(contest_id: int, size: int) -> Iterator[str]:
    """The first `size` leaves, in pieces of many lines, each line with its line feed.

    To be read at one's leisure: a connection is held for the time of one piece only.
    """
    return _read_pieces(db.engine, contest_id, size)


def find_results(contest_id: int, size: int) -> bytes | None:
    """`results.json` at the head of this size, where it is among the last few."""
    return db.session.scalar(
        select(LedgerResults.body).where(LedgerResults.contest_id == contest_id, LedgerResults.size == size)
    )


def list_public_keys(current: SigningKey) -> list[bytes]:
    """Every key that has signed a head, in the order of their first use, and the one that signs now."""
    keys = list(db.session.scalars(select(LedgerKey.public_key).order_by(LedgerKey.used_at, LedgerKey.name)))
    return keys if current.public_key in keys else [*keys, current.public_key]


def prove_inclusion(contest_id: int, index: int, size: int) -> InclusionProof:
    """The way from a leaf to the root of the first `size` leaves. Raises ValueError where there is no such leaf."""
    tiles = Tiles(db.session.connection(), contest_id)
    path = tiles.build(lambda read: build_inclusion(index, size, read))
    return InclusionProof(index, size, tuple(path))


def prove_consistency(contest_id: int, old: int, new: int) -> list[bytes]:
    """That the first `old` leaves begin the first `new`. Raises ValueError when `old` is larger."""
    tiles = Tiles(db.session.connection(), contest_id)
    return tiles.build(lambda read: build_consistency(old, new, read))


def read_leaf_hash(contest_id: int, index: int) -> bytes:
    """The hash of a leaf. Raises LookupError where there is no such leaf."""
    return Tiles(db.session.connection(), contest_id).read(0, index)


def list_accounts(contest_id: int) -> list[Account]:
    """What became of the votes: of all, then of each entry, the most counted first."""
    rows = db.session.execute(
        select(LedgerTally.entry_id, LedgerTally.state, LedgerTally.reason, func.sum(LedgerTally.votes))
        .where(LedgerTally.contest_id == contest_id, LedgerTally.votes > 0)
        .group_by(LedgerTally.entry_id, LedgerTally.state, LedgerTally.reason)
    ).all()
    by_entry: dict[int, list[tuple[str, str, int]]] = {}
    for entry_id, state, reason, votes in rows:
        by_entry.setdefault(entry_id, []).append((state, reason, int(votes)))
    total = _account(None, [part for parts in by_entry.values() for part in parts])
    entries = [_account(entry_id, parts) for entry_id, parts in by_entry.items()]
    return [total, *sorted(entries, key=lambda account: (-account.counted, account.entry_id or 0))]


def _read_pieces(engine: Engine, contest_id: int, size: int) -> Iterator[str]:
    table = LedgerLeaf.__table__
    statement = select(table.c.line).where(table.c.contest_id == contest_id).order_by(table.c.number)
    for begin in range(0, size, LINES_AT_ONCE):
        end = min(begin + LINES_AT_ONCE, size)
        with engine.connect() as connection:
            lines = connection.scalars(statement.where(table.c.number >= begin, table.c.number < end)).all()
        yield "\n".join([*lines, ""])


def _account(entry_id: int | None, parts: list[tuple[str, str, int]]) -> Account:
    removed: dict[tuple[str, str], int] = {}
    sums = {"counted": 0, "recorded": 0}
    for state, reason, votes in parts:
        if state in sums:
            sums[state] += votes
        else:
            removed[state, reason] = removed.get((state, reason), 0) + votes
    removals = tuple(
        Removal(state, reason, votes)
        for (state, reason), votes in sorted(removed.items(), key=lambda item: (-item[1], item[0]))
    )
    everything = sum(sums.values()) + sum(removed.values())
    return Account(entry_id, everything, sums["counted"], sums["recorded"], removals)
