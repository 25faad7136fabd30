"""Turns: only so many small requests run at a time, and none of them waits for its sender.

A thread that reads a body which does not come does nothing else, and the server cannot take it away. So there are
many more threads than requests that run: a small body is read before its request asks for its turn, and who sends a
large one, a film, runs beside them and mostly waits for the line. Sixteen at a time is where Python gains nothing by more.
"""

from collections.abc import Iterable
from io import BytesIO
from queue import SimpleQueue
from typing import Any

SMALL = 1 << 16  # bytes of a body that are kept in memory


class Turns:
    """WSGI middleware: `count` requests at a time."""

    def __init__(self, app: Any, count: int) -> None:
        self._app = app
        self._free: SimpleQueue[None] = SimpleQueue()  # quicker than a semaphore, and wakes in order
        for _ in range(count):
            self._free.put(None)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Read what is small, wait for a turn, answer."""
        if not _read_if_small(environ):
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        self._free.get()
        try:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        finally:
            self._free.put(None)


def _read_if_small(environ: dict[str, Any]) -> bool:
    """Read the request's body, if it is small; tells whether nothing more is to come."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return False
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal() and len(length) < 6 and int(length) <= SMALL):
        return False
    if int(length):
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
    return True
