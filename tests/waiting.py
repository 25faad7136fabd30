"""Waiting for what another thread or process does."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import text

from quilt.database import db


def wait_for_a_lock(thread: threading.Thread) -> None:
    """Until PostgreSQL has somebody wait, or `thread` ended; SQLite does not tell, and gets a moment."""
    if db.engine.dialect.name == "sqlite":
        return time.sleep(0.3)
    with db.engine.connect() as watcher:
        while thread.is_alive():
            if watcher.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                return None
            time.sleep(0.01)
    return None


def wait_until(is_so: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as this is so; fail where it is not within these seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.005)
