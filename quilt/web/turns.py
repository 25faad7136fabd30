"""Turns: only so many small requests run at a time, and none of them waits for its sender.

A thread that reads a body which does not come does nothing else, and the server cannot take it away. So there are
many more threads than requests that run: a small body is read before its request asks for its turn, and before it
asks for any connection; who sends a large one, a film, runs beside them and mostly waits for the line. Sixteen at a
time is where Python gains nothing by more.
"""

from _thread import LockType, allocate_lock
from collections import deque
from collections.abc import Iterable
from io import BytesIO
from typing import Any

SMALL = 1 << 20  # bytes of a body; only a film, which has an address of its own, may be larger


class Turns:
    """WSGI middleware: `count` requests at a time."""

    def __init__(self, app: Any, count: int) -> None:
        self._app = app
        self._line = Line(count)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Read what is small, wait for a turn, answer."""
        if not _read_if_small(environ):
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        self._line.enter()
        try:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        finally:
            self._line.leave()


class Line:
    """A semaphore that is fair: whoever waits longest is next, where Python's own let newcomers overtake."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._waiting: deque[LockType] = deque()
        self._lock = allocate_lock()

    def enter(self) -> None:
        """Wait until it is one's turn."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = allocate_lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def leave(self) -> None:
        """Let the next one in."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def _read_if_small(environ: dict[str, Any]) -> bool:
    """Read the request's body, if it is small; tells whether nothing more is to come."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return _read_chunks(environ)
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal() and len(length) < 8 and int(length) <= SMALL):
        return False
    if int(length):
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
    return True


def _read_chunks(environ: dict[str, Any]) -> bool:
    """Read a body that does not say how long it is; one byte too many lets the application refuse it."""
    body = environ["wsgi.input"].read(SMALL + 1)
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    del environ["HTTP_TRANSFER_ENCODING"]
    return True
