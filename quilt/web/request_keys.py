"""Idempotency-Key: a request that is sent again, because its answer was lost, does nothing twice.

The key belongs to the person who sends it. What it stood for is kept with the vote, in the same transaction
(`quilt.votes.casting`); here is what concerns the request alone.
"""

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

from quilt.web.plain import AnyRequest

HEADER = "Idempotency-Key"
MOST_CHARACTERS = 255


class KeyUnreadable(Exception):
    """No key: empty, over 255 characters, or more than visible ASCII."""


class KeyInUse(Exception):
    """The first request with this key is still running."""


_running: set[tuple[int, bytes]] = set()
_lock = threading.Lock()


def read_key(request: AnyRequest) -> bytes | None:
    """The SHA-256 of the request's key; None where it brings none. Raises KeyUnreadable."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not 0 < len(text) <= MOST_CHARACTERS or not all("!" <= letter <= "~" for letter in text):
        raise KeyUnreadable
    return hashlib.sha256(text.encode("ascii")).digest()


@contextmanager
def hold_key(user_id: int, key: bytes | None, folder: Path) -> Iterator[None]:
    """Keep a person's key to this request while it runs; raises as `take_key`."""
    let_go = take_key(user_id, key, folder)
    try:
        yield
    finally:
        let_go()


def take_key(user_id: int, key: bytes | None, folder: Path) -> Callable[[], None]:
    """Keep a person's key to this request until what is returned is called; raises KeyInUse.

    All processes of a machine that share the data folder keep to it. Another machine's request with the same key
    waits for the database, and gets the first one's receipt.
    """
    if key is None:
        return _nothing
    mine = (user_id, key)
    with _lock:
        if mine in _running or not _lock_out_others(mine, folder):
            raise KeyInUse
        _running.add(mine)
    return partial(_let_go, mine, folder)


def _let_go(mine: tuple[int, bytes], folder: Path) -> None:
    with _lock:
        _running.discard(mine)
        with suppress(OSError):
            fcntl.lockf(_open(folder), fcntl.LOCK_UN, 1, _find_byte(mine))


def _lock_out_others(mine: tuple[int, bytes], folder: Path) -> bool:
    """Whether no other process holds this key; a killed one holds nothing, and nothing is written for it.

    Where the folder cannot be written to, other processes' requests wait for the database instead.
    """
    try:
        handle = _open(folder)
    except OSError:
        return True
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _find_byte(mine))
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES)  # any other: this disk knows no locks
    return True


@cache
def _open(folder: Path) -> int:
    """The file on whose bytes keys are locked, kept open: to close it once would let go of every key."""
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / "keys.lock", os.O_CREAT | os.O_RDWR, 0o600)


def _find_byte(mine: tuple[int, bytes]) -> int:
    """The key's own byte out of 2^56, far behind the end of the file, which stays empty."""
    user_id, key = mine
    return int.from_bytes(hashlib.sha256(user_id.to_bytes(8) + key).digest()[:7])


def _nothing() -> None:
    """There is no key to let go."""
