"""Pages that are the same for everybody, kept as bytes by version, with slots for what is the visitor's own."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")
_SLOT = re.compile(rb"\x02([a-z_]+)\x03")


def slot(name: str) -> str:
    """What a template writes where a visitor's own value will stand."""
    return f"\x02{name}\x03"


class Page:
    """A rendered page cut at its slots."""

    __slots__ = ("_names", "_parts")

    def __init__(self, html: str) -> None:
        pieces = _SLOT.split(html.encode())
        self._parts = pieces[0::2]
        self._names = [name.decode() for name in pieces[1::2]]

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The page's bytes with every slot filled; raises KeyError for a slot without a value."""
        pieces = [self._parts[0]]
        for name, part in zip(self._names, self._parts[1:], strict=True):
            pieces += (values[name], part)
        return b"".join(pieces)


class VersionedCache(Generic[V]):
    """The newest build of each thing: built once per version, dropped when the version moves on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[Hashable, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: Hashable, build: Callable[[], V]) -> V:
        """The thing at this version, built by `build` where it is not kept yet."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] == version:
            return kept[1]
        value = build()
        with self._lock:
            self._kept[key] = (version, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value


class Memo(Generic[V]):
    """A value read again at most every `freshness` seconds: the versions that caches are checked against."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._kept: dict[Hashable, tuple[float, V]] = {}
        self._reading: set[Hashable] = set()

    def get(self, key: Hashable, freshness: float, read: Callable[[], V]) -> V:
        """The value for the key, no older than `freshness` seconds and the time that one read takes.

        While one thread reads it again the others go on with what they have: a crowd costs one read.
        """
        moment = time.monotonic()
        kept = self._kept.get(key)
        if kept is not None and freshness and (moment - kept[0] < freshness or key in self._reading):
            return kept[1]
        self._reading.add(key)
        try:
            value = read()
        finally:
            self._reading.discard(key)
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[key] = (moment, value)
        return value
