"""One computation for all processes of a machine: what one has computed the others read from the data folder."""

import fcntl
import os
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import structlog

from quilt.web.single_flight import SingleFlight

log = structlog.get_logger("quilt.web")


class SharedFlight:
    """Bytes that are computed at most once every `freshness` seconds, however many threads and processes ask.

    Within a process it is a SingleFlight. Between processes a lock on a file decides who computes, and the file's age
    whether anybody has to; so an answer may be twice as old as `freshness`. Where the folder cannot be written to,
    each process computes for itself.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._own: SingleFlight[bytes] = SingleFlight()

    def get(self, key: str, freshness: float, folder: Path, compute: Callable[[], bytes]) -> bytes:
        """The bytes for the key, kept in the folder; nothing is kept anywhere where `freshness` is 0."""
        if not freshness:
            return compute()
        digest = blake2b(f"{self._name} {key}".encode(), digest_size=16).hexdigest()
        path = folder / "flights" / digest
        return self._own.get((folder, key), freshness, lambda: _share(path, freshness, compute))


def _share(path: Path, freshness: float, compute: Callable[[], bytes]) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        log.exception("flights_away")
        return compute()
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever waits here finds the others' bytes afterwards
        kept = _read(path, freshness)
        if kept is None:
            kept = compute()
            _write(path, kept)
        return kept
    finally:
        os.close(lock)


def _read(path: Path, freshness: float) -> bytes | None:
    try:
        age = time.time() - path.stat().st_mtime
        return path.read_bytes() if 0 <= age < freshness else None
    except OSError:
        return None


def _write(path: Path, value: bytes) -> None:
    """Put the bytes there whole; a full disk costs others a computation, and nobody an answer."""
    part = path.with_suffix(".part")
    try:
        part.write_bytes(value)
        os.replace(part, path)
    except OSError:
        log.exception("flights_away")
