"""Recorded cascades through the services that requests use, on a scratch database, to hold the product's
stored figures against a reference."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TextIO, TypeVar

import flask_migrate
from flask import Flask
from sqlalchemy import Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError, OperationalError

from quilt.accounts.service import create_user
from quilt.app import create_app
from quilt.arrivals.fold import fold_entry
from quilt.arrivals.models import Arrival, ArrivalStat, NamedLink
from quilt.arrivals.nodes import Node, Visit
from quilt.arrivals.queries import get_measures
from quilt.arrivals.service import record_arrival
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.database import close_writers, db, transaction
from quilt.entries.models import Entry
from quilt.spread.codes import Entropy, new_code
from quilt.spread.fold import NewNode
from quilt.spread.measures import Measures
from quilt.spread.replay import (
    BrokenReplay,
    Forest,
    ReplayTree,
    read_trees,
    replay_forest,
    replay_tree,
    sum_up_forest,
    write_forest_rows,
    write_rows,
)
from quilt.votes.models import EntryTally
from quilt.votes.rules import Policy
from quilt.votes.service import Ballot, cast_vote

START = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=365 * 100)
THREADS = 4  # trees at a time: while one waits for its commit, others join it
TREES_AHEAD = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """How to replay: people a fold takes (`batch`), and which part of the people also vote (0 to 1)."""

    batch: int = 500
    votes: float = 0.0
    entropy: Entropy = secrets.token_bytes

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError("a batch holds at least one arrival")
        if not 0 <= self.votes <= 1:
            raise ValueError("the part of the people who vote lies between 0 and 1")

    def is_voter(self, turn: int) -> bool:
        """Whether the person who came in this turn (from 0) votes: evenly spread over all of them."""
        return int((turn + 1) * self.votes) > int(turn * self.votes)


class CannotReplay(Exception):
    """The file cannot be read, the CSV cannot be written, or there is no database; the message says which."""


class Stage:
    """The contest, its entrant and its voters, made once in an empty database."""

    def __init__(self, app: Flask, plan: Plan) -> None:
        self.app, self.plan = app, plan
        self._voters: list[int] = []
        self._lock = Lock()
        with app.app_context():
            self._entrant_id = create_user("entrant@example.org", now=START).id
            self._contest_id = _add_contest()
        windows = ((START, START + LONGEST),)
        self.policy = Policy(self._contest_id, "UTC", "contest", None, False, windows, b"replay")

    def add_entry(self, tree_id: str) -> tuple[int, str]:
        """Publish an entry for a tree; returns its number and the code of its own link."""
        code = new_code(self.plan.entropy)
        with transaction() as session:
            entry = Entry(
                contest_id=self._contest_id, entrant_id=self._entrant_id, state="published",
                title=tree_id[:120], created_at=START,
            )  # fmt: skip
            session.add(entry)
            session.flush()
            session.add(NamedLink(entry_id=entry.id, code=code, created_at=START))
            session.add(EntryTally(entry_id=entry.id, contest_id=self._contest_id))
        return entry.id, code

    def get_voter(self, turn: int) -> int:
        """The account of the n-th voter; the same people vote for one tree after another."""
        with self._lock:
            while len(self._voters) <= turn:
                address = f"voter{len(self._voters)}@example.org"
                self._voters.append(create_user(address, now=START).id)
            return self._voters[turn]


def replay_file(
    file: Path, out: Path, plan: Plan, through_services: bool, server_url: str = "", is_forest: bool = False
) -> int:
    """Write the figures of a file's trees (or forests) to the CSV `out`; returns how many there were.

    By the fold alone, or through the services on a scratch database (on the PostgreSQL server at
    `server_url` where one is given). Raises CannotReplay; what was in `out` is then as it was.
    """
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("w", newline="") as rows:
            if through_services:
                with open_scratch(server_url) as app:
                    count = _write_stored(rows, app, file, plan, is_forest)
            else:
                count = _write_folded(rows, file, plan.batch, is_forest)
        part.replace(out)
    except (BrokenReplay, OSError, ArgumentError, OperationalError) as error:
        raise CannotReplay(str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return count


def replay_through_services(
    app: Flask, trees: Iterable[ReplayTree], plan: Plan
) -> Iterator[tuple[str, Measures]]:
    """Yield each tree's id and the figures that were stored for it, in the trees' order.

    Every arrival of a tree is a visit by the link of the one who shared it, recorded at its own time, and
    every `plan.batch` of them a fold. `app` must have an empty database with current tables. Several
    trees are played at once; a few of them are read ahead.
    """
    return _replay(app, trees, plan, get_measures)


def replay_forests_through_services(
    app: Flask, forests: Iterable[ReplayTree], plan: Plan
) -> Iterator[tuple[str, Forest]]:
    """The same for forests: yield each one's id and the figures of its stored tree and subtree sizes."""
    return _replay(app, forests, plan, _read_forest)


@contextmanager
def open_scratch(server_url: str = "") -> Iterator[Flask]:
    """An application with an empty database that is gone afterwards.

    Without `server_url` that is SQLite in a temporary folder, else a database of a name of its own on
    that PostgreSQL server.
    """
    with TemporaryDirectory(prefix="quilt-replay-") as folder, _scratch_database(server_url) as url:
        data = Path(folder)
        app = create_app(
            Settings(environment="development", secret_key=secrets.token_hex(), data=data, database_url=url)
        )
        try:
            with app.app_context():
                _hurry(db.engine)
                flask_migrate.upgrade()
            yield app
        finally:
            close_writers()
            with app.app_context():
                db.engine.dispose()


def _write_stored(out: TextIO, app: Flask, file: Path, plan: Plan, is_forest: bool) -> int:
    if is_forest:
        return write_forest_rows(out, replay_forests_through_services(app, read_trees(file), plan))
    return write_rows(out, replay_through_services(app, read_trees(file), plan))


def _write_folded(out: TextIO, file: Path, batch: int, is_forest: bool) -> int:
    trees = read_trees(file)
    if is_forest:
        return write_forest_rows(out, ((tree.id, replay_forest(tree.arrivals, batch)) for tree in trees))
    return write_rows(out, ((tree.id, replay_tree(tree.arrivals, batch)) for tree in trees))


def _replay(
    app: Flask, trees: Iterable[ReplayTree], plan: Plan, read: Callable[[int], T]
) -> Iterator[tuple[str, T]]:
    """Play the trees and yield each one's id and what `read` finds stored for its entry."""
    stage = Stage(app, plan)
    waiting = iter(trees)
    with ThreadPoolExecutor(THREADS) as pool:
        while group := list(islice(waiting, TREES_AHEAD)):
            yield from pool.map(lambda tree: (tree.id, _play(stage, tree, read)), group)


def _read_forest(entry_id: int) -> Forest:
    """Every figure from what the folds have stored."""
    rows = db.session.execute(
        select(Arrival.id, Arrival.parent_id, func.coalesce(ArrivalStat.subtree_size, 1))
        .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
        .where(Arrival.entry_id == entry_id)
        .order_by(Arrival.id)
    )
    return sum_up_forest(
        get_measures(entry_id), ((node_id, parent_id, size) for node_id, parent_id, size in rows)
    )


def _play(stage: Stage, tree: ReplayTree, read: Callable[[int], T]) -> T:
    plan = stage.plan
    with stage.app.app_context():
        entry_id, entry_code = stage.add_entry(tree.id)
        codes: dict[int | None, str] = {None: entry_code}
        voters = 0
        moment = START
        for turn, (arrival, seconds) in enumerate(zip(tree.arrivals, tree.seconds, strict=True)):
            moment = START + timedelta(seconds=turn if seconds is None else seconds)
            node = _arrive(plan, entry_id, arrival, codes[arrival.parent_id], moment)
            codes[arrival.id] = node.code
            if plan.is_voter(turn):
                _vote(stage, entry_id, arrival, node, voters, moment)
                voters += 1
            if turn % plan.batch == plan.batch - 1:
                fold_entry(entry_id, moment)
        fold_entry(entry_id, moment)
        return read(entry_id)


def _arrive(plan: Plan, entry_id: int, arrival: NewNode, via: str, moment: datetime) -> Node:
    visit = Visit(entry_id, _name_visitor(arrival), via=via)
    return record_arrival(visit, plan.entropy(16), now=moment, entropy=plan.entropy)


def _vote(stage: Stage, entry_id: int, arrival: NewNode, node: Node, turn: int, moment: datetime) -> None:
    user_id = stage.get_voter(turn)
    visit = Visit(entry_id, _name_visitor(arrival), own_code=node.code)
    ballot = Ballot(user_id, "email", visit)
    cast_vote(ballot, stage.policy, secret="replay", now=moment, entropy=stage.plan.entropy)


def _name_visitor(arrival: NewNode) -> bytes:
    return arrival.id.to_bytes(8)


def _add_contest() -> int:
    with transaction() as session:
        contest = Contest(
            slug="replay",
            title="Replay",
            prize_text="",
            time_zone="UTC",
            rules_text="",
            created_at=START,
            voter_salt=b"replay",
        )
        session.add(contest)
        session.flush()
        return contest.id


def _hurry(engine: Engine) -> None:
    """Let SQLite answer before the disk has written: what is in a scratch database may be lost.

    PostgreSQL's does so by a setting of its own.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF"))


@contextmanager
def _scratch_database(server_url: str) -> Iterator[str]:
    if not server_url:
        yield ""
        return
    url = make_url(server_url)
    name = f"quilt_replay_{secrets.token_hex(6)}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit TO off'))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()
