"""A contest with votes and its ledger, and its public files in a folder, for the verifier."""

import contextlib
import io
import random
import secrets

from sqlalchemy import insert, select

from quilt.contests.freezing import freeze_contest
from quilt.database import db
from quilt.votes.heads import open_ledger
from quilt.votes.keys import get_signing_key
from quilt.votes.ledger_models import Ledger, LedgerEntry, LedgerLeaf
from quilt.votes.ledgers import find_ledger, find_results, list_heads, list_public_keys, read_lines
from quilt.votes.models import Vote
from quilt.votes.sequencing import close_batch
from quilt.votes.settling import hear_appeals
from tests.conftest import NOW
from tests.factories import count_plainly, make_user
from tests.ledger.books import load_verifier
from tests.votes.test_service import vote_for

SECRET = "s"
CHANCE = random.Random(7)


def get_key(settings):
    settings.data.mkdir(parents=True, exist_ok=True)
    return get_signing_key(settings, secrets.token_bytes)


def start_ledger(settings, contest, at=NOW):
    freeze_contest(contest.id, at)
    opened = open_ledger(contest.id, get_key(settings), at)
    db.session.rollback()
    return opened


def start_appeals(connection, contest_id, *out):
    """A contest's ledger, which says that these entries are out of the running, and the time for appeals."""
    ledger = {
        "contest_id": contest_id,
        "name": "c",
        "policy": b"",
        "size": 0,
        "opened_at": NOW,
        "batch_at": NOW,
    }
    connection.execute(insert(Ledger), ledger)
    for entry_id in out:
        row = {"contest_id": contest_id, "entry_id": entry_id, "is_running": False}
        connection.execute(insert(LedgerEntry), row)
    hear_appeals(connection, contest_id, NOW)


def run_batch(settings, contest, judge=count_plainly, at=NOW, **values):
    batch = close_batch(
        contest.id, get_key(settings), judge, secret=SECRET, now=lambda: at, entropy=CHANCE.randbytes, **values
    )  # fmt: skip
    db.session.rollback()
    return batch


def cast(entry, count=1, at=NOW):
    """So many votes of new people; their ids, the oldest first."""
    receipts = [
        vote_for(entry, make_user(), at, visitor=secrets.token_bytes(8)).receipt for _ in range(count)
    ]
    db.session.rollback()
    return list(db.session.scalars(select(Vote.id).where(Vote.receipt.in_(receipts)).order_by(Vote.id)))


def number_of(vote_id):
    return db.session.scalar(select(LedgerLeaf.number).where(LedgerLeaf.vote_id == vote_id))


def publish(settings, contest, folder):
    """The files that the ledger's page offers."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = find_ledger(contest.id)
    (folder / "policy.json").write_bytes(facts.policy)
    keys = list_public_keys(get_key(settings))
    (folder / "public_key").write_text("".join(key.hex() + "\n" for key in keys))
    (folder / "heads.ndjson").write_text("".join(head.line + "\n" for head in list_heads(contest.id)))
    (folder / "ledger.ndjson").write_text("".join(read_lines(contest.id, facts.size)))
    (folder / "results.json").write_bytes(find_results(contest.id, facts.size))
    return folder


def verify(folder, *more):
    """Run verify.py over a folder: its exit code and what it said."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = load_verifier().main([str(folder), *map(str, more)])
    return code, told.getvalue()
