"""How often people were shown which entries: the order of the gallery is fair by it."""

from collections.abc import Iterable

from flask import request

from quilt.entries.exposure import record_shown
from quilt.web.robots import is_robot
from quilt.web.tallies import find_buffer


def count_page(entry_ids: Iterable[int], agent: str) -> None:
    """Count the entries that this gallery page shows: to people, not to robots, not when fetched ahead."""
    purpose = request.environ.get("HTTP_SEC_PURPOSE") or request.environ.get("HTTP_PURPOSE") or ""
    if request.method == "GET" and "prefetch" not in purpose and not is_robot(agent):
        find_buffer(record_shown).add(entry_ids)
