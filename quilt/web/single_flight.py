"""One computation at a time and at most one a second for each thing, however many wait for it."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Values that are computed again at most every `freshness` seconds. On a cold start too everybody waits for one.

    Unlike Memo, whoever comes while a value is computed for the first time waits for it instead of computing it
    as well; once there is one, the others go on with it while one thread makes the next.
    """

    def __init__(self, most: int = 2_000) -> None:
        self._most = most
        self._kept: dict[Hashable, tuple[float, V]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, freshness: float, compute: Callable[[], V]) -> V:
        """The value for the key, no older than `freshness` seconds and the time that one computation takes."""
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < freshness:
            return kept[1]
        lock = self._lock_of(key)
        if not lock.acquire(blocking=kept is None):
            return kept[1]  # type: ignore[index]  # another thread is at it; what we have is a moment old
        try:
            newer = self._kept.get(key)
            if newer is not None and freshness and time.monotonic() - newer[0] < freshness:
                return newer[1]
            value = compute()
            self._keep(key, value)
            return value
        finally:
            lock.release()

    def _keep(self, key: Hashable, value: V) -> None:
        with self._guard:
            if len(self._kept) >= self._most:
                self._kept.clear()
                self._locks = {name: lock for name, lock in self._locks.items() if lock.locked()}
            self._kept[key] = (time.monotonic(), value)

    def _lock_of(self, key: Hashable) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())
