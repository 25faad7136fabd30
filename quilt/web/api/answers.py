"""Answers of the API: JSON in a stable order with a tag, in pages that go on where the last one ended."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from flask import Response, request

from quilt.web.api.guards import read_query
from quilt.web.api.problems import refuse
from quilt.web.api.table import MOST_A_PAGE, PAGE_SIZE
from quilt.web.settings import get_settings
from quilt.web.tagged import answer_tagged, tag_json

T = TypeVar("T")
SIGNATURE_BYTES = 6


def answer_public(facts: object) -> Response:
    """The same for everybody: kept by whoever likes to, and asked for again with `If-None-Match`."""
    return answer_tagged(tag_json(orjson.dumps(facts)), {"Cache-Control": "public, no-cache"})


def answer_private(facts: object, status: int = 200) -> Response:
    """For one person's program: nobody between keeps it."""
    response = Response(orjson.dumps(facts), status, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Authorization"
    return response


def read_page() -> tuple[int, int]:
    """(after, limit) of the query: the number that the cursor holds, 0 for the first page."""
    limit = read_query("limit") or PAGE_SIZE
    return _open_cursor(read_query("after")), min(limit, MOST_A_PAGE)


def build_page(
    rows: Sequence[T], limit: int, tell: Callable[[T], object], mark: Callable[[T], int]
) -> dict[str, Any]:
    """A page of rows, of which one more than `limit` was read: `next` is None on the last page."""
    shown = rows[:limit]
    is_last = len(rows) <= limit
    return {"items": [tell(row) for row in shown], "next": None if is_last else _make_cursor(mark(shown[-1]))}


def make_url(path: str) -> str:
    """A whole address of this site."""
    return f"{get_settings().base_url}{path}"


def _make_cursor(number: int) -> str:
    raw = number.to_bytes(8)
    return base64.urlsafe_b64encode(raw + _sign(raw)).rstrip(b"=").decode()


def _open_cursor(text: str | None) -> int:
    if text is None:
        return 0
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raw = b""
    number, signature = raw[:8], raw[8:]
    if not hmac.compare_digest(signature, _sign(number)):
        refuse(400, "bad_cursor", "We did not write that `after`. Begin without it.")
    return int.from_bytes(number)


def _sign(number: bytes) -> bytes:
    """Bound to the list that it was written for: another list's mark means nothing here."""
    key = hashlib.blake2b(get_settings().secret_key.encode(), digest_size=32, person=b"api cursor").digest()
    return hashlib.blake2b(number + request.path.encode(), key=key, digest_size=SIGNATURE_BYTES).digest()
