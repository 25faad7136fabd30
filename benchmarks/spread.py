"""How fast the spread is counted: from arrays, in both databases, by many clients, and on its page.

usage: python -m benchmarks.spread [--size 1000000] [--only arrays,memory,database,append,page]
                                   [--databases sqlite,postgresql] [--rounds 3]

A short run: --size 100000 --rounds 1 --only arrays,database. The limits beside the figures hold for the full
size. Milliseconds of processor time stand beside those of the clock: on a busy machine only they tell much.
Folds are undone after each round, so that every round meets the same tree.
"""

import argparse
import os
import platform
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple

import networkx
from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks.aims import Aims
from benchmarks.append import measure_appending
from benchmarks.spread_data import NOW, add_arrivals, chain, load_tree, mixed, open_scratch, star, uniform
from quilt.arrivals.fold import fold_within, recount_within
from quilt.collector import rest_collector
from quilt.config import ROOT
from quilt.database import db
from quilt.spread.measures import measure
from quilt.spread.tree import list_sizes
from quilt.web.drawing_cache import REST
from tests.factories import make_contest, make_entry

SHAPES = {"mixed": mixed, "uniform": uniform, "star": star, "chain": chain}
FOLD_LIMITS = {"sqlite": {100: 10, 1_000: 60, 10_000: 400}, "postgresql": {100: 20, 1_000: 100, 10_000: 900}}
ARRAYS_LIMIT_MS, DATABASE_LIMIT_MS, NETWORKX_LIMIT, MEMORY_LIMIT_MB = 200, 2_000, 20, 80
PAGE_SIZE, PAGE_LIMIT_MS, SVG_LIMIT_KB = 100_000, 150, 300
CHAIN_SIZE = 100_000
DAMAGE = {
    0: "nothing differs",
    100: "every 100th row differs",
    4: "every 4th row differs",
    1: "every row differs",
}
BRANCHES = """\
SELECT arrival_id, subtree_size FROM arrival_stat JOIN arrival ON arrival.id = arrival_id
WHERE arrival.entry_id = :entry AND parent_id IS NULL AND subtree_size > 1 ORDER BY subtree_size DESC, arrival_id
"""


class Spent(NamedTuple):
    wall_ms: float
    processor_ms: float


def main() -> None:
    options, aims = read_options(), Aims()
    print(describe_machine(), flush=True)
    wanted = options.only.split(",")
    if "arrays" in wanted:
        measure_arrays(options.size, options.rounds, aims)
    if "memory" in wanted:
        measure_memory(options.size, aims)
    for kind in options.databases.split(","):
        if "database" in wanted:
            measure_database(kind, options.size, options.rounds, aims)
    if "append" in wanted:
        with open_scratch("postgresql"):
            measure_appending(aims)
    if "page" in wanted:
        for kind in options.databases.split(","):
            measure_page(kind, min(PAGE_SIZE, options.size), aims)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="arrays,memory,database,append,page")
    parser.add_argument("--databases", default="sqlite,postgresql")
    return parser.parse_args(arguments)


def describe_machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "psycopg", "networkx"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors (load {os.getloadavg()[0]:.1f}), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}.\n"
        "Best of the rounds, as clock / processor milliseconds of this process. In brackets the seconds that ten "
        "million additions take at that moment."
    )


def measure_arrays(size: int, rounds: int, aims: Aims) -> None:
    print(f"\n## Full recount of {size:,} from arrays (limit {ARRAYS_LIMIT_MS} ms at 1,000,000)")
    ours = 0.0
    for name, make in SHAPES.items():
        parents = make(size)
        measure(parents)  # touch the memory
        spent, measures = take_best(lambda parents=parents: measure(parents), max(5, rounds))
        ours = ours or spent.processor_ms
        word = aims.judge(f"{name} from arrays", spent.wall_ms <= ARRAYS_LIMIT_MS)
        print(f"{name}: {tell(spent)}, depth {measures.depth:,}: {word}", flush=True)
    parents = mixed(size)
    sizes, _ = take_best(lambda: list_sizes(parents), max(5, rounds))
    build, theirs = time_networkx(parents)
    print(f"mixed, subtree sizes alone: ours {tell(sizes)}, networkx {tell(theirs)}", end=" ")
    print(f"after {tell(build)} of building its graph")
    sizes_ratio, all_ratio = theirs.processor_ms / sizes.processor_ms, theirs.processor_ms / ours
    whole_ratio = (build.processor_ms + theirs.processor_ms) / ours
    print(
        f"times networkx, by processor: sizes against sizes {sizes_ratio:.0f} (limit {NETWORKX_LIMIT}): "
        f"{aims.judge('times networkx', sizes_ratio >= NETWORKX_LIMIT)}; its sizes "
        f"against all our figures {all_ratio:.0f}, the same with its graph built from the array {whole_ratio:.0f}"
    )


def time_networkx(parents: Sequence[int]) -> tuple[Spent, Spent]:
    """Building its graph, and subtree sizes in linear time with the library's own traversal."""

    def build() -> networkx.DiGraph:
        graph = networkx.DiGraph()
        graph.add_edges_from((parent, node) for node, parent in enumerate(parents) if parent >= 0)
        return graph

    built, graph = take_best(build, 1)

    def count_sizes() -> int:
        sizes = dict.fromkeys(graph, 1)
        for node in networkx.dfs_postorder_nodes(graph, 0):
            for parent in graph.predecessors(node):
                sizes[parent] += sizes[node]
        return sizes[0]

    counted, root_size = take_best(count_sizes, 1)
    assert root_size == len(parents)
    return built, counted


def measure_memory(size: int, aims: Aims) -> None:
    print(f"\n## Memory above the parents' array, {size:,} (limit {MEMORY_LIMIT_MB} MB at 1,000,000)")
    for name in SHAPES:
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.spread_memory", name, str(size)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        megabytes = int(told.stdout)
        word = aims.judge(f"memory of {name}", megabytes <= MEMORY_LIMIT_MB)
        print(f"{name}: {megabytes} MB more peak resident memory of a process of its own: {word}", flush=True)


def measure_database(kind: str, size: int, rounds: int, aims: Aims) -> None:
    with open_scratch(kind):
        print(f"\n## {describe_database(kind)}", flush=True)
        contest = make_contest("bench", opens=NOW, closes=datetime(2027, 1, 1, tzinfo=UTC))
        entry_id = make_entry(contest).id
        load_tree(entry_id, mixed(size), 1)
        print(f"mixed, {size:,} (limit of a recount {DATABASE_LIMIT_MS} ms at 1,000,000)")
        spent = run_recount(entry_id)
        print(f"first full recount, with the entry's own rows: {tell(spent)}")
        for share, words in DAMAGE.items():
            damage(entry_id, share)
            spent = run_recount(entry_id)
            word = "no limit"
            if share != 1:
                word = aims.judge(f"{kind}: recount, {words}", spent.wall_ms <= DATABASE_LIMIT_MS)
            print(f"full recount with its write, {words}: {tell(spent)}: {word}", flush=True)
        people = exclude_quarter(entry_id)
        print(f"full recount with its write, {people:,} leave: {tell(run_recount(entry_id))}", flush=True)
        restore_all(entry_id)
        print(f"full recount with its write, they return: {tell(run_recount(entry_id))}", flush=True)
        for count, limit in FOLD_LIMITS[kind].items():
            spent = run_folds(entry_id, range(1, size), count, rounds)
            word = aims.judge(f"{kind}: fold of {count:,}", spent.wall_ms <= limit)
            print(f"fold of {count:,} new arrivals: {tell(spent)} (limit {limit}): {word}", flush=True)
        first, length = 10 * size, min(CHAIN_SIZE, size)
        deep_id = make_entry(contest).id
        load_tree(deep_id, chain(length), first)
        print(f"chain of {length:,}: full recount {tell(run_recount(deep_id))}")
        tip = range(first + length - 3, first + length - 2)
        spent = run_folds(deep_id, tip, 100, rounds)
        print(f"chain of {length:,}: 100 new arrivals at its end {tell(spent)}", flush=True)
        broad_id = make_entry(contest).id
        load_tree(broad_id, star(size), 20 * size)
        print(f"star of {size:,}: full recount {tell(run_recount(broad_id))}")
        spent = run_folds(broad_id, range(20 * size, 21 * size - 2), 100, rounds)
        print(f"star of {size:,}: 100 new arrivals {tell(spent)}", flush=True)


def describe_database(kind: str) -> str:
    if kind == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with db.engine.connect() as connection:
        told = connection.execute(text("SELECT version()")).scalar_one()
        buffers = connection.execute(text("SHOW shared_buffers")).scalar_one()
    return f"{' '.join(told.split()[:2])}, shared_buffers {buffers}"


def damage(entry_id: int, share: int) -> None:
    """Make every so-manieth stored row wrong (0: none)."""
    if share:
        with db.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE arrival_stat SET subtree_size = subtree_size + 1"
                    " WHERE entry_id = :entry AND arrival_id % :share = 0"
                ),
                {"entry": entry_id, "share": share},
            )


def exclude_quarter(entry_id: int) -> int:
    """Take branches of a quarter of all people out of the figures; how many stand in them."""
    values, people, tops = {"entry": entry_id}, 0, []
    with db.engine.begin() as connection:
        size = connection.execute(
            text("SELECT size FROM entry_spread WHERE entry_id = :entry"), values
        ).scalar_one()
        for arrival_id, branch in connection.execute(text(BRANCHES), values):
            if people + branch <= size / 4:
                people += branch
                tops.append({"id": arrival_id})
        connection.execute(text("UPDATE arrival SET state = 'excluded' WHERE id = :id"), tops)
    return people


def restore_all(entry_id: int) -> None:
    """Put all branches back."""
    with db.engine.begin() as connection:
        connection.execute(
            text("UPDATE arrival SET state = 'live' WHERE entry_id = :entry AND state <> 'live'"),
            {"entry": entry_id},
        )


def run_recount(entry_id: int) -> Spent:
    """Its read, its work, its write and its commit."""
    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as connection:
        spent, _ = take_best(lambda: (recount_within(connection, entry_id, NOW), connection.commit()), 1)
    return spent


def run_folds(entry_id: int, parents: range, count: int, rounds: int) -> Spent:
    """New people come by random links of `parents` and are folded; the best of the rounds, each undone."""
    chance = random.Random(count)
    times = []
    for _ in range(rounds):
        with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as connection:
            last = connection.execute(text("SELECT max(id) FROM arrival")).scalar_one()
            add_arrivals(connection, entry_id, [chance.choice(parents) for _ in range(count)], last + 1)
            spent, taken = take_best(lambda: fold_within(connection, entry_id, NOW), 1)
            connection.rollback()
        assert taken == count
        times.append(spent)
    return min(times)


def measure_page(kind: str, size: int, aims: Aims) -> None:
    with open_scratch(kind) as app:
        contest = make_contest("bench", opens=NOW, closes=datetime(2027, 1, 1, tzinfo=UTC))
        paths = []
        for people, first_id in ((50, 1), (size, 1000)):
            entry = make_entry(contest)
            load_tree(entry.id, uniform(people), first_id)
            run_recount(entry.id)
            paths.append(f"/entries/{entry.id}/spread")
        db.session.remove()
        rest_collector()
        client, path = app.test_client(), paths[1]
        client.get(paths[0])  # the templates are compiled
        first, answer = take_best(lambda: client.get(path), 1)
        changed = min(ask_after_a_change(client, entry.id, path) for _ in range(3))
        again, answer = take_best(lambda: client.get(path), 3)
        assert answer.status_code == 200, answer.status
        await_drawings()
        drawings = re.findall(r"<svg.*?</svg>", answer.text, re.DOTALL)
        largest = max(map(len, drawings), default=0) / 1000
        is_quick = max(first.wall_ms, changed.wall_ms, again.wall_ms) <= PAGE_LIMIT_MS
        print(f"\n## The spread page of {size:,} people, {kind}")
        print(
            f"the first answer of a process {tell(first)}, the first after a change of the figures "
            f"{tell(changed)}, again {tell(again)} (limit {PAGE_LIMIT_MS}): {aims.judge(f'{kind}: the spread page', is_quick)}"
        )
        print(
            f"{len(drawings)} drawings, the largest {largest:.0f} kB (limit {SVG_LIMIT_KB}): "
            f"{aims.judge(f'{kind}: the largest drawing', largest <= SVG_LIMIT_KB)}; "
            f"the page {len(answer.data) / 1000:.0f} kB"
        )


def ask_after_a_change(client: FlaskClient, entry_id: int, path: str) -> Spent:
    """The first answer when the figures are others and the drawing that is kept has rested long enough."""
    await_drawings()
    time.sleep(REST * PAGE_LIMIT_MS * 4 / 1000)
    run_recount(entry_id)
    db.session.remove()
    spent, answer = take_best(lambda: client.get(path), 1)
    assert answer.status_code == 200, answer.status
    return spent


def await_drawings() -> None:
    """Let the threads that draw beside the answers come to their end."""
    for thread in threading.enumerate():
        if thread.name == "drawing":
            thread.join()


def take_best(work: Callable[[], Any], rounds: int) -> tuple[Spent, Any]:
    times, result = [], None
    for _ in range(rounds):
        began, busy = time.perf_counter(), time.process_time()
        result = work()
        times.append(Spent((time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000))
    return min(times), result


def tell(spent: Spent) -> str:
    """Both times, and how fast the machine is at this moment."""
    return f"{spent.wall_ms:,.1f} / {spent.processor_ms:,.1f} ms [{weigh_machine():.2f} s]"


def weigh_machine() -> float:
    """Seconds that ten million additions take right now, from a tenth of them."""

    def add_up() -> None:
        total = 0
        for number in range(1_000_000):
            total += number

    return take_best(add_up, 2)[0].wall_ms / 100


if __name__ == "__main__":
    main()
