"""Idempotency-Key: a request that is sent again, because its answer was lost, does nothing twice.

The key belongs to the person who sends it. What it stood for is kept with the vote, in the same transaction
(`quilt.votes.casting`); here is what concerns the request alone.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
def hold_key(user_id: int, key: bytes | None) -> Iterator[None]:
    """Keep a person's key to this request while it runs; raises KeyInUse in this process."""
    let_go = take_key(user_id, key)
    try:
        yield
    finally:
        let_go()


def take_key(user_id: int, key: bytes | None) -> Callable[[], None]:
    """Keep a person's key to this request until what is returned is called; raises KeyInUse in this process.

    Another process's request with the same key waits for the database, and gets the first one's receipt.
    """
    if key is None:
        return _nothing
    mine = (user_id, key)
    with _lock:
        if mine in _running:
            raise KeyInUse
        _running.add(mine)
    return lambda: _running.discard(mine)


def _nothing() -> None:
    """There is no key to let go."""
