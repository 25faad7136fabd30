"""Meetings of two writers: one holds a lock, the other is known to wait for it."""

import threading
import time

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
