"""A crowd votes while processes are killed, the database is stopped or its disk is full; what is left of what was told.

The verdict compares the clients' journal with the tables by plain SQL and shares no code with the server.
"""

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, insert, select, text

from quilt.accounts.models import User
from quilt.config import ROOT
from quilt.database import db, write
from tests.factories import make_contest, make_entry
from tests.faults.processes import find_writer, list_ready_workers, list_workers
from tests.faults.vote_clients import CLIENTS
from tests.live import Site, sign_cookies

MOST_ROOM, LEAST = 1 << 30, 4096  # bytes: of a small disk, and of what is still written there

Fault = Callable[[], bool]  # whether it came to pass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the acknowledged votes: lists of voters, and counts."""

    acknowledged: int
    faults: int
    lost: list[int]
    changed: list[int]  # another receipt than the one that was told
    doubled: list[int]
    miscounted: int  # the counter's difference from the rows
    statuses: Counter[str]
    longest: float  # seconds between a first press and its receipt

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.changed or self.doubled or self.miscounted)

    def __str__(self) -> str:
        met = ", ".join(f"{count}×{status}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.acknowledged:,} acknowledged, {self.faults} faults, {len(self.lost)} lost, {len(self.doubled)}"
            f" doubled, counter off by {self.miscounted}; {met}; the longest wait {self.longest:.1f} s"
        )


def run_storm(site: Site, folder: Path, faults: dict[float, Fault], votes: int, seconds: float) -> Verdict:
    """Let `votes` people vote over about `seconds`, with each of `faults` every so many seconds.

    Raises AssertionError where somebody was never told anything, or was refused.
    """
    entry_id, voters = _invite(site, votes)
    journal = folder / f"journal-{entry_id}"
    asked = {
        "port": site.port, "entry": entry_id, "secret": site.settings.secret_key, "voters": voters,
        "breath": seconds * CLIENTS / votes, "patience": seconds * 8 + 60,
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.faults.vote_clients", str(journal)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as clients:
        over, count = threading.Event(), Counter[str]()
        plagues = [
            threading.Thread(target=_repeat, args=(fault, every, over, count))
            for every, fault in faults.items()
        ]
        for plague in plagues:
            plague.start()
        told, _ = clients.communicate(json.dumps(asked))
        over.set()
        for plague in plagues:
            plague.join()
    assert clients.returncode == 0
    assert list_workers(site.server)  # it has not given up
    time.sleep(1)  # a request that nobody waits for any more may still be at work
    return _judge(site.settings.database, entry_id, journal, json.loads(told), count.total())


def kill_a_worker(site: Site, chance: random.Random) -> Fault:
    """A fault: one of the server's workers is killed, of those that have begun to answer requests; not the last."""

    def kill() -> bool:
        ready = list_ready_workers(site.server, site.settings.data / "server.log")
        if len(ready) > 1:
            os.kill(chance.choice(ready), signal.SIGKILL)
        return len(ready) > 1

    return kill


def kill_the_writer(site: Site) -> Fault:
    """A fault: the process that commits for all workers on SQLite is killed."""

    def kill() -> bool:
        writer = find_writer(site.server)
        if writer is not None:
            os.kill(writer, signal.SIGKILL)
        return writer is not None

    return kill


def fill_the_disk(folder: Path, seconds: float) -> Fault:
    """A fault: there is no room left where `folder` lies, for so many seconds once it is full."""

    def fill() -> bool:
        ballast, block = folder / "ballast", 1 << 20
        until = math.inf
        try:
            with open(ballast, "wb", buffering=0) as file:
                while time.monotonic() < until:
                    try:
                        file.write(bytes(block))
                    except OSError:
                        if block > LEAST:
                            block //= 2
                            continue
                        until = min(until, time.monotonic() + seconds)
                        time.sleep(0.01)  # whatever is given back is taken too
                    assert file.tell() < MOST_ROOM, "this is no small disk"
        finally:
            ballast.unlink()
        return True

    return fill


@contextmanager
def open_small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own of this size; needs to be allowed to mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "quilt-tests", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def add_people(name: str, count: int, now: datetime) -> list[int]:
    """So many people, whose addresses begin with this name; their numbers."""
    addresses = [f"{name}-{number}@example.org" for number in range(count)]
    rows = [{"email": email, "email_key": email, "created_at": now} for email in addresses]
    write(lambda connection: connection.execute(insert(User), rows).rowcount)
    return list(db.session.scalars(select(User.id).where(User.email.like(f"{name}-%"))))


def may_mount() -> bool:
    """Whether this process can have a small disk."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount") is not None


def _invite(site: Site, votes: int) -> tuple[int, list[tuple[int, str]]]:
    """An entry of a contest that is open, and so many signed-in people: (their number, their cookie)."""
    moment = datetime.now(UTC)
    with site.app.app_context():
        contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entry_id = make_entry(contest).id
        ids = add_people(f"storm{entry_id}", votes, moment)
        db.session.remove()
    cookies: dict[int, str] = {}
    for first in range(0, votes, 500):
        cookies |= sign_cookies(site.app, ids[first : first + 500])
    return entry_id, [(voter, cookies[voter]) for voter in ids]


def _repeat(fault: Fault, every: float, over: threading.Event, count: Counter[str]) -> None:
    while not over.wait(every):
        count["faults"] += fault()


def _judge(url: str, entry_id: int, journal: Path, told: dict[str, object], faults: int) -> Verdict:
    lines = [line.split() for line in journal.read_text().splitlines()]
    promised = {int(voter): receipt for voter, receipt in lines}
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT voter.user_id, vote.receipt FROM vote JOIN voter ON voter.id = vote.voter_id"
                " WHERE vote.entry_id = :e"
            ),
            {"e": entry_id},
        ).all()
        counter = connection.execute(
            text("SELECT standing FROM entry_tally WHERE entry_id = :e"), {"e": entry_id}
        ).scalar_one()
    engine.dispose()
    found = {row.user_id: row.receipt for row in rows}
    times = Counter(row.user_id for row in rows)
    return Verdict(
        acknowledged=len(promised),
        faults=faults,
        lost=[voter for voter in promised if voter not in found],
        changed=[voter for voter, receipt in promised.items() if found.get(voter, receipt) != receipt],
        doubled=[voter for voter, count in times.items() if count > 1],
        miscounted=counter - len(rows),
        statuses=Counter(told["statuses"]),
        longest=float(str(told["longest"])),
    )
