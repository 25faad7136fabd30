"""A ledger of a million leaves that the product itself has written: its heads, proofs, receipts, files, and its gate.

usage: python -m benchmarks.whole_ledger [--votes 1000000] [--databases sqlite] [--parts batch,proofs,files,gate,daily]
       [--telling]  (votes that tell of address, network, device and times, as those of a page with a script do)
       [--folder FOLDER --seconds 300]  (SQLite: what is written stays there; call it again until all votes are in)

Votes are put into the tables at once; everything after that is the product's own code: evidence rules, batches, heads,
the routes of the ledger's page, `verify.py` over what they serve, and the gate in front of a result. `daily` is another
contest, in which a fiftieth as many people vote each day: what judging a batch costs there.
"""

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from benchmarks.aims import Aims
from benchmarks.ledger import HEAD_LIMIT_MS, PROOF_LIMIT_MS, measure, run_verifier
from benchmarks.sequencing import (
    ENTRIES,
    PlantedVote,
    Tell,
    add_voters,
    add_votes,
    record_votes,
    tell_evidence,
    tell_nothing,
)
from benchmarks.spread_data import open_database, open_scratch
from quilt.config import Settings
from quilt.contests.freezing import freeze_contest
from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.entries.models import Entry
from quilt.integrity.verdicts import judge_batch
from quilt.ledger.proofs import check_inclusion
from quilt.results.service import try_gate
from quilt.votes.heads import open_ledger, sign_next_head
from quilt.votes.keys import SigningKey, get_signing_key
from quilt.votes.ledger_models import LedgerLeaf
from quilt.votes.ledgers import find_ledger, prove_consistency, prove_inclusion, read_leaf_hash
from quilt.votes.models import Vote
from quilt.votes.receipts import find_receipt
from quilt.votes.sequencing import close_batch
from tests.factories import make_contest, make_entry, make_user

CHUNK = 50_000  # votes that one batch finds waiting
PROOFS = 500
DAYS = 10
FILES = ("policy.json", "public_key", "heads.ndjson", "ledger.ndjson", "results.json")


def main() -> None:
    options, aims = read_options(), Aims()
    parts = options.parts.split(",")
    tell = partial(tell_evidence, random.Random(7)) if options.telling else tell_nothing
    if options.folder:
        with open_database(options.folder) as app:
            measure_all(app, "sqlite", options.votes, parts, aims, options.seconds, tell)
    for kind in [] if options.folder else options.databases.split(","):
        with open_scratch(kind) as app, app.app_context():
            measure_all(app, kind, options.votes, parts, aims, tell=tell)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--databases", default="sqlite")
    parser.add_argument("--parts", default="batch,proofs,files,gate,daily")
    parser.add_argument("--telling", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=1e9)
    return parser.parse_args(arguments)


def measure_all(
    app: Flask,
    kind: str,
    votes: int,
    parts: list[str],
    aims: Aims,
    seconds: float = 1e9,
    tell: Tell = tell_nothing,
) -> None:
    settings: Settings = app.extensions["quilt_settings"]
    settings.data.mkdir(parents=True, exist_ok=True)
    key, now = get_signing_key(settings, secrets.token_bytes), datetime.now(UTC)
    contest_id = db.session.scalar(select(Contest.id).where(Contest.slug == "million")) or begin(key, now)
    entries = list(db.session.scalars(select(Entry.id).where(Entry.contest_id == contest_id)))
    known = db.session.scalar(select(func.count()).select_from(Vote)) or 0
    print(f"## {kind}, {votes:,} votes by batches of {CHUNK:,}; {known:,} are there")
    left = range(known, votes, CHUNK)
    fill(contest_id, entries, left, settings, key, seconds, tell)
    size = db.session.scalar(select(func.count()).select_from(LedgerLeaf))
    db.session.remove()
    print(f"  {size:,} leaves")
    if (db.session.scalar(select(func.count()).select_from(Vote)) or 0) < votes:
        db.session.remove()
        print("  there are more to come: call it again")
        return
    if "batch" in parts:
        add_votes(contest_id, entries, 1_000, now - timedelta(hours=2), tell)
        measure("a batch of 1,000 votes, judged, and its head", lambda: take_in(contest_id, settings, key))
        measure(
            "a head alone",
            lambda: write(sign_next_head, contest_id, key, datetime.now(UTC)),
            aims,
            HEAD_LIMIT_MS,
        )
    if "proofs" in parts:
        measure_proofs(contest_id, settings, key, aims)
    if "files" in parts:
        measure_files(app, contest_id, aims)
    if "gate" in parts:
        admin = make_user(f"gate-{secrets.token_hex(6)}@example.org", role="admin").id
        gate = measure(
            "the gate: the ledger counted, the site audited",
            lambda: try_gate(contest_id, "", settings=settings, actor_id=admin, now=datetime.now(UTC)),
        )
        for check in gate.checks:
            print(f"    {'yes' if check.is_fine else 'no '}  {check.name}  {check.words}")
    if "daily" in parts:
        measure_daily(max(1, votes // 50), now)


def begin(key: SigningKey, now: datetime) -> int:
    """A contest whose voting is over, and its ledger; its id."""
    opened = now - timedelta(days=2)
    contest = make_contest("million", opens=opened, closes=now - timedelta(hours=1))
    contest_id = contest.id
    for _ in range(ENTRIES):
        make_entry(contest)
    freeze_contest(contest_id, opened)
    open_ledger(contest_id, key, opened)
    return contest_id


def fill(
    contest_id: int,
    entries: list[int],
    left: range,
    settings: Settings,
    key: SigningKey,
    seconds: float,
    tell: Tell,
) -> None:
    """Votes from the number that `left` begins with, a batch after each part of them; for so long at most."""
    begun = time.monotonic()
    for first in left:
        if time.monotonic() - begun > seconds:
            return
        at = datetime.now(UTC) - timedelta(hours=24) + timedelta(hours=20) * (first / left.stop)
        count = min(CHUNK, left.stop - first)
        add_votes(contest_id, entries, count, at, tell)
        name = f"a vote in a batch of {count:,}, with the rules"
        measure(name, lambda: take_in(contest_id, settings, key), times=count)


def take_in(contest_id: int, settings: Settings, key: SigningKey) -> None:
    close_batch(
        contest_id, key, judge_batch, secret=settings.secret_key, now=lambda: datetime.now(UTC),
        entropy=secrets.token_bytes,
    )  # fmt: skip
    db.session.remove()


def measure_proofs(contest_id: int, settings: Settings, key: SigningKey, aims: Aims) -> None:
    ledger = find_ledger(contest_id)
    assert ledger is not None
    size, chance = ledger.size, random.Random(7)
    places = [chance.randrange(size) for _ in range(PROOFS)]
    proofs = measure(
        "an inclusion proof from the tables",
        lambda: [prove_inclusion(contest_id, place, size) for place in places],
        aims, PROOF_LIMIT_MS, PROOFS,
    )  # fmt: skip
    root = bytes.fromhex(ledger.head_line.partition('"root":"')[2][:64])
    for proof in proofs[:50]:
        leaf_hash = read_leaf_hash(contest_id, proof.index)
        check_inclusion(leaf_hash, proof.index, size, proof.path, root)
    measure(
        "a consistency proof from the tables",
        lambda: [prove_consistency(contest_id, place + 1, size) for place in places],
        aims, PROOF_LIMIT_MS, PROOFS,
    )  # fmt: skip
    first = db.session.scalar(select(func.min(Vote.id)).where(Vote.contest_id == contest_id)) or 0
    numbers = db.session.scalars(
        select(Vote.receipt).where(Vote.id.in_([first + place for place in places]))
    ).all()
    found = measure(
        "a receipt with its proof, found and signed",
        lambda: [find_receipt(number, key, settings.secret_key, timedelta(minutes=20)) for number in numbers],
        times=len(numbers),
    )
    assert found and all(one is not None and one.proof is not None for one in found)
    db.session.remove()


def measure_files(app: Flask, contest_id: int, aims: Aims) -> None:
    slug = db.session.get_one(Contest, contest_id).slug
    db.session.remove()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("the files as the ledger's page serves them", lambda: download(app, slug, folder))
        run_verifier(folder, aims)


def download(app: Flask, slug: str, folder: Path) -> None:
    browser = app.test_client()
    for name in FILES:
        with browser.get(f"/contests/{slug}/ledger/{name}") as answer, open(folder / name, "wb") as file:
            assert answer.status_code == 200, (name, answer.status)
            file.writelines(answer.iter_encoded())


def measure_daily(people: int, now: datetime) -> None:
    """Print what judging the last 1,000 votes takes where each of these people has voted on ten days."""
    contest = make_contest(opens=now - timedelta(days=DAYS), closes=now + timedelta(days=1))
    entries, chance = [make_entry(contest).id for _ in range(ENTRIES)], random.Random(7)
    voters, contest_id = add_voters(contest.id, people), contest.id
    for day in range(DAYS):
        at = now - timedelta(days=DAYS - day - 0.5)
        record_votes(
            contest_id,
            [PlantedVote(voter, chance.choice(entries), at.date().isoformat(), at) for voter in voters],
        )
    newest = select(Vote.id).where(Vote.contest_id == contest_id).order_by(Vote.id.desc()).limit(1_000)
    ids = sorted(db.session.scalars(newest))
    db.session.remove()
    with db.engine.connect() as connection:
        verdicts = measure(
            f"judging {len(ids):,} votes of {people:,} people who vote each day",
            lambda: judge_batch(connection, contest_id, ids),
        )
    assert len(verdicts) == len(ids)
    print(f"  {people * DAYS:,} votes of theirs are read beside it")


if __name__ == "__main__":
    main()
