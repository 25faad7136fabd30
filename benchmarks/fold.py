"""Folding new arrivals into an entry that a million people have reached, on SQLite.

usage: python -m benchmarks.fold [--size 1000000] [--new 100]

The tree is grown by chance (each person comes by the link of a random earlier one, half of them straight to the
entry) and written in bulk with its stored figures; then new people arrive and are folded by the product's own
function. "Work" is the time inside the transaction, without BEGIN, COMMIT and their fsync.
"""

import argparse
import random
import secrets
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
from sqlalchemy import insert

from benchmarks.hot_paths import describe_machine, measure_fsync
from quilt.app import create_app
from quilt.arrivals import fold as folding
from quilt.arrivals.models import Arrival, ArrivalStat
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.config import Settings
from quilt.database import close_writers, db, write
from quilt.spread.codes import new_code
from quilt.spread.tree import count_children, list_depths, list_sizes
from tests.factories import make_entry

LIMIT_MS = 20.0  # for 100 new arrivals
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory(prefix="quilt-bench-") as folder:
        print(f"One fsync here: {measure_fsync(Path(folder)):.2f} ms.")
        app = create_app(Settings(environment="development", data=Path(folder)))
        with app.app_context():
            flask_migrate.upgrade()
            entry_id = make_entry().id
            db.session.remove()
            codes = grow(entry_id, options.size)
            times = [fold_more(entry_id, codes, options.new, turn) for turn in range(options.rounds)]
            db.session.remove()
            close_writers()
    work, whole = (statistics.median(column) for column in zip(*times, strict=True))
    print(
        f"\n{options.new} new arrivals into {options.size:,}: work {work:.1f} ms, with its commit {whole:.1f} ms"
    )
    print(f"(medians of {options.rounds}; the limit for 100 is {LIMIT_MS:.0f} ms of work).")


def grow(entry_id: int, size: int) -> list[str]:
    """Write the tree and its figures in bulk; returns the people's codes."""
    chance = random.Random(7)
    parents = [-1] + [chance.randrange(node) if chance.random() < 0.5 else 0 for node in range(1, size)]
    depths, sizes, children = list_depths(parents), list_sizes(parents), count_children(parents)
    codes = [new_code(chance.randbytes) for _ in range(size)]
    with db.engine.begin() as connection:
        for start in range(1, size, 50_000):
            nodes = range(start, min(size, start + 50_000))
            connection.execute(
                insert(Arrival),
                [
                    {"id": node, "entry_id": entry_id, "parent_id": parents[node] or None, "depth": depths[node],
                     "code": codes[node], "channel": "wa", "state": "live", "arrived_at": NOW}
                    for node in nodes
                ],
            )  # fmt: skip
            connection.execute(
                insert(ArrivalStat),
                [
                    {"arrival_id": node, "entry_id": entry_id, "subtree_size": sizes[node],
                     "children_count": children[node], "votes_self": 0, "votes_subtree": 0, "returns_count": 0}
                    for node in nodes
                ],
            )  # fmt: skip
    began = time.perf_counter()
    folding.recompute_entry(entry_id, NOW)
    print(
        f"Full recompute of {size:,} from the database, with its write: {time.perf_counter() - began:.1f} s."
    )
    return codes[1:]


def fold_more(entry_id: int, codes: list[str], count: int, turn: int) -> tuple[float, float]:
    """Let people arrive by random links and fold them; milliseconds of the work and of all of it."""
    chance = random.Random(turn)
    for number in range(count):
        visit = Visit(entry_id, f"{turn}.{number}".encode(), via=chance.choice(codes))
        record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)
    inside = []

    def timed(connection: object) -> int:
        began = time.perf_counter()
        taken = folding.fold_within(connection, entry_id, NOW)  # type: ignore[arg-type]
        inside.append((time.perf_counter() - began) * 1000)
        return taken

    began = time.perf_counter()
    assert write(timed) == count
    return inside[-1], (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
