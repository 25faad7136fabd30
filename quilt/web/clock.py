"""Time and chance for the faces: below them both are arguments."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


entropy: Callable[[int], bytes] = secrets.token_bytes
