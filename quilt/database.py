"""The database: one session for the ORM, one group-committing writer for the hot paths, column types."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from queue import Empty, SimpleQueue
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
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BATCH = 256  # rows that one commit of the group writer carries at the most


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
    with _write_lock(db.engine):
        session.connection(execution_options={"quilt_begin": "IMMEDIATE"})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


def write(work: Callable[[Connection], T]) -> T:
    """Run `work` in a transaction and return its result once that is durable.

    On SQLite one thread a process commits everything that waits in one go (group commit); on
    PostgreSQL, which groups commits itself, the work has a transaction of its own. `work` may be
    run again when another in its group failed: it must depend on nothing but the database and
    its arguments.
    """
    engine = db.engine
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            return work(connection)
    return _writer_of(engine).submit(work)


@lru_cache
def insert_if_new(table: FromClause, dialect: str, returning: str = "") -> Any:
    """INSERT … ON CONFLICT DO NOTHING, RETURNING the named column (nothing comes back for a double).

    The unique keys decide, not a look beforehand. Kept, for making a statement costs more than running it.
    """
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = insert(table).on_conflict_do_nothing()  # type: ignore[arg-type]
    return statement.returning(table.c[returning]) if returning else statement


def insert_or_add(table: FromClause, dialect: str, counter: str) -> Any:
    """INSERT; where the primary key is there already, its counter grows by the given one."""
    insert = (postgresql_insert if dialect == "postgresql" else sqlite_insert)(table)  # type: ignore[arg-type]
    more = {counter: table.c[counter] + insert.excluded[counter]}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=more)


def is_sqlite() -> bool:
    """Whether the database of the current application is SQLite."""
    return db.engine.dialect.name == "sqlite"


class GroupWriter:
    """One thread that owns SQLite's write transaction and commits for everybody who waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self.thread.start()

    def submit(self, work: Callable[[Connection], T]) -> T:
        waiting = _Waiting(work)
        self._queue.put(waiting)
        return waiting.wait()  # type: ignore[no-any-return]

    def close(self) -> None:
        self._queue.put(None)
        self.thread.join()

    def _run(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._next_group()
            if group and not self._commit_together(group):
                for waiting in group:
                    self._commit_alone(waiting)

    def _next_group(self) -> "tuple[list[_Waiting], bool]":
        group: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == BATCH:
                return group, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit_together(self, group: "list[_Waiting]") -> bool:
        """Commit the group at once; False when one of them failed after it had changed something."""
        try:
            with _immediate(self._engine) as connection:
                raw: Any = connection.connection.driver_connection
                for waiting in group:
                    before = raw.total_changes
                    try:
                        waiting.result = waiting.work(connection)
                    except Exception as error:
                        if raw.total_changes != before:
                            raise
                        waiting.error = error
        except Exception:  # noqa: BLE001 whatever it was, each of the group now hears its own error
            return False
        for waiting in group:
            waiting.done()
        return True

    def _commit_alone(self, waiting: "_Waiting") -> None:
        waiting.error = None
        try:
            with _immediate(self._engine) as connection:
                waiting.result = waiting.work(connection)
        except Exception as error:  # noqa: BLE001 raised again where the answer is awaited
            waiting.error = error
        waiting.done()


class _Waiting:
    """One request's work, and the lock that its thread sleeps on: a Future does more than is needed here."""

    __slots__ = ("_lock", "error", "result", "work")

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: Exception | None = None
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> Any:
        self._lock.acquire()
        if self.error is not None:
            raise self.error
        return self.result

    def done(self) -> None:
        self._lock.release()


def prepare_engine(engine: Engine) -> None:
    """Give a SQLite engine its pragmas and explicit transactions; leave any other as it is."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


_writers: dict[tuple[int, int], GroupWriter] = {}
_writers_lock = threading.Lock()


def _writer_of(engine: Engine) -> GroupWriter:
    """The writer of this engine in this process: a forked child must start its own thread."""
    key = (os.getpid(), id(engine))
    writer = _writers.get(key)
    if writer is None:
        with _writers_lock:
            writer = _writers.setdefault(key, GroupWriter(engine)) if key not in _writers else _writers[key]
    return writer


def close_writers() -> None:
    """End this process's writer threads after what they still hold is committed."""
    with _writers_lock:
        for key in [key for key in _writers if key[0] == os.getpid()]:
            _writers.pop(key).close()


@contextmanager
def _immediate(engine: Engine) -> Iterator[Connection]:
    with (
        engine.connect().execution_options(quilt_begin="IMMEDIATE") as connection,
        _write_lock(engine),
        connection.begin(),
    ):
        yield connection


@contextmanager
def _write_lock(engine: Engine) -> Iterator[None]:
    """Queue SQLite's writers on a file lock: its own busy handler sleeps and starves under many processes."""
    if engine.dialect.name != "sqlite" or engine.url.database in (None, "", ":memory:"):
        yield
        return
    handle = os.open(f"{engine.url.database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _set_pragmas(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # the begin event below opens transactions, not the driver
    cursor = raw.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=30000",
        "foreign_keys=ON",
        "cache_size=-16000",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('quilt_begin', 'DEFERRED')}")
