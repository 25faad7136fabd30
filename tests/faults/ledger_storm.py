"""Voters cast and reviewers decide while two processes do batches and are killed by SIGKILL again and again.

Run as a program; settings come from the environment. It prints what the voters were told is recorded.
"""

import argparse
import json
import os
import random
import secrets
import signal
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from flask import Flask

from quilt.app import create_app
from quilt.arrivals.nodes import Visit
from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.votes.decisions import TransitionRefused, Verdict, decide_votes
from quilt.votes.keys import get_signing_key
from quilt.votes.queries import build_policy
from quilt.votes.sequencing import close_batch
from quilt.votes.service import Ballot, cast_vote
from tests.factories import count_plainly, make_user
from tests.faults.fold_storm import fork

VOTERS, BATCHERS = 4, 2
SECRET = "s"


def vote_until(contest_id: int, entry_id: int, deadline: float, least: int, journal: Path) -> None:
    """New people vote, one after the other, and write down their receipts; one in eight takes the vote back."""
    count, chance = 0, random.Random()
    policy = build_policy(db.session.get_one(Contest, contest_id))
    db.session.remove()
    while time.monotonic() < deadline or count < least:
        ballot = Ballot(
            make_user(f"{secrets.token_hex(8)}@example.org").id,
            "email",
            Visit(entry_id, secrets.token_bytes(8)),
        )
        told = cast_vote(ballot, policy, secret=SECRET, now=datetime.now(UTC), entropy=secrets.token_bytes)
        with journal.open("a") as lines:
            lines.write(told.receipt + "\n")
        count += 1
        if chance.random() < 0.125:
            try:
                write(take_back, told.receipt)
            except TransitionRefused:
                continue


def take_back(connection, receipt):
    vote_id = connection.exec_driver_sql(f"SELECT id FROM vote WHERE receipt = '{receipt}'").scalar_one()
    verdict = Verdict("withdrawn", "voter", "taken-back", "policy")
    decide_votes(connection, [vote_id], verdict, datetime.now(UTC))


def batch_for_ever(app: Flask, contest_id: int, told: int) -> None:
    key = get_signing_key(app.extensions["quilt_settings"], secrets.token_bytes)
    while True:
        close_batch(
            contest_id, key, count_plainly, secret=SECRET, now=lambda: datetime.now(UTC),
            entropy=secrets.token_bytes, chunk=7,
        )  # fmt: skip
        os.write(told, b".")


def batch_and_kill(app: Flask, contest_id: int, voters: list[int]) -> dict[str, int]:
    """Start the batchers and kill them, at any instant of their work, while anybody votes."""
    done = {"kills": 0, "batches": 0}
    while any(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None for child in voters):
        reading, writing = os.pipe()
        children = [fork(app, partial(batch_for_ever, app, contest_id, writing)) for _ in range(BATCHERS)]
        os.read(reading, 1)  # connected, and at it
        time.sleep(random.uniform(0, 0.2))
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status):
                raise RuntimeError("a batcher ended by itself")
            done["kills"] += 1
        os.close(writing)
        done["batches"] += 1 + len(read_all(reading))
        os.close(reading)
    return done


def read_all(reading: int) -> bytes:
    """Everything that was written into a pipe whose writers have ended."""
    pieces = []
    while piece := os.read(reading, 65_536):
        pieces.append(piece)
    return b"".join(pieces)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--contest", type=int, required=True)
    parser.add_argument("--entry", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--least", type=int, default=0, help="votes of each voter, however long they take")
    chosen = parser.parse_args()
    app = create_app()
    deadline = time.monotonic() + chosen.seconds
    with tempfile.TemporaryDirectory() as folder:
        journals = [Path(folder, str(number)) for number in range(VOTERS)]
        voters = [
            fork(app, partial(vote_until, chosen.contest, chosen.entry, deadline, chosen.least, journal))
            for journal in journals
        ]
        done = batch_and_kill(app, chosen.contest, voters)
        ended = sum(os.waitpid(child, 0)[1] == 0 for child in voters)
        receipts = [receipt for journal in journals for receipt in journal.read_text().split()]
    print(json.dumps({**done, "voters": ended, "receipts": receipts}))


if __name__ == "__main__":
    main()
