"""The draw among entries that are level: RFC 3797, with a public value that nobody knew before the close.

The pool is in an order that is known beforehand, the method is published, the value comes from elsewhere and
later: then nobody, we neither, could choose the outcome, and anybody can repeat it.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from quilt.ledger.canonical import matching

Item = TypeVar("Item")
MAX_POOL = 65_535  # the RFC numbers the selections in two bytes

is_public_value = matching("[A-Za-z0-9.]{1,256}")


def build_key(*sources: str) -> bytes:
    """Return the key string of RFC 3797, section 4: each source followed by "./"."""
    return "".join(f"{source}./" for source in sources).encode("ascii")


def draw_order(
    pool: Sequence[Item],
    key: bytes,
    digest: Callable[[bytes], bytes] = lambda data: hashlib.sha256(data).digest(),
) -> list[Item]:
    """Return the pool in the order in which RFC 3797, section 4, selects from it.

    Selection i takes the one at (hash of i ‖ key ‖ i) modulo how many are left, counted among those left; i is
    two bytes. The RFC's own example uses MD5; we use SHA-256. Raises ValueError for a pool that is too large.
    """
    if len(pool) > MAX_POOL:
        raise ValueError(f"a pool of {len(pool)} is too large")
    left, drawn = list(pool), []
    for number in range(len(pool)):
        bracket = number.to_bytes(2, "big")
        drawn.append(left.pop(int.from_bytes(digest(bracket + key + bracket), "big") % len(left)))
    return drawn
