"""Structured logs: one line a request with an id, the route, the status and the time; nothing personal."""

import atexit
import logging
import random
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from typing import Any, TextIO

import orjson
import structlog
from flask import Flask, Response, g, request

MOST_LINES = 250  # that wait before they are written at once; more would leave the process megabytes larger
MOST_WAITING = 20_000  # where nobody reads the log: more than these are lost, and no request waits

_lines: "BatchedLines | None" = None  # of requests; none are written before `set_up_logging`


def set_up_logging() -> None:
    """Send every log line as JSON to standard error."""
    global _lines
    logging.basicConfig(level="INFO", stream=sys.stderr, format="%(message)s", force=True)
    logging.getLogger("flask-limiter").setLevel("ERROR")  # its lines name the address that was too busy
    _lines = BatchedLines(_PatientStream(sys.stderr))
    logging.getLogger("alembic").setLevel("WARNING")  # it tells its context at each look at the schema
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(_PatientStream(sys.stderr)),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


class BatchedLines:
    """Lines written together a few times a second: a write for each request would make every thread of a busy
    worker wait for the others. A kill loses the last quarter of a second of them. Only a thread of their own
    writes them: where nobody reads the log, that one waits, and no request."""

    def __init__(self, stream: "TextIO | _PatientStream", seconds: float = 0.25) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._swapping = threading.Lock()
        self._wake = threading.Event()
        self._seconds = seconds
        self._thread: threading.Thread | None = None
        atexit.register(self.flush)
        Finalize(
            None, self.flush, exitpriority=1
        )  # a worker is a forked process, which ends without the former

    def add(self, line: str) -> None:
        """Have this line written soon."""
        with self._swapping:
            if len(self._lines) < MOST_WAITING:
                self._lines.append(line)
            is_full = len(self._lines) == MOST_LINES
        if is_full:
            self._wake.set()
        if self._thread is None or not self._thread.is_alive():  # also after a fork
            self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Write what waits."""
        with self._swapping:
            lines, self._lines = self._lines, []
        if lines:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._seconds)
            self._wake.clear()
            self.flush()


class _PatientStream:
    """Where nothing can be written, because the disk is full, lines are lost and no request is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def register(app: Flask) -> None:
    """Give each request an id, answer with it, and log the request's end."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)  # whoever refuses, the refusal has an id
    app.after_request(_end)


def request_id() -> str:
    """The id of this request, as the error page and the log show it."""
    identifier: str = g.request_id
    return identifier


def new_request_id() -> str:
    """An id that stands in the answer and in the log: no secret, so it need not ask the system for chance."""
    return f"{random.getrandbits(48):012x}"


def log_request(method: str, route: str, status: int, began: float, identifier: str) -> None:
    """One line about a request that began at `began` (time.perf_counter): nothing personal in it."""
    if _lines is None:
        return
    line: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": "request",
        "level": "info",
        "request_id": identifier,
        "method": method,
        "route": route,
        "status": status,
        "ms": round((time.perf_counter() - began) * 1000, 1),
    }
    _lines.add(orjson.dumps(line).decode())


def _begin() -> None:
    g.request_id = new_request_id()
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    identifier = g.get("request_id", "-")
    response.headers["X-Request-Id"] = identifier
    rule = request.url_rule
    method = request.method if request.method in _METHODS else "other"
    log_request(method, rule.rule if rule else "none", response.status_code, g.get("began", 0.0), identifier)
    return response


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
