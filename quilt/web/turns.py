"""Turns: only so many small requests run at a time, and none of them waits for its sender.

A thread that reads a body which does not come does nothing else, and the server cannot take it away. So there are
many more threads than requests that run: a small body is read before its request asks for its turn, and before it
asks for any connection; who sends a large one, a film, runs beside them and mostly waits for the line. Sixteen at a time is where Python gains nothing by more.
"""

from collections.abc import Iterable
from io import BytesIO
from queue import SimpleQueue
from typing import Any

SMALL = 1 << 20  # bytes of a body; only a film, which has an address of its own, may be larger


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
