"""Impressions on their way to the database: counted at once, written once a second."""

import atexit
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import structlog
from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from quilt.entries.exposure import record_shown
from quilt.web.robots import is_robot
from quilt.web.settings import get_settings
from quilt.writer import WriterGone

DELAY = 1.0
log = structlog.get_logger("quilt.impressions")


class ImpressionBuffer:
    """How often entries were shown since the last write, in this process.

    A process that is killed loses what it counted in its last second, and nothing else: the counts decide
    an order, no result, so that second is not worth a commit on every page.
    """

    def __init__(self, save: Callable[[Mapping[int, int]], None], delay: float = DELAY) -> None:
        self._save = save
        self._delay = delay
        self._counts: Counter[int] = Counter()
        self._is_waiting = False
        self._lock = threading.Lock()

    def add(self, entry_ids: Iterable[int]) -> None:
        """Count each of these entries as shown once; they are written `delay` seconds from now, or at once for 0."""
        with self._lock:
            self._counts.update(entry_ids)
            must_wait = self._delay > 0
            starts_timer = must_wait and not self._is_waiting
            self._is_waiting = must_wait
        if starts_timer:
            timer = threading.Timer(self._delay, self.flush)
            timer.daemon = True
            timer.start()
        elif not must_wait:
            self.flush()

    def flush(self) -> None:
        """Write what waits; where the database is away it waits on."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._is_waiting = False
        if not counts:
            return
        try:
            self._save(counts)
        except (SQLAlchemyError, WriterGone):
            log.exception("impressions_wait", entries=len(counts))
            with self._lock:
                self._counts.update(counts)


def count_page(entry_ids: Iterable[int], agent: str) -> None:
    """Count the entries that this gallery page shows: to people, not to robots, not when fetched ahead."""
    purpose = request.environ.get("HTTP_SEC_PURPOSE") or request.environ.get("HTTP_PURPOSE") or ""
    if request.method == "GET" and "prefetch" not in purpose and not is_robot(agent):
        _get_buffer().add(entry_ids)


_making = threading.Lock()


def _get_buffer() -> ImpressionBuffer:
    """This application's buffer, made by the first page that needs it."""
    buffer: ImpressionBuffer | None = current_app.extensions.get("quilt_impressions")
    if buffer is None:
        with _making:
            buffer = current_app.extensions.get("quilt_impressions")
            if buffer is None:
                buffer = _make_buffer(current_app._get_current_object())  # type: ignore[attr-defined]
                current_app.extensions["quilt_impressions"] = buffer
    return buffer


def _make_buffer(app: Flask) -> ImpressionBuffer:
    def save(counts: Mapping[int, int]) -> None:
        with app.app_context():
            record_shown(counts)

    buffer = ImpressionBuffer(save, DELAY if get_settings().page_freshness else 0.0)
    atexit.register(buffer.flush)
    return buffer
