"""Numbers on their way to the database: counted at once, written once a second."""

import atexit
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

import structlog
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from quilt.web.settings import get_settings
from quilt.writer import WriterGone

K = TypeVar("K", bound=Hashable)
DELAY = 1.0
MOST_WAITING = 10_000  # different things: what comes beyond is dropped, so that a flood fills no memory
log = structlog.get_logger("quilt.tallies")
_making = threading.Lock()


class TallyBuffer(Generic[K]):
    """How often each thing happened since the last write, in this process.

    A process that is killed loses what it counted in its last second, and nothing else: these numbers decide
    no result, so that second is not worth a commit on every request.
    """

    def __init__(self, save: Callable[[Mapping[K, int]], None], delay: float = DELAY) -> None:
        self._save = save
        self._delay = delay
        self._counts: Counter[K] = Counter()
        self._is_waiting = False
        self._lock = threading.Lock()

    def add(self, things: Iterable[K]) -> None:
        """Count each of these once; they are written `delay` seconds from now, or at once for 0."""
        with self._lock:
            for thing in things:
                if thing in self._counts or len(self._counts) < MOST_WAITING:
                    self._counts[thing] += 1
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
            log.exception("tallies_wait", things=len(counts))
            with self._lock:
                self._counts.update(counts)


def find_buffer(record: Callable[[Mapping[K, int]], object]) -> TallyBuffer[K]:
    """This application's buffer of what `record` writes, made by the first request that needs it."""
    name = f"quilt_tallies_{record.__name__}"
    buffer: TallyBuffer[K] | None = current_app.extensions.get(name)
    if buffer is None:
        with _making:
            buffer = current_app.extensions.get(name)
            if buffer is None:
                buffer = current_app.extensions[name] = _make_buffer(record)
    return buffer


def _make_buffer(record: Callable[[Mapping[K, int]], object]) -> TallyBuffer[K]:
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def save(counts: Mapping[K, int]) -> None:
        with app.app_context():
            record(counts)

    buffer = TallyBuffer(save, DELAY if get_settings().page_freshness else 0.0)
    atexit.register(buffer.flush)
    return buffer
