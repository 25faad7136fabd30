"""Numbers on their way to the database: counted at once, written once a second."""

import atexit
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from quilt.writer import WriterGone

K = TypeVar("K", bound=Hashable)
MOST_WAITING = 10_000  # different things: what comes beyond is dropped, so that a flood fills no memory
log = structlog.get_logger("quilt.tallies")


class TallyBuffer(Generic[K]):
    """How often each thing happened since the last write, in this process.

    A process that is killed loses what it counted in its last second, and nothing else.
    """

    def __init__(self, save: Callable[[Mapping[K, int]], None], delay: float = 1.0) -> None:
        self._save = save
        self._delay = delay
        self._counts: Counter[K] = Counter()
        self._is_waiting = False
        self._lock = threading.Lock()
        atexit.register(self.flush)

    def add(self, thing: K) -> None:
        """Count it once; written `delay` seconds from now, or at once for 0."""
        with self._lock:
            if thing in self._counts or len(self._counts) < MOST_WAITING:
                self._counts[thing] += 1
            starts_timer = self._delay > 0 and not self._is_waiting
            self._is_waiting = self._delay > 0
        if starts_timer:
            timer = threading.Timer(self._delay, self.flush)
            timer.daemon = True
            timer.start()
        elif self._delay <= 0:
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
