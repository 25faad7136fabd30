"""What is costly to draw, kept while drawing it anew would cost too much."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flask import current_app

V = TypeVar("V")
_log = logging.getLogger(__name__)

CHEAP = 0.05  # seconds: what takes no longer is always drawn anew
REST = 10  # what took one second is kept for this many
BEHIND = 60  # seconds that a costly thing may be out of date beyond that, while a newer one is drawn


@dataclass(slots=True)
class _Kept(Generic[V]):
    version: Hashable
    value: V
    until: float
    is_costly: bool


@dataclass(slots=True)
class DrawingCache(Generic[V]):
    """The newest build of each thing, by version; a costly one is kept a while longer.

    Building takes at most about a tenth of a process's time for each thing. One thread builds, the others
    take what there was before; for a costly thing that thread is none that somebody waits for, unless what
    there was is too old to be shown.
    """

    most: int
    _kept: dict[Hashable, _Kept[V]] = field(default_factory=dict)
    _locks: dict[Hashable, threading.Lock] = field(default_factory=dict)

    def get(self, key: Hashable, version: Hashable, build: Callable[[], V]) -> V:
        """The thing at this version, or shortly before where building it is costly."""
        kept = self._kept.get(key)
        if kept is not None and (kept.version == version or time.monotonic() < kept.until):
            return kept.value
        lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(blocking=kept is None):
            return kept.value  # type: ignore[union-attr]
        # Whoever had the lock until now may have built this very version.
        kept = self._kept.get(key)
        is_built = kept is not None and kept.version == version
        if kept is not None and not is_built and kept.is_costly and time.monotonic() < kept.until + BEHIND:
            self._build_aside(key, version, build, lock)
            return kept.value
        try:
            return kept.value if kept is not None and is_built else self._build(key, version, build)
        finally:
            lock.release()

    def _build(self, key: Hashable, version: Hashable, build: Callable[[], V]) -> V:
        began = time.monotonic()
        value = build()
        ended = time.monotonic()
        cost = ended - began
        is_costly = cost > CHEAP
        if len(self._kept) >= self.most:
            self._kept.clear()
        self._kept[key] = _Kept(version, value, ended + (REST * cost if is_costly else 0.0), is_costly)
        return value

    def _build_aside(
        self, key: Hashable, version: Hashable, build: Callable[[], V], lock: threading.Lock
    ) -> None:
        """Build in a thread of its own, with a session of its own; it gives the lock back."""
        context = current_app.app_context() if current_app else nullcontext()

        def work() -> None:
            try:
                with context:
                    self._build(key, version, build)
            except Exception:  # noqa: BLE001 nobody waits for it who could hear of it
                _log.exception("drawing %r failed; what there was is shown for now", key)
            finally:
                lock.release()

        threading.Thread(target=work, name="drawing", daemon=True).start()
