"""A flood from one address is refused: a count a minute in this process, for answers that are too cheap for more."""

from array import array
from typing import Any

CELLS = 1 << 16
FULL = (1 << 16) - 1  # more than any limit


class FloodGate:
    """Lets an address in so many times a minute. An address may be a whole school: the number is a generous one.

    Each worker process counts for itself, and forgets everything when the minute turns. Addresses share a table of
    fixed size, by Python's own keyed hash: a crowd of a hundred thousand adds two to what each is charged with, and
    nobody outside can say who shares a cell with whom.
    """

    def __init__(self, most_a_minute: int) -> None:
        self._most = most_a_minute
        self._minute = 0
        self._counts = array("H", bytes(2 * CELLS))

    def lets_in_once(self, environ: dict[str, Any], seconds: float) -> bool:
        """The same for a request, by its WSGI environment: it is counted once, whoever asks again."""
        known = f"quilt.gate.{id(self)}"
        if known not in environ:
            environ[known] = self.lets_in(environ.get("REMOTE_ADDR") or "", seconds)
        return bool(environ[known])

    def lets_in(self, address: str, seconds: float) -> bool:
        """Whether this request may come in; `seconds` is any clock that only goes forward."""
        minute = int(seconds // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, array("H", bytes(2 * CELLS))
        cell = hash(address) % CELLS
        count = self._counts[cell] = min(self._counts[cell] + 1, FULL)
        return count <= self._most
