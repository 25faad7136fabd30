"""The way to the writer process: on SQLite one process commits for all the workers of a server.

A worker's threads hand their work over a Unix socket: a function of a module and its arguments, by pickle. The
socket lies in a folder that only the server's own user can enter, for whoever reaches it may run anything. The
workers' own interpreters then neither wait for SQLite nor for one another. Where no writer answers, the worker
commits by itself: the file lock keeps both true. The process itself is `quilt/committer.py`.
"""

import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

REMEMBERED = 0.2  # seconds for which a crowd is taken to be still there
MOST_BYTES = 1 << 16  # of a message; what is longer is committed in the worker itself


class WriterGone(Exception):
    """The writer ended before it answered: whether the work was committed is not known."""


class RemoteWriter:
    """The workers' side: one connection a thread."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._own = threading.local()

    def submit(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What `work(connection, *args)` returned, once that is durable; raises what it raised.

        Raises ConnectionError where no writer listens or the message is too long (then nothing was done), and WriterGone where it
        ended meanwhile.
        """
        message = pickle.dumps((work, args), pickle.HIGHEST_PROTOCOL)
        if len(message) > MOST_BYTES:
            raise ConnectionError("The message is too long to travel.")
        connection = self._connect()
        try:
            connection.send(message)
        except OSError as error:
            self.close()
            raise ConnectionError("The writer does not listen.") from error
        try:
            length = connection.recv_into(self._own.room)
        except OSError:
            length = 0
        if not length:
            self.close()
            raise WriterGone
        return _unpack(memoryview(self._own.room)[:length])

    def close(self) -> None:
        """Hang up this thread's connection; the next piece of work opens another."""
        self._own.connection.close()
        del self._own.connection

    def _connect(self) -> socket.socket:
        connection: socket.socket | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                connection.connect(self._address)
            except OSError as error:
                connection.close()
                raise ConnectionError("The writer does not listen.") from error
            self._own.connection = connection
            self._own.room = bytearray(MOST_BYTES)  # kept: so large a one made anew is dear
        return connection


class Crowd:
    """Whether several write at a time in this process: who writes alone is quicker without the way to the writer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._dense_at = -REMEMBERED

    @contextmanager
    def joined(self) -> Iterator[bool]:
        """Be counted for as long as this lasts; tells whether others are, or were a moment ago."""
        with self._lock:
            self._count += 1
            if self._count > 1:
                self._dense_at = time.monotonic()
            is_dense = time.monotonic() - self._dense_at < REMEMBERED
        try:
            yield is_dense
        finally:
            with self._lock:
                self._count -= 1


def may_travel(work: Callable[..., Any]) -> bool:
    """Whether another process can find this function by its name."""
    return "<" not in work.__qualname__


def pack(result: Any, error: Exception | None) -> bytes:
    """An outcome as bytes for the way back; an error goes by its parts, for its constructor may want other arguments."""
    if error is None:
        return pickle.dumps((True, result), pickle.HIGHEST_PROTOCOL)
    try:
        return pickle.dumps((False, type(error), error.args, error.__dict__), pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 an error that cannot travel is told in words
        return pickle.dumps((False, RuntimeError, (repr(error),), {}), pickle.HIGHEST_PROTOCOL)


def _unpack(answer: memoryview) -> Any:
    is_fine, *told = pickle.loads(answer)
    if is_fine:
        return told[0]
    kind, args, values = told
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(values)
    raise error
