"""Opening a contest's ledger, and signing its heads: what stands in it at one time, in a chain."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from quilt.contests.models import Contest
from quilt.database import insert_if_new, insert_or_change, transaction
from quilt.ledger.heads import FIRST_PREVIOUS, TreeHead, decode_head, encode_head, hash_head, sign_head
from quilt.ledger.leaves import STATES
from quilt.ledger.tally import Tally, encode_results
from quilt.ledger.terms import read_terms
from quilt.votes.keys import SigningKey
from quilt.votes.leaves import Book, list_by_state
from quilt.votes.ledger_models import Ledger, LedgerEntry, LedgerHead, LedgerKey, LedgerResults, LedgerTally
from quilt.votes.tiles import Tiles

RESULTS_KEPT = 3  # of the newest heads: somebody may read the files while a batch closes
_ledger, _head, _results = Ledger.__table__, LedgerHead.__table__, LedgerResults.__table__


def open_ledger(contest_id: int, key: SigningKey, now: datetime) -> bool:
    """Sign the head of the empty ledger of a contest whose policy is frozen; False where nothing was to be done."""
    with transaction() as session:
        policy = session.get_one(Contest, contest_id, populate_existing=True).policy_json
        if policy is None:
            return False
        name = read_terms(policy).contest
        row = {
            "contest_id": contest_id,
            "name": name,
            "policy": policy,
            "size": 0,
            "opened_at": now,
            "batch_at": now,
        }
        connection = session.connection()
        opened = connection.execute(insert_if_new(_ledger, connection.dialect.name, "contest_id"), row)
        if opened.scalar() is None:
            return False
        sign_next_head(connection, contest_id, key, now)
        return True


def sign_next_head(connection: Connection, contest_id: int, key: SigningKey, now: datetime) -> int:
    """Sign a head over all leaves there are and keep its results, in the caller's transaction; returns its size.

    A published result names the head it was made of: while no leaf is new, no other head takes that one's place.
    Raises LedgerNotOpen.
    """
    book = Book(connection, contest_id)
    last = _find_last(connection, contest_id)
    if last is not None and last.size == book.size and _is_published(connection, contest_id, book.size):
        return book.size
    before = decode_head(last.line.encode()).head if last is not None else None
    policy: bytes = connection.execute(
        select(_ledger.c.policy).where(_ledger.c.contest_id == contest_id)
    ).scalar_one()
    head = TreeHead(
        contest=book.name,
        size=book.size,
        root=Tiles(connection, contest_id).root(book.size),
        at=max(now, before.at) if before else now,
        previous=hash_head(before) if before else FIRST_PREVIOUS,
        policy=hashlib.sha256(policy).digest(),
        key=key.name,
    )
    line = encode_head(sign_head(head, key.sign)).decode()
    number = last.number + 1 if last is not None else 0
    row = {"contest_id": contest_id, "number": number, "size": book.size, "at": head.at, "line": line}
    connection.execute(insert(LedgerHead), row)
    _note_key(connection, key, now)
    _keep_results(connection, contest_id, head, policy)
    connection.execute(update(Ledger).where(_ledger.c.contest_id == contest_id).values(batch_at=now))
    return book.size


def read_tally(connection: Connection, contest_id: int) -> Tally:
    """The tally of all leaves, as it is kept while they are written; without the votes of stronger tiers."""
    table = LedgerTally.__table__
    counted = {
        (row.entry_id, row.state, row.reason): row.votes
        for row in connection.execute(select(table).where(table.c.contest_id == contest_id))
    }
    votes = {
        entry_id: {state: by_state[state] for state in STATES}
        for entry_id, by_state in list_by_state(counted).items()
    }
    entries = connection.execute(
        select(LedgerEntry.__table__).where(LedgerEntry.contest_id == contest_id)
    ).all()
    points = {row.entry_id: row.points for row in entries if row.points is not None}
    out = frozenset(row.entry_id for row in entries if not row.is_running)
    size = connection.execute(select(_ledger.c.size).where(_ledger.c.contest_id == contest_id)).scalar_one()
    return Tally(size, votes, {}, points, out)


def keep_results(connection: Connection, contest_id: int, size: int, body: bytes) -> None:
    """Publish `results.json` for the head of this size, in place of what stood there."""
    row = {"contest_id": contest_id, "size": size, "body": body}
    connection.execute(insert_or_change(_results, connection.dialect.name, put=("body",)), row)


def _is_published(connection: Connection, contest_id: int, size: int) -> bool:
    """Whether the results of this size name places."""
    body = connection.scalar(
        select(_results.c.body).where(_results.c.contest_id == contest_id, _results.c.size == size)
    )
    return body is not None and bool(json.loads(body)["final"])


def _find_last(connection: Connection, contest_id: int) -> Any:
    statement = select(_head.c.number, _head.c.size, _head.c.line).where(_head.c.contest_id == contest_id)
    return connection.execute(statement.order_by(_head.c.number.desc()).limit(1)).first()


def _note_key(connection: Connection, key: SigningKey, now: datetime) -> None:
    row = {"name": key.name, "public_key": key.public_key, "used_at": now}
    connection.execute(insert_if_new(LedgerKey.__table__, connection.dialect.name), row)


def _keep_results(connection: Connection, contest_id: int, head: TreeHead, policy: bytes) -> None:
    tally = read_tally(connection, contest_id)
    body = encode_results(tally, read_terms(policy), hash_head(head), is_final=False)
    keep_results(connection, contest_id, head.size, body)
    of_contest = _results.c.contest_id == contest_id
    newest = select(_results.c.size).where(of_contest).order_by(_results.c.size.desc()).limit(RESULTS_KEPT)
    oldest_kept = select(func.min(newest.subquery().c.size)).scalar_subquery()
    connection.execute(delete(LedgerResults).where(of_contest, _results.c.size < oldest_kept))
