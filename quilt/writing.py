"""One transaction for everybody who waits: the group commit of one process, and SQLite's lock between processes."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

CACHE_KB = 16_000  # of pages that the writing connection keeps; those that only read keep few
SPARE_CACHE_KB = 4_000  # of one that only writes where no crowd does
BATCH = 256  # pieces of work that one commit carries at the most

TRIES = 4
UNTIED = {"40P01", "40001"}  # PostgreSQL: a deadlock was detected, a transaction could not be serialised
T = TypeVar("T")
Work = TypeVar("Work", bound=Callable[..., Any])
Many = Callable[[Connection, Sequence[tuple[Any, ...]]], Sequence[Any]]
_log = logging.getLogger(__name__)
_together: dict[Callable[..., Any], Many] = {}


def runs_together(many: Many) -> Callable[[Work], Work]:
    """Have what is asked for by many at a time done by `many(connection, [arguments, …])`.

    It returns for each the result, or the exception that is to be heard; where it raises one, nothing may be
    kept, and each is done alone.
    """

    def register(work: Work) -> Work:
        _together[work] = many
        return work

    return register


def may_run_together(work: Callable[..., Any]) -> bool:
    """Whether there is a way to do this work for many at a time."""
    return work in _together


class Piece:
    """One request's work in a group: a function of a connection with its arguments, and its outcome."""

    __slots__ = ("args", "error", "result", "work")

    def __init__(self, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.work, self.args = work, args
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, connection: Connection) -> Any:
        return self.work(connection, *self.args)


def try_again(attempt: Callable[[], T]) -> T:
    """What a transaction returns; PostgreSQL ends one of those that wait in a ring, and that one is tried again."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in UNTIED:
                raise
    return attempt()


class Committer:
    """Commits groups over one connection, which it keeps: opening one costs as much as a small commit."""

    def __init__(self, engine: Engine, cache_kb: int = CACHE_KB) -> None:
        self._engine = engine
        self._cache_kb = cache_kb
        self._connection: Connection | None = None
        self._away: Exception | None = None  # what the last attempt to connect in this group failed of

    def commit(self, group: Sequence[Piece]) -> None:
        """Commit the pieces in one transaction and give each its outcome.

        A piece that fails before it changed anything hears its error and harms nobody; where one fails later,
        all are taken back and committed one by one. Where the database is away, all hear of one attempt to reach it.
        """
        self._away = None
        if len(group) == 1 or not self._commit_together(group):
            for piece in group:
                self._commit_alone(piece)

    def close(self) -> None:
        """Close the connection: it keeps more pages than those of the pool, for whom it would be too large."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _commit_together(self, group: Sequence[Piece]) -> bool:
        """Commit the group at once; False when one of them failed after it had changed something."""
        try:
            with self._transaction() as connection:
                for work, pieces in _sort_by_work(group):
                    many = _together.get(work)
                    if many is None:
                        _run_apart(connection, pieces)
                    else:
                        _run_together(connection, many, pieces)
        except Exception:  # noqa: BLE001 whatever it was, each of the group now hears its own error
            return False
        return True

    def _commit_alone(self, piece: Piece) -> None:
        piece.error = self._away
        if piece.error is not None:
            return
        try:
            piece.result = try_again(lambda: self._run_alone(piece))
        except Exception as error:  # noqa: BLE001 raised again where the answer is awaited
            piece.error = error

    def _run_alone(self, piece: Piece) -> Any:
        with self._transaction() as connection:
            return piece.run(connection)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction that begins with SQLite's write lock; after a database's error the next has a fresh connection."""
        try:
            connection = self._connect()
            with lock_writes(self._engine), connection.begin():
                yield connection
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            self.close()
            raise

    def _connect(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._engine.connect().execution_options(quilt_begin="IMMEDIATE")
            except Exception as error:
                self._away = error
                raise
            if self._engine.dialect.name == "sqlite":
                raw: Any = self._connection.connection.driver_connection
                raw.execute(f"PRAGMA cache_size=-{self._cache_kb}")
        return self._connection


def _sort_by_work(group: Sequence[Piece]) -> "Iterable[tuple[Callable[..., Any], list[Piece]]]":
    """In one order for all, so that parallel groups wait for each other and not in a ring."""
    sorts: dict[Callable[..., Any], list[Piece]] = {}
    for piece in sorted(group, key=lambda piece: piece.work.__qualname__):
        sorts.setdefault(piece.work, []).append(piece)
    return sorts.items()


def _run_together(connection: Connection, many: Many, pieces: Sequence[Piece]) -> None:
    for piece, outcome in zip(pieces, many(connection, [piece.args for piece in pieces]), strict=True):
        if isinstance(outcome, Exception):
            piece.error = outcome
        else:
            piece.result = outcome


def _run_apart(connection: Connection, pieces: Sequence[Piece]) -> None:
    """Run one after the other; only SQLite tells whether one that failed had changed anything."""
    raw: Any = connection.connection.driver_connection
    for piece in pieces:
        before = raw.total_changes
        try:
            piece.result = piece.run(connection)
        except Exception as error:
            # A full disk takes back the whole transaction, which then has ended.
            if raw.total_changes != before or not raw.in_transaction:
                raise
            piece.error = error


class Commits(Protocol):
    """What commits a group: here, or in another process."""

    def commit(self, group: Sequence[Piece]) -> None: ...

    def close(self) -> None: ...


class GroupWriter:
    """One thread that has everything committed that waits, group after group, and one that tells the outcomes: while
    one group's answers are made, the next is being committed.

    It waits `linger` seconds for company once somebody is there: worth it where a commit is several ways to a server.
    """

    def __init__(self, committer: Commits, linger: float = 0.0) -> None:
        self._committer = committer
        self._linger = linger
        self._lock = threading.Lock()  # of the committer, which the thread shares with those that write alone
        self._queue: SimpleQueue[_Waiting | _Calling | None] = SimpleQueue()
        self._outcomes: SimpleQueue[list[_Waiting | _Calling] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._teller = threading.Thread(target=self._tell, name="group-writer-outcomes", daemon=True)
        self._thread.start()
        self._teller.start()

    def submit(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What `work(connection, *args)` returned, once that is durable; raises what it raised."""
        waiting = _Waiting(work, args)
        self._queue.put(waiting)
        return waiting.wait()

    def submit_later(
        self, done: Callable[[Piece], None], work: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        """The same for whoever does not wait: `done` gets the piece with its outcome, in the thread that tells all outcomes."""
        self._queue.put(_Calling(done, work, args))

    def write_alone(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The same without the thread: whoever has no company is quicker by themselves."""
        piece = Piece(work, args)
        with self._lock:
            self._committer.commit([piece])
        if piece.error is not None:
            raise piece.error
        return piece.result

    def close(self) -> None:
        """Commit what still waits, and end."""
        self._queue.put(None)
        self._thread.join()
        self._outcomes.put(None)
        self._teller.join()

    def _run(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._next_group()
            self._commit(group)
        self._committer.close()

    def _commit(self, group: "list[_Waiting | _Calling]") -> None:
        try:
            if group:
                with self._lock:
                    self._committer.commit(group)
        except Exception as error:  # noqa: BLE001 raised again where the answers are awaited
            for waiting in group:
                waiting.error = waiting.error or error
        self._outcomes.put(group)

    def _tell(self) -> None:
        while (group := self._outcomes.get()) is not None:
            for waiting in group:
                waiting.done()

    def _next_group(self) -> "tuple[list[_Waiting | _Calling], bool]":
        group: list[_Waiting | _Calling] = []
        item = self._queue.get()
        if self._linger:
            time.sleep(self._linger)
        while item is not None:
            group.append(item)
            if len(group) == BATCH:
                return group, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False


@contextmanager
def lock_writes(engine: Engine) -> Iterator[None]:
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


class _Waiting(Piece):
    """A piece, and the lock that its thread sleeps on: a Future does more than is needed here."""

    __slots__ = ("_lock",)

    def __init__(self, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
        super().__init__(work, args)
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> Any:
        self._lock.acquire()
        if self.error is not None:
            raise self.error
        return self.result

    def done(self) -> None:
        self._lock.release()


class _Calling(Piece):
    """A piece for which nobody waits: what it was for is called with its outcome."""

    __slots__ = ("_done",)

    def __init__(
        self, done: Callable[[Piece], None], work: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        super().__init__(work, args)
        self._done = done

    def done(self) -> None:
        try:
            self._done(self)
        except Exception:  # noqa: BLE001 the thread must live for all others
            _log.exception("nobody heard that %s was written", self.work.__qualname__)
