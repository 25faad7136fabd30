"""The database: one session for the ORM, one group-committing writer for the hot paths, column types."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    FromClause,
    Integer,
    MetaData,
    String,
    event,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from quilt.running import get_app
from quilt.writer import Crowd, RemoteCommitter, may_travel
from quilt.writing import (
    CACHE_KB,
    SPARE_CACHE_KB,
    Committer,
    GroupWriter,
    Piece,
    lock_writes,
    may_run_together,
    try_again,
)

T = TypeVar("T")
LINGER = 0.001  # seconds in which a group for PostgreSQL gathers

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What every model inherits."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

BigId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database, never naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactInteger(TypeDecorator[int]):
    """An integer of any size, kept as decimal text: a chain of 3 million overflows 64 bits."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


@contextmanager
def transaction() -> Iterator[Session]:
    """One write transaction around a service function's work: committed at its end, rolled back on an error.

    Whatever was read before is read again inside, so that decisions rest on facts taken under the
    write lock (SQLite: BEGIN IMMEDIATE).
    """
    session = db.session()
    session.rollback()
    with lock_writes(db.engine):
        session.connection(execution_options={"quilt_begin": "IMMEDIATE"})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


def release_session() -> None:
    """Give the session's connection back, if it has one.

    One whose server has gone has nothing to roll back, and an answer that is made already is not spoilt by it.
    """
    if not db.session.registry.has():
        return
    try:
        db.session.remove()
    except DBAPIError:
        db.session.registry.clear()


def get_engine() -> Engine:
    """The engine of the current application: `db.engine` for a third of its price."""
    engine: Engine = get_app().extensions["quilt_engine"]
    return engine


def database_key() -> int:
    """Tells this application's database from others in what a process keeps."""
    return id(get_engine())


def write(work: Callable[..., T], *args: Any) -> T:
    """Run `work(connection, *args)` in a transaction and return its result once that is durable.

    Everything that waits is committed in one go, on SQLite any work, on PostgreSQL such as can be done for many at
    a time (`quilt.writing.runs_together`): by the writer process where this server has one and `work` is a module's
    own function, else by one thread of this process. Who writes alone has a transaction of their own.
    `work` may be run again when another in its group failed: it must depend on nothing but the database and its
    arguments.
    """
    engine = get_engine()
    if not _may_join(engine, work):
        return _run_alone(engine, work, args)
    with _crowd.joined() as is_dense:
        if is_dense:
            return _writer_for(engine, work).submit(work, args)  # type: ignore[no-any-return]
        if engine.dialect.name == "sqlite":
            return _writer_of(engine, None).write_alone(work, args)  # type: ignore[no-any-return]
        return _run_alone(engine, work, args)


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is still to be done: `work(connection, *args)`, as `write` takes it."""

    work: Callable[..., Any]
    args: tuple[Any, ...]

    def run(self) -> Any:
        """Do it, and return its result once that is durable."""
        return write(self.work, *self.args)

    def run_in_crowd(self, done: Callable[[Piece], None]) -> bool:
        """Have it done with what others wait for; `done` is called with its outcome in a thread of the writer's, for
        which others wait.

        False, and nothing is done, where there is no crowd, or none can have it done together.
        """
        engine = get_engine()
        if not _may_join(engine, self.work):
            return False

        def leave(piece: Piece) -> None:
            _crowd.leave()
            done(piece)

        if not _crowd.join():
            _crowd.leave()
            return False
        try:
            _writer_for(engine, self.work).submit_later(leave, self.work, self.args)
        except BaseException:
            _crowd.leave()
            raise
        return True


def _may_join(engine: Engine, work: Callable[..., Any]) -> bool:
    """Whether this work may be committed with what others wait for: on SQLite any, else what is done for many."""
    return engine.dialect.name == "sqlite" or may_run_together(work)


def _writer_for(engine: Engine, work: Callable[..., Any]) -> GroupWriter:
    """The writer that commits this work in a crowd: the server's own process, where there is one that can find it."""
    return _writer_of(engine, _address if may_travel(work) else None)


def _run_alone(engine: Engine, work: Callable[..., T], args: tuple[Any, ...]) -> T:
    def attempt() -> T:
        with engine.begin() as connection:
            return work(connection, *args)

    return try_again(attempt)


@lru_cache
def insert_if_new(table: FromClause, dialect: str, returning: str = "") -> Any:
    """INSERT … ON CONFLICT DO NOTHING, RETURNING the named column (nothing comes back for a double).

    The unique keys decide, not a look beforehand. Kept, for making a statement costs more than running it.
    """
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = insert(table).on_conflict_do_nothing()  # type: ignore[arg-type]
    return statement.returning(table.c[returning]) if returning else statement


def insert_or_change(
    table: FromClause, dialect: str, put: Sequence[str] = (), add: Sequence[str] = ()
) -> Any:
    """INSERT; where the primary key is there already, replace the columns in `put` and add to those in `add`."""
    insert = (postgresql_insert if dialect == "postgresql" else sqlite_insert)(table)  # type: ignore[arg-type]
    changes: dict[str, Any] = {name: insert.excluded[name] for name in put}
    changes |= {name: table.c[name] + insert.excluded[name] for name in add}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)


def is_sqlite() -> bool:
    """Whether the database of the current application is SQLite."""
    return db.engine.dialect.name == "sqlite"


def choose_options(url: str) -> dict[str, Any]:
    """What an engine for the database at `url` is made with, in every process: a server that is away is not waited for."""
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": 32, "max_overflow": 32}
    if url.startswith("postgres"):
        # Two workers at their worst leave some of the hundred that a server has by default.
        options |= {"max_overflow": 8, "pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
    return options


def prepare_engine(engine: Engine) -> None:
    """Give a SQLite engine its pragmas and explicit transactions; leave any other as it is."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


_address: str | None = None
_crowd = Crowd()
_writers: dict[tuple[int, int, str | None], GroupWriter] = {}
_writers_lock = threading.Lock()


def _writer_of(engine: Engine, address: str | None) -> GroupWriter:
    """This process's way to the writer that listens at `address`, or (None) its own; a forked child starts its own."""
    key = (os.getpid(), id(engine), address)
    writer = _writers.get(key)
    if writer is None:
        with _writers_lock:
            writer = _writers.get(key)
            if writer is None:
                committer = Committer(engine, SPARE_CACHE_KB if _address else CACHE_KB)
                linger = 0.0 if address or engine.dialect.name == "sqlite" else LINGER
                writer = GroupWriter(RemoteCommitter(address, committer) if address else committer, linger)
                _writers[key] = writer
    return writer


def use_writer(address: str | None) -> None:
    """From now on this process's writes go to the writer process that listens there (None: to no other process)."""
    global _address
    _address = address


def close_writers() -> None:
    """End this process's writer threads after what they still hold is committed."""
    with _writers_lock:
        for key in [key for key in _writers if key[0] == os.getpid()]:
            _writers.pop(key).close()


def _set_pragmas(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # the begin event below opens transactions, not the driver
    cursor = raw.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=30000",
        "foreign_keys=ON",
        "cache_size=-200",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('quilt_begin', 'DEFERRED')}")
