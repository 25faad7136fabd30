"""How much of bare Flask's throughput the hot paths keep, under the production server, in one run.

usage: python -m benchmarks.hot_paths [--seconds 4] [--connections 1,16,64,256] [--only beacon,vote] [--postgresql]

Each path is measured right after bare Flask with the same server, workers, threads and connections, so that
the ratio holds although the machine's speed drifts; a second of the same load goes before each. The load generator
(wrk, from Debian's package) shares the processors. Votes and beacons are answered after their commit (SQLite:
synchronous=FULL, group commit). The worker judges votes and writes them into the ledger meanwhile, five
seconds after its last batch; a run of `--connections 64 --seconds 16` has several.
"""

import argparse
import json
import math
import os
import platform
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.aims import Aims
from benchmarks.spread_data import start_postgresql
from quilt.config import ROOT
from quilt.database import db, transaction
from quilt.votes.ledger_models import LedgerLeaf
from quilt.web.tickets import issue_ticket
from tests.factories import make_contest, make_entry, make_user
from tests.faults.processes import list_workers
from tests.live import Site, find_free_port, open_site, sign_cookies, wait_until_up

FLOORS = {
    "link /s/<code>": 0.25,
    "entry page": 0.25,
    "beacon": 0.12,
    "vote": 0.12,
    "gallery of 24": 0.15,
    "standings JSON": 0.4,
    "widget JSON": 0.4,
}
SLOWEST_P99_MS = 250.0  # at 256 connections
VOTES_AT_64 = (0.15, 60.0)  # share of bare Flask, and p99 in milliseconds
LARGEST_WORKER_MB = 120.0
PROXIED = {"QUILT_PROXIES": "1", "QUILT_LIMITS": "on"}  # as behind a proxy: each request has its own address
LEDGER = {"QUILT_LEDGER_MINUTES": "0.05"}  # a batch whenever the worker looks
AGENTS = 40  # real crowds share few user agents
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WRK = shutil.which("wrk")
ENTRIES = 24
VOTERS = 5_000  # for each entry whose turn it is; who has voted is only refused: a file that came to its end is a miss


@dataclass(frozen=True)
class Result:
    answered: int
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True)
class Scene:
    """What the contest of the benchmark holds."""

    entry_ids: list[int]
    slug: str
    contest_slug: str
    voter_ids: list[int]


def main() -> None:
    options = read_options()
    if WRK is None:
        sys.exit("This benchmark needs wrk (Debian: apt-get install wrk).")
    print(describe_machine())
    aims = Aims()
    with tempfile.TemporaryDirectory(prefix="quilt-bench-") as folder:
        print(f"One fsync here: {measure_fsync(Path(folder)):.2f} ms.\n")
        with (
            open_database(Path(folder), options.postgresql) as url,
            open_bare() as bare_port,
            open_site(Path(folder) / "site", url, has_worker=True, extra={**PROXIED, **LEDGER}) as site,
        ):
            run(site, build_scene(site), bare_port, options, Path(folder), aims)
    sys.exit(aims.sum_up())


def run(
    site: Site, scene: Scene, bare_port: int, options: argparse.Namespace, folder: Path, aims: Aims
) -> dict[str, Result]:
    """Print a line for each path and number of connections; what was measured, by "path at connections", or "before" it."""
    results, taken_in = {}, {}
    print("| path | connections | requests/s | bare Flask | share | floor | p50 ms | p99 ms | errors | |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in FLOORS:
        if options.only and not any(word in name for word in options.only.split(",")):
            continue
        for connections in options.connections:
            bare = load(f"http://127.0.0.1:{bare_port}/", connections, options.seconds)
            make_requests = partial(prepare, name, site, scene, folder, connections)
            path, requests = make_requests(1)
            if requests:
                results[f"before {name} at {connections}"] = load(
                    f"{site.url}{path}", connections, 1, requests
                )
                path, requests = make_requests(ENTRIES // len(options.connections) - 1)
            before = count_leaves(site)
            ours = load(f"{site.url}{path}", connections, options.seconds, requests)
            share, row = ours.rate / bare.rate, f"{name} at {connections}"
            taken_in[row] = count_leaves(site) - before
            results[row] = ours
            least, slowest = find_floor(name, connections)
            is_enough = requests is None or ours.answered <= count_lines(requests)
            is_met = share >= least and ours.p99_ms <= slowest and not ours.errors and is_enough
            print(
                f"| {name} | {connections} | {ours.rate:,.0f} | {bare.rate:,.0f} | **{share:.2f}** | {least} "
                f"| {ours.p50_ms:.1f} | {ours.p99_ms:.1f} | {ours.errors} | {aims.judge(row, is_met)} |",
                flush=True,
            )
    for row, votes in taken_in.items():
        if row.startswith("vote"):
            print(f"\n{row}: {votes:,} went into the ledger while {results[row].answered:,} were cast.")
    memory = largest_worker_mb(site.server)
    word = aims.judge("memory of a worker", memory <= LARGEST_WORKER_MB)
    print(f"\nLargest worker after the load: {memory:.0f} MB (aim {LARGEST_WORKER_MB:.0f}): {word}.")
    return results


def find_floor(name: str, connections: int) -> tuple[float, float]:
    """The least share of bare Flask, and the slowest p99 in milliseconds, that are asked of a path."""
    if (name, connections) == ("vote", 64):
        return VOTES_AT_64
    return FLOORS[name], SLOWEST_P99_MS if connections == 256 else math.inf


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument(
        "--connections", type=lambda text: [int(part) for part in text.split(",")], default=[1, 16, 64, 256]
    )
    parser.add_argument("--only", default="")
    parser.add_argument("--postgresql", action="store_true", help="a scratch server instead of SQLite")
    return parser.parse_args(arguments)


def describe_machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("flask", "granian", "sqlalchemy", "werkzeug"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"{packages}; 2 workers; wrk -t1 on the same processors."
    )


def measure_fsync(folder: Path) -> float:
    """Median milliseconds of a write with fsync."""
    times = []
    with open(folder / "fsync", "wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


@contextmanager
def open_database(folder: Path, is_postgresql: bool) -> Iterator[str]:
    """The address of a scratch PostgreSQL with its defaults, or '' for SQLite."""
    if not is_postgresql:
        yield ""
        return
    folder.chmod(0o755)
    server = start_postgresql(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def open_bare() -> Iterator[int]:
    port = find_free_port()
    with open(os.devnull, "wb") as nothing:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare", str(port), "2"],
            cwd=ROOT,
            stdout=nothing,
            stderr=nothing,
        )
        try:
            wait_until_up(port, server, Path(os.devnull))
            yield port
        finally:
            server.terminate()
            server.wait()


def build_scene(site: Site, voters: int = VOTERS) -> Scene:
    """A contest under way with 24 entries, and so many who can vote."""
    moment = datetime.now(UTC)
    with site.app.app_context():
        contest = make_contest("bench", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        contest_slug = contest.slug
        entries = [
            make_entry(contest, make_user(), title=f"Story {n}", cause=f"Cause {n}") for n in range(ENTRIES)
        ]
        ids, slug = [entry.id for entry in entries], entries[0].slug
        from quilt.accounts.models import User

        with transaction() as session:
            people = [
                User(email=f"v{n}@example.org", email_key=f"v{n}@example.org", created_at=moment)
                for n in range(voters)
            ]
            session.add_all(people)
        voter_ids = [person.id for person in people]
        db.session.remove()
    return Scene(ids, slug, contest_slug, voter_ids)


def count_lines(file: Path) -> int:
    with open(file) as lines:
        return sum(1 for _ in lines)


def count_leaves(site: Site) -> int:
    """How many votes the ledger has."""
    with site.app.app_context():
        count = db.session.scalar(select(func.count(LedgerLeaf.vote_id))) or 0
        db.session.remove()
    return count


def prepare(
    name: str, site: Site, scene: Scene, folder: Path, connections: int, turns: int
) -> tuple[str, Path | None]:
    """The path to load, and a file of requests where each must be another; everybody votes for `turns` entries."""
    first = scene.entry_ids[0]
    paths = {
        "link /s/<code>": f"/s/own{first:08}",
        "entry page": f"/entries/{first}-{scene.slug}",
        "gallery of 24": f"/contests/{scene.contest_slug}?view=grid",
        "standings JSON": f"/contests/{scene.contest_slug}/standings.json",
        "widget JSON": f"/widget/entries/{first}.json",
    }
    if name in paths:
        return paths[name], None
    file = folder / f"{name}-{connections}.tsv"
    if name == "beacon":
        write_beacons(file, site, scene, connections)
    else:
        write_votes(file, site, scene, connections, turns)
    return "/", file


def write_beacons(file: Path, site: Site, scene: Scene, connections: int, count: int = 60_000) -> None:
    """Each beacon is another person's (by their address) with a fresh ticket."""
    moment, secret, entry_id = datetime.now(UTC), site.settings.secret_key, scene.entry_ids[connections % 24]
    with open(file, "w") as out:
        for number in range(count):
            ticket = issue_ticket(entry_id, "", secret, moment, secrets.token_bytes)
            told = {"entry": entry_id, "ticket": ticket, "via": f"own{entry_id:08}", "channel": "wa",
                    "visible": True, "prerendering": False, "dwell": 1100}  # fmt: skip
            agent = f"{PERSON} {number % AGENTS}"
            line = ("POST", "/arrivals", "", agent, "application/json", json.dumps(told), make_address())
            out.write("\t".join(line) + "\n")


def make_address() -> str:
    """A private address, one of sixteen million."""
    return "10." + ".".join(str(part) for part in secrets.token_bytes(3))


_vote_turn = iter(range(ENTRIES))


def write_votes(file: Path, site: Site, scene: Scene, connections: int, turns: int = 6) -> None:
    """Each vote is another pair of voter and entry, by people who are signed in."""
    moment, secret = datetime.now(UTC), site.settings.secret_key
    entries = [next(_vote_turn) for _ in range(turns)]
    with open(file, "w") as out, site.app.app_context():
        cookies = sign_cookies(site.app, scene.voter_ids)
        for turn in entries:
            entry_id = scene.entry_ids[turn]
            for voter in scene.voter_ids:
                ticket = issue_ticket(entry_id, str(voter), secret, moment, secrets.token_bytes)
                line = ("POST", f"/entries/{entry_id}/vote", cookies[voter], f"{PERSON} {voter % AGENTS}",
                        "application/x-www-form-urlencoded", f"ticket={ticket}&via=&c=wa", make_address())  # fmt: skip
                out.write("\t".join(line) + "\n")


def load(url: str, connections: int, seconds: float, requests: Path | None = None) -> Result:
    """Load an address with wrk; plain pages are warmed up for a second, unless one second is all."""
    script = ["-s", str(ROOT / "benchmarks" / "load.lua")]
    base = [str(WRK), "-t1", f"-c{connections}", "--latency", *script]
    files = ["--", str(requests)] if requests else []
    if requests is None and seconds > 1:
        subprocess.run([*base, "-d1s", url, "-H", f"User-Agent: {PERSON}"], capture_output=True, check=True)
    printed = subprocess.run(
        [*base, f"-d{seconds:.0f}s", "-H", f"User-Agent: {PERSON}", url, *files],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    told = json.loads(printed.rpartition("RESULT ")[2])
    return Result(
        told["requests"],
        told["requests"] / told["seconds"],
        told["p50_ms"],
        told["p99_ms"],
        told["status_errors"] + told["socket_errors"],
    )


def largest_worker_mb(server: int) -> float:
    """Resident memory of the largest worker of this server."""
    sizes = (
        re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{worker}/status").read_text())
        for worker in list_workers(server)
    )
    return max(int(size[1]) / 1024 for size in sizes if size)


if __name__ == "__main__":
    main()
