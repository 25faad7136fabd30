"""What the ledger costs: a batch of recorded votes, on both databases, beside votes by the whole path over HTTP.

usage: python -m benchmarks.sequencing [--votes 20000] [--databases sqlite,postgresql] [--seconds 6]

A batch's processor time, this process's and PostgreSQL's, stands beside what everything on this machine together
takes for a vote at 64 connections: two web workers, the writer, the database and the load generator. The ledger's
share is its part of both; beside it stands the share with the rules of evidence, which judge the votes before the
ledger takes them. Votes tell what a page with a script tells, and lie on the disk before a batch takes them.
"""

import argparse
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import func, insert, select, text, update

from benchmarks.aims import Aims
from benchmarks.fraud.presses import make_address, make_agent
from benchmarks.hot_paths import PROXIED, WRK, build_scene, describe_machine, load, write_votes
from benchmarks.spread_data import open_scratch, start_postgresql
from quilt.collector import rest_collector
from quilt.config import Settings
from quilt.contests.freezing import freeze_contest
from quilt.database import db, transaction
from quilt.integrity.verdicts import judge_batch
from quilt.votes.evidence import Evidence, make_marks, pack_evidence
from quilt.votes.heads import open_ledger
from quilt.votes.keys import get_signing_key
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.sequencing import close_batch
from tests.factories import make_contest, make_entry
from tests.faults.processes import list_children
from tests.live import Site, open_site

ENTRIES, CONNECTIONS = 40, 64
MOST_SHARE = 0.15  # of all the processor time that a vote takes
SECRET = "a secret for the measurement only"
NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


Tell = Callable[[], bytes | None]
Done = TypeVar("Done")


class Work(NamedTuple):
    """Seconds a vote: on the clock, and of processor, this process's and PostgreSQL's."""

    clock: float
    own: float
    server: float

    @property
    def processor(self) -> float:
        return self.own + self.server


class Batch(NamedTuple):
    """What a batch takes: judging its votes, and writing them into the ledger."""

    rules: Work
    ledger: Work


class PlantedVote(NamedTuple):
    """A vote that will be put into the tables."""

    voter_id: int
    entry_id: int
    period: str
    cast_at: datetime
    evidence: bytes | None = None


def main() -> None:
    options = read_options()
    if WRK is None:
        sys.exit("This benchmark needs wrk (Debian: apt-get install wrk).")
    aims = Aims()
    print(describe_machine())
    print(
        "| database | sequenced/s | µs of processor: ledger | its server | rules of evidence | a vote cast, everything "
        f"| the ledger (< {MOST_SHARE:.0%}) | with the rules | |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in options.databases.split(","):
        with open_scratch(kind) as app, app.app_context():
            rest_collector()  # as a worker does
            batch = measure_batch(options.votes, app.extensions["quilt_settings"])
        tell(kind, batch, measure_casting(kind, options.seconds), aims)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=20_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--seconds", type=float, default=6)
    return parser.parse_args(arguments)


def tell(kind: str, batch: Batch, cast: float, aims: Aims) -> float:
    """Print a database's line; the ledger's share of the seconds of processor that a vote takes."""
    rules, ledger = batch
    share = ledger.processor / (ledger.processor + cast)
    both = ledger.processor + rules.processor
    print(
        f"| {kind} | {1 / ledger.clock:,.0f} | {ledger.own * 1e6:.0f} | {ledger.server * 1e6:.0f} "
        f"| {rules.processor * 1e6:.0f} | {cast * 1e6:.0f} | **{share:.1%}** | {both / (both + cast):.1%} "
        f"| {aims.judge(f'{kind}: the ledger', share < MOST_SHARE)} |",
        flush=True,
    )
    return share


def measure_batch(votes: int, settings: Settings) -> Batch:
    """What a vote of one batch takes; the batch does not rest."""
    contest = make_contest(opens=NOW - timedelta(days=1), closes=NOW + timedelta(days=1))
    contest_id, entries = contest.id, [make_entry(contest).id for _ in range(ENTRIES)]
    settings.data.mkdir(parents=True, exist_ok=True)
    key = get_signing_key(settings, secrets.token_bytes)
    freeze_contest(contest_id, NOW)
    open_ledger(contest_id, key, NOW)
    add_votes(contest_id, entries, votes, tell=partial(tell_evidence, random.Random(7)))
    vote_ids = list(db.session.scalars(select(Vote.id)))
    server = find_server()
    db.session.remove()
    with db.engine.connect() as connection:
        rules, verdicts = weigh(votes, server, lambda: judge_batch(connection, contest_id, vote_ids))
    ledger, batch = weigh(
        votes, server, lambda: close_batch(
            contest_id, key, lambda *_: verdicts, secret=SECRET, now=lambda: NOW, entropy=secrets.token_bytes,
            rest=0.0,
        )
    )  # fmt: skip
    assert batch.votes == votes == batch.decisions, batch
    return Batch(rules, ledger)


def weigh(votes: int, server: int, do: Callable[[], Done]) -> tuple[Work, Done]:
    """What something takes that is done about so many votes, for each of them; and what it returned."""
    clock, own, served = time.perf_counter(), time.process_time(), read_seconds(server)
    done = do()
    clock, own = time.perf_counter() - clock, time.process_time() - own
    return Work(clock / votes, own / votes, (read_seconds(server) - served) / votes), done


def find_server() -> int:
    """The process that started PostgreSQL's others; 0 where there is none."""
    if db.engine.dialect.name == "sqlite":
        return 0
    backend: int = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return int(read_fields(backend)[1])


def read_seconds(server: int) -> float:
    """Seconds of processor that the processes of this server have used; 0 where there is none."""
    ticks = 0
    for process in list_children(server) if server else ():
        with suppress(OSError):
            fields = read_fields(process)
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def read_fields(process: int) -> list[str]:
    """The fields of /proc/<process>/stat behind the command's name: the second is its parent's number."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def measure_casting(kind: str, seconds: float) -> float:
    """Seconds of processor that this whole machine takes for a vote by HTTP; nothing else may run on it."""
    with tempfile.TemporaryDirectory(prefix="quilt-bench-") as folder:
        Path(folder).chmod(0o755)
        server = start_postgresql(Path(folder)) if kind == "postgresql" else None
        try:
            with open_site(Path(folder) / "site", server.get_uri() if server else "", extra=PROXIED) as site:
                scene, file = build_scene(site), Path(folder) / "votes.tsv"
                write_votes(file, site, scene, CONNECTIONS)
                load(f"{site.url}/", CONNECTIONS, 1, file)
                write_votes(file, site, scene, CONNECTIONS)
                return weigh_votes(site, file, CONNECTIONS, seconds)
        finally:
            if server:
                server.cleanup()


def weigh_votes(site: Site, file: Path, connections: int, seconds: float) -> float:
    """Seconds of processor that this machine works for each vote of a file while they are sent."""
    before = read_busy_seconds()
    result = load(f"{site.url}/", connections, seconds, file)
    return (read_busy_seconds() - before) / (result.rate * seconds)


def read_busy_seconds() -> float:
    """Seconds that the processors of this machine have worked."""
    user, nice, system, _idle, _wait, interrupts, soft, *_ = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def tell_evidence(chance: random.Random) -> bytes:
    """What a vote by somebody at home tells."""
    marks = make_marks(make_address(chance), make_agent(chance), bytes(32), bytes(32))
    dwell = chance.lognormvariate(3.0, 0.8)
    return pack_evidence(
        Evidence(marks, chance.random() < 0.6, dwell, dwell + 5, 10 + dwell, has_cookie=True)
    )


def tell_nothing() -> None:
    """As of a vote whose evidence was emptied."""


def add_votes(
    contest_id: int, entries: list[int], count: int, at: datetime = NOW, tell: Tell = tell_nothing
) -> None:
    """Recorded votes of new voters, put into the tables at once; `tell` says of each how it was cast."""
    voters = add_voters(contest_id, count)
    record_votes(
        contest_id,
        [
            PlantedVote(voter, entries[turn % len(entries)], "", at, tell())
            for turn, voter in enumerate(voters)
        ],
    )


def add_voters(contest_id: int, count: int) -> range:
    """So many new voters; their ids."""
    with transaction() as session:
        first = (session.scalar(select(func.max(Voter.id))) or 0) + 1
        added = range(first, first + count)
        rows = [
            {"id": voter, "contest_id": contest_id, "key": secrets.token_bytes(32), "created_at": NOW}
            for voter in added
        ]
        session.execute(insert(Voter), rows)
    return added


def record_votes(contest_id: int, casts: Sequence[PlantedVote]) -> None:
    """Put these votes into the tables, with what the counters say of them."""
    with transaction() as session:
        rows = [
            {
                **cast._asdict(),
                "contest_id": contest_id,
                "state": "recorded",
                "receipt": secrets.token_hex(12),
            }
            for cast in casts
        ]
        session.execute(insert(Vote), rows)
        for entry_id in {cast.entry_id for cast in casts}:
            stands = select(func.count()).where(Vote.entry_id == entry_id).scalar_subquery()
            session.execute(update(EntryTally).where(EntryTally.entry_id == entry_id).values(standing=stands))


if __name__ == "__main__":
    main()
