"""A flood from one address is refused: a count a minute in this process, for answers that are too cheap for more."""

from collections import Counter


class FloodGate:
    """Lets an address in so many times a minute. An address may be a whole school: the number is a generous one.

    Each worker process counts for itself, and forgets everything when the minute turns.
    """

    def __init__(self, most_a_minute: int, most_addresses: int = 100_000) -> None:
        self._most = most_a_minute
        self._most_addresses = most_addresses
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def lets_in(self, address: str, seconds: float) -> bool:
        """Whether this request may come in; `seconds` is any clock that only goes forward."""
        minute = int(seconds // 60)
        if minute != self._minute or len(self._counts) > self._most_addresses:
            self._minute, self._counts = minute, Counter()
        self._counts[address] += 1
        return self._counts[address] <= self._most
