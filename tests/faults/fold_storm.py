"""Eight processes append arrivals while a ninth folds them and is killed by SIGKILL again and again.

Run as a program; settings come from the environment. It prints what the writers were told is stored. With
`--fold watermark` the fold is a naive one that takes "every id above the last": ids are given out before
their transactions commit, so on PostgreSQL it misses those that commit late.
"""

import argparse
import json
import os
import random
import secrets
import signal
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import text

from quilt.app import create_app
from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import write

WRITERS = 8
KEPT_CODES = 40  # of which one is followed next


def fold_ours(entry_id):
    fold_waiting(datetime.now(UTC))


def fold_naively(entry_id):
    write(lambda connection: fold_by_watermark(connection, entry_id))


def fold_by_watermark(connection, entry_id):
    """Count who came since the last id; `version` of the stored spread keeps it."""
    of_entry = {"e": entry_id}
    connection.execute(
        text(
            "INSERT INTO entry_spread (entry_id, size, total_depth, squared_sizes, max_depth, max_breadth,"
            " passed_on_count, votes_count, shared_votes_count, version)"
            " VALUES (:e, 1, '0', '0', 0, 1, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
        ),
        of_entry,
    )
    lock = " FOR UPDATE" if connection.dialect.name == "postgresql" else ""
    last = connection.execute(
        text(f"SELECT version FROM entry_spread WHERE entry_id = :e{lock}"), of_entry
    ).scalar_one()
    count, newest = connection.execute(
        text("SELECT count(*), max(id) FROM arrival WHERE entry_id = :e AND id > :last"),
        {**of_entry, "last": last},
    ).one()
    if count:
        connection.execute(
            text("UPDATE entry_spread SET size = size + :n, version = :newest WHERE entry_id = :e"),
            {**of_entry, "n": count, "newest": newest},
        )


FOLDS = {"ours": fold_ours, "watermark": fold_naively}


def write_until(entry_id: int, deadline: float, least: int) -> dict[str, int]:
    """Arrive by one another's links, sometimes come back; how much of each was acknowledged."""
    codes, done = [""], {"arrivals": 0, "returns": 0}
    chance = random.Random()
    while time.monotonic() < deadline or done["arrivals"] < least:
        is_return = len(codes) > 1 and chance.random() < 0.1
        visit = Visit(
            entry_id,
            None if is_return else secrets.token_bytes(8),
            via="" if is_return else chance.choice(codes),
            own_code=chance.choice(codes[1:]) if is_return else "",
        )
        node = record_arrival(
            visit, secrets.token_bytes(16), now=datetime.now(UTC), entropy=secrets.token_bytes
        )
        done["returns" if is_return else "arrivals"] += 1
        codes = [*codes[-KEPT_CODES:], node.code] if not is_return else codes
    return done


def fork(app: Flask, work: Callable[[], object]) -> int:
    """Run `work` in a child of this process, which has opened no connection and started no thread."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with app.app_context():
            work()
        status = 0
    except Exception:  # noqa: BLE001 the parent sees the status, a person the traceback
        traceback.print_exc()
    finally:
        os._exit(status)


def fork_writer(app: Flask, entry_id: int, deadline: float, least: int) -> tuple[int, int]:
    """A writing child, and where its counts can be read when it has ended."""
    reading, writing = os.pipe()

    def work() -> None:
        os.write(writing, json.dumps(write_until(entry_id, deadline, least)).encode())

    child = fork(app, work)
    os.close(writing)
    return child, reading


def fold_and_kill(app: Flask, fold: Callable[[], object], writers: list[int]) -> dict[str, int]:
    """Start the fold and kill it, at any instant of its work, while anybody writes; how often, how many folds."""
    done = {"kills": 0, "folds": 0}
    while any(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None for child in writers):
        reading, writing = os.pipe()

        def work(told: int = writing) -> None:
            while True:
                fold()
                os.write(told, b".")

        child = fork(app, work)
        os.close(writing)
        os.read(reading, 1)  # connected, and at it
        time.sleep(random.uniform(0, 0.2))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise RuntimeError("the fold ended by itself")
        done["kills"] += 1
        done["folds"] += 1 + len(os.read(reading, 65_536))
        os.close(reading)
    return done


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entry", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument(
        "--least", type=int, default=0, help="arrivals of each writer, however long they take"
    )
    parser.add_argument("--fold", choices=sorted(FOLDS), default="ours")
    chosen = parser.parse_args()
    app = create_app()
    deadline = time.monotonic() + chosen.seconds
    writers = [fork_writer(app, chosen.entry, deadline, chosen.least) for _ in range(WRITERS)]
    told = fold_and_kill(app, lambda: FOLDS[chosen.fold](chosen.entry), [child for child, _ in writers])
    done = {"arrivals": 0, "returns": 0, "writers": 0, **told}
    for child, reading in writers:
        _, status = os.waitpid(child, 0)
        done["writers"] += status == 0
        for name, count in json.loads(os.read(reading, 999) or b"{}").items():
            done[name] += count
    print(json.dumps(done))


if __name__ == "__main__":
    main()
