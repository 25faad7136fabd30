"""Before every answer of the API: who speaks, how often, and whether the question holds only what we know."""

import time
from collections.abc import Iterable
from typing import Any

import structlog
from flask import Response, g, request
from limits import RateLimitItemPerMinute

from quilt.accounts.api_tokens import STAFF_SCOPES, Bearer, find_bearer
from quilt.accounts.people import STAFF_ROLES
from quilt.extensions import csrf, limiter
from quilt.web.api import api
from quilt.web.api.problems import refuse
from quilt.web.api.table import OPERATIONS, Query
from quilt.web.clock import now

READS = RateLimitItemPerMinute(300)  # from one address, or by one token
WRITES = RateLimitItemPerMinute(60)
LONGEST_NUMBER = 18  # digits
EXPOSED = "ETag, Link, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
log = structlog.get_logger("quilt.api")
csrf.exempt(api)  # no cookie speaks for anybody here


def find_speaker() -> Bearer | None:
    """Whose token came with the request; None without one that lives."""
    kind, token = _read_token()
    return find_bearer(token, now()) if kind == "bearer" else None


def check_scope(speaker: Bearer | None, scope: str) -> None:
    """Refuse a token that is missing or dead (401) or may not do this (403)."""
    if speaker is None:
        refuse(
            401, "token_refused" if _read_token()[1] else "token_missing",
            "Send a token that lives as `Authorization: Bearer …`. Tokens are made at /me/tokens.",
            {"WWW-Authenticate": 'Bearer realm="api"'},
        )  # fmt: skip
    is_staff_only = scope in STAFF_SCOPES
    if scope not in speaker.scopes or (is_staff_only and speaker.role not in STAFF_ROLES):
        refuse(403, "scope_missing", f"This token may not do that: it takes the scope {scope}.")


def check_rate(speaker: Bearer | None, *, is_write: bool) -> None:
    """Count the request; refuse one too many (429). A person's tokens are counted together, else their address."""
    item = WRITES if is_write else READS
    who = request.remote_addr or "" if speaker is None else f"user-{speaker.user_id}"
    if not limiter.enabled:
        g.api_rate = (item.amount, item.amount, item.get_expiry())
        return
    try:
        is_let_in = limiter.limiter.hit(item, "api", who)
        reset, left = limiter.limiter.get_window_stats(item, "api", who)
    except Exception:  # any of several stores may fail in its own way; nobody is refused for that
        log.exception("limits_away")
        return
    wait = max(1, int(reset - time.time()) + 1)
    g.api_rate = (item.amount, left, wait)
    if not is_let_in:
        refuse(429, "too_many", "That was too often. Wait a moment, then go on.", {"Retry-After": str(wait)})


def check_query(known: Iterable[Query]) -> None:
    """Keep the query's values for `read_query`; refuse names that we do not know, doubles, and wrong kinds (422)."""
    queries = {query.name: query for query in known}
    unknown = sorted(set(request.args) - queries.keys())
    if unknown:
        names = ", ".join(queries) or "none"
        refuse(422, "unknown_field", f"We do not know `{unknown[0][:40]}` here. Known: {names}.")
    values: dict[str, Any] = {}
    for name, query in queries.items():
        given = request.args.getlist(name)
        if len(given) > 1 or (query.is_needed and not given):
            refuse(422, "bad_field", f"Give `{name}` once.")
        if given:
            values[name] = _read_number(query, given[0]) if query.kind == "integer" else given[0]
    g.api_query = values


def read_query(name: str) -> Any:
    """What the query says under this name, None where it says nothing."""
    return g.api_query.get(name)


@api.after_request
def add_headers(response: Response) -> Response:
    """Rates for everybody; what any site may read is open to any site's page, and to nobody's cookies."""
    rate = g.get("api_rate")
    if rate is not None:
        for name, value in zip(("Limit", "Remaining", "Reset"), rate, strict=True):
            response.headers[f"RateLimit-{name}"] = str(max(0, value))
    if _is_public():
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD"
            response.headers["Access-Control-Allow-Headers"] = "If-None-Match"
            response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _read_token() -> tuple[str, str]:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind.lower(), token.strip()


def _is_public() -> bool:
    described = OPERATIONS.get((request.endpoint or "").removeprefix("api."))
    return described is not None and described.is_public


def _read_number(query: Query, text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    if not is_number or int(text) < query.least:
        refuse(422, "bad_field", f"`{query.name}` is a whole number from {query.least}.")
    return int(text)
