"""The ledgers against the votes: leaves, tree, heads, decisions, states, tallies, and nobody forgotten."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from quilt.audit.ledger_books import ReadLedger, read_ledger
from quilt.audit.ledger_votes import compare_decisions, compare_states, compare_tally
from quilt.audit.report import Check
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.ledger.heads import check_heads, decode_head, name_key
from quilt.ledger.refusals import LedgerRefused
from quilt.votes.keys import verify_signature
from quilt.votes.ledger_models import (
    Ledger,
    LedgerHead,
    LedgerKey,
    LedgerLeaf,
    LedgerTile,
)
from quilt.votes.models import Vote, VoteDecision
from quilt.votes.schedule import find_promise
from quilt.votes.tiles import HEIGHT, WIDTH

OTHER_KEY = "QUILT_SECRET_KEY is another than the one that these votes were cast with: it opens none of them"
_leaf, _vote, _decision = LedgerLeaf.__table__, Vote.__table__, VoteDecision.__table__


def check_ledgers(connection: Connection, settings: Settings, now: datetime) -> list[Check]:
    """Every ledger from its first line to its last, as its verifier would read it, and beside the votes."""
    salts = dict(connection.execute(select(Contest.id, Contest.voter_salt)).all())
    ledgers = connection.execute(select(Ledger.__table__).order_by(Ledger.contest_id)).all()
    books = [
        (ledger, read_ledger(connection, ledger, salts[ledger.contest_id], settings.secret_key))
        for ledger in ledgers
    ]
    found, secret = _Findings(books), _check_secret_key([read for _, read in books])
    return [
        secret,
        found.tell(
            "ledger leaves",
            "leaves",
            lambda ledger, read: (read.lines, _list_faults(ledger, read, bool(secret.differences))),
        ),
        found.tell("ledger trees", "tiles", lambda ledger, read: _compare_tree(connection, read)),
        found.tell("tree heads", "heads", lambda ledger, read: _compare_heads(connection, ledger, read)),
        found.tell("decisions", "decisions", lambda _, read: compare_decisions(connection, read)),
        found.tell("ledger states", "votes", lambda _, read: compare_states(connection, read)),
        found.tell(
            "ledger tallies", "counters", lambda ledger, read: compare_tally(connection, ledger, read)
        ),
        _check_contests_named(connection),
        _check_nobody_forgotten(connection, settings, now),
    ]


class _Findings:
    def __init__(self, books: list[tuple[Any, ReadLedger]]) -> None:
        self._books = books

    def tell(
        self, name: str, things: str, look: Callable[[Any, ReadLedger], tuple[int, Iterator[str]]]
    ) -> Check:
        looked_at, differences = 0, []
        for ledger, read in self._books:
            count, words = look(ledger, read)
            looked_at += count
            differences += [f"{ledger.name}: {one}" for one in words]
        return Check(name, looked_at, things, tuple(differences))


def _check_secret_key(reads: list[ReadLedger]) -> Check:
    """One line in place of one for each vote; of a single vote nobody can say whether it or the key is another."""
    keyed, closed = sum(read.keyed for read in reads), sum(len(read.closed) for read in reads)
    return Check("secret key", keyed, "votes", (OTHER_KEY,) if closed == keyed > 1 else ())


def _list_faults(ledger: Any, read: ReadLedger, has_other_key: bool) -> Iterator[str]:
    yield from read.faults
    if not has_other_key:
        yield from read.closed
    if read.is_whole and read.lines != ledger.size:
        yield f"it should have {ledger.size} leaves, there are {read.lines}"


def _compare_tree(connection: Connection, read: ReadLedger) -> tuple[int, Iterator[str]]:
    rows = connection.execute(
        select(LedgerTile.__table__).where(LedgerTile.contest_id == read.contest_id)
    ).all()
    faults = _list_tile_faults({(row.level, row.number): row.hashes for row in rows}, read)
    return max(len(rows), _count_tiles(read.tree.size)), faults


def _count_tiles(size: int) -> int:
    count = 0
    while size:
        count += -(-size // WIDTH)
        size >>= HEIGHT
    return count


def _list_tile_faults(stored: dict[tuple[int, int], bytes], read: ReadLedger) -> Iterator[str]:
    level, count = 0, read.tree.size
    while count:
        for number in range(-(-count // WIDTH)):
            nodes = range(number * WIDTH, min((number + 1) * WIDTH, count))
            hashes = b"".join(read.tree.read(level * HEIGHT, node) for node in nodes)
            if stored.pop((level, number), None) != hashes:
                yield f"tile {number} of level {level * HEIGHT} does not follow from the leaves"
        level, count = level + 1, count >> HEIGHT
    for level, number in stored:
        yield f"tile {number} of level {level * HEIGHT} stands for no leaves"


def _compare_heads(connection: Connection, ledger: Any, read: ReadLedger) -> tuple[int, Iterator[str]]:
    rows = connection.execute(
        select(LedgerHead.__table__)
        .where(LedgerHead.contest_id == ledger.contest_id)
        .order_by(LedgerHead.number)
    ).all()
    keys = {name_key(key): key for key in connection.scalars(select(LedgerKey.public_key))}
    policy = connection.scalar(select(Contest.policy_json).where(Contest.id == ledger.contest_id))
    return len(rows), _list_head_faults(ledger, read, rows, keys, policy)


def _list_head_faults(
    ledger: Any, read: ReadLedger, rows: Any, keys: dict[str, bytes], policy: bytes | None
) -> Iterator[str]:
    if not rows:
        yield "it has no head"
    if policy != ledger.policy:
        yield "its policy is not the one that the contest froze"
    try:
        heads = [decode_head(row.line.encode()) for row in rows]
        check_heads(heads, keys, verify_signature)
    except LedgerRefused as refusal:
        yield f"its heads: {refusal}"
        return
    for place, (row, signed) in enumerate(zip(rows, heads, strict=True)):
        head = signed.head
        if (row.number, row.size) != (place, head.size):
            yield f"head {row.number} is not numbered, or not described, as it was signed"
        if head.policy != hashlib.sha256(ledger.policy).digest() or head.contest != ledger.name:
            yield f"head {row.number} is of another policy or contest"
        if head.size > read.tree.size:
            yield f"head {row.number} covers {head.size} leaves, there are {read.tree.size}"
        elif read.tree.root(head.size) != head.root:
            yield f"the first {head.size} leaves have another root than head {row.number} says"


def _check_contests_named(connection: Connection) -> Check:
    """Each leaf names a contest that has a ledger, and each decision its vote's: no foreign key asks it of them."""
    counts = [connection.scalar(select(func.count()).select_from(table)) or 0 for table in (_leaf, _decision)]
    homeless = select(_leaf.c.contest_id, _leaf.c.number).outerjoin(
        Ledger, Ledger.contest_id == _leaf.c.contest_id
    )
    strays = (
        select(_decision.c.id)
        .join(_vote, _vote.c.id == _decision.c.vote_id)
        .where(_vote.c.contest_id != _decision.c.contest_id)
    )
    differences = [
        f"leaf {number} names contest {contest_id}, which has no ledger"
        for contest_id, number in connection.execute(homeless.where(Ledger.contest_id.is_(None)))
    ]
    differences += [
        f"decision {one} names another contest than its vote" for one in connection.scalars(strays)
    ]
    return Check("contests named", sum(counts), "leaves and decisions", tuple(differences))


def _check_nobody_forgotten(connection: Connection, settings: Settings, now: datetime) -> Check:
    """Nothing waits longer than a receipt promises, as far as a batch has run since."""
    promise = find_promise(settings)
    rows = connection.execute(
        select(_vote.c.id, _vote.c.cast_at, Ledger.batch_at)
        .outerjoin(Ledger, Ledger.contest_id == _vote.c.contest_id)
        .outerjoin(_leaf, _leaf.c.vote_id == _vote.c.id)
        .where(_leaf.c.vote_id.is_(None), or_(Ledger.batch_at.is_(None), _vote.c.cast_at < Ledger.batch_at))
        .order_by(_vote.c.id)
    ).all()
    late = [
        f"vote {row.id} was cast {row.cast_at:%Y-%m-%d %H:%M} and is not in the ledger yet"
        for row in rows
        if row.cast_at + promise < (row.batch_at or now)
    ]
    waiting = connection.scalar(
        select(func.count()).select_from(_vote).where(~exists().where(_leaf.c.vote_id == _vote.c.id))
    )
    return Check("waiting votes", waiting or 0, "votes without a leaf", tuple(late))
