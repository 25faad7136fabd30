"""The way to the writer process: one process commits for all the workers of a server.

A worker hands its work over a Unix socket, everything that waits at once: functions of a module and their
arguments, by pickle. The socket lies in a folder that only the server's own user can enter, for whoever reaches it
may run anything. The workers' own interpreters then neither wait for the database nor for one another. Where no writer
answers, the worker commits by itself: SQLite's file lock, or PostgreSQL, keeps both true. The process itself is `quilt/committer.py`.
"""

import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from quilt.writing import Committer, Piece

REMEMBERED = 0.2  # seconds for which a crowd is taken to be still there
PATIENCE = 15.0  # seconds after which a writer that does not answer counts as gone
MOST_BYTES = 1 << 16  # of a message; what is longer is committed in the worker itself


class WriterGone(Exception):
    """The writer ended before it answered: whether the work was committed is not known."""


class RemoteCommitter:
    """The workers' side: has groups committed by the writer, and commits by `spare` what cannot travel."""

    def __init__(self, address: str, spare: Committer) -> None:
        self._address = address
        self._spare = spare
        self._connection: socket.socket | None = None
        self._room = bytearray(MOST_BYTES)  # kept: so large a one made anew is dear

    def commit(self, group: Sequence[Piece]) -> None:
        """Give each piece its outcome; where the writer ended before it told, that is WriterGone."""
        message = pack_pieces(group)
        if message is not None:
            self._commit_there(group, message)
        elif len(group) == 1:
            self._spare.commit(group)
        else:
            middle = len(group) // 2
            self.commit(group[:middle])
            self.commit(group[middle:])

    def close(self) -> None:
        """Hang up, and give the spare's connection back."""
        self._hang_up()
        self._spare.close()

    def _commit_there(self, group: Sequence[Piece], message: bytes) -> None:
        try:
            connection = self._connect()
            connection.send(message)
        except OSError:  # no writer listens at this moment, and nothing was done
            self._hang_up()
            self._spare.commit(group)
            return
        try:
            length = connection.recv_into(self._room)
        except OSError:
            length = 0
        if length:
            for piece, outcome in zip(group, _unpack(memoryview(self._room)[:length]), strict=True):
                piece.result, piece.error = outcome
            return
        self._hang_up()
        for piece in group:
            piece.error = WriterGone()

    def _connect(self) -> socket.socket:
        if self._connection is None:
            self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._connection.settimeout(PATIENCE)
            self._connection.connect(self._address)
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Crowd:
    """Whether several write at a time in this process: who writes alone is quicker without the way to the writer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._dense_at = -REMEMBERED

    def join(self) -> bool:
        """Be counted until one leaves; tells whether others are, or were a moment ago."""
        now = time.monotonic()
        with self._lock:
            self._count += 1
            if self._count > 1:
                self._dense_at = now
            return now - self._dense_at < REMEMBERED

    def leave(self) -> None:
        """Be counted no longer."""
        with self._lock:
            self._count -= 1

    @contextmanager
    def joined(self) -> Iterator[bool]:
        """Be counted for as long as this lasts; tells whether others are, or were a moment ago."""
        try:
            yield self.join()
        finally:
            self.leave()


def may_travel(work: Callable[..., Any]) -> bool:
    """Whether another process can find this function by its name."""
    return "<" not in work.__qualname__


def pack_pieces(group: Sequence[Piece]) -> bytes | None:
    """A worker's message that asks for these pieces; None where they cannot travel, or are too long."""
    return _pickle([(piece.work, piece.args) for piece in group], MOST_BYTES)


def unpack_pieces(message: memoryview) -> list[Piece]:
    """The pieces of a worker's message."""
    return [Piece(work, args) for work, args in pickle.loads(message)]


def pack_outcomes(group: Sequence[Piece]) -> bytes:
    """The outcomes of a message's pieces, for the way back; what cannot travel, or is too long, is told in words."""
    outcomes = [_describe_outcome(piece) for piece in group]
    share = MOST_BYTES // (len(group) + 1)
    return _pickle(outcomes, MOST_BYTES) or pickle.dumps([_shorten(outcome, share) for outcome in outcomes])


def _pickle(thing: object, most_bytes: int) -> bytes | None:
    try:
        packed = pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 whatever it holds tells in its own way that it cannot travel
        return None
    return packed if len(packed) <= most_bytes else None


def _describe_outcome(piece: Piece) -> tuple[Any, ...]:
    """An error goes by its parts, for its constructor may want other arguments; one that cannot, in words."""
    error = piece.error
    if error is None:
        return (piece.result,)
    parts = (type(error), error.args, error.__dict__)
    try:
        pickle.loads(pickle.dumps(parts))
    except Exception:  # noqa: BLE001 whatever it holds tells in its own way that it cannot travel
        return RuntimeError, (repr(error)[:500],), {}
    return parts


def _shorten(outcome: tuple[Any, ...], most_bytes: int) -> tuple[Any, ...]:
    if _pickle(outcome, most_bytes) is not None:
        return outcome
    return ValueError, (f"This outcome is too long to travel, or cannot: {repr(outcome)[:200]}",), {}


def _unpack(answer: memoryview) -> list[tuple[Any, Exception | None]]:
    return [(told[0], None) if len(told) == 1 else (None, _rebuild(*told)) for told in pickle.loads(answer)]


def _rebuild(kind: type[Exception], args: tuple[Any, ...], values: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(values)
    return error
