"""Whole answers, repeated for a fraction of a second: what is the same for everybody need not be made again.

A view whose answer holds nothing of the visitor's says so with `repeat_for_all`; one whose page has slots hands
the page and a function that fills them to `repeat_page`. For as long as versions may be remembered anyway
(QUILT_PAGE_FRESHNESS) the same address is then answered in front of Flask. Whatever is not as plain as that goes
through: other methods, queries (but for a channel tag), and pages for a browser that brings a cookie.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from quilt.web.headers import new_nonce
from quilt.web.pages import Page
from quilt.web.requests_log import log_request, new_request_id

MARK = "quilt.repeat"
MOST = 4_000
OF_THE_BODY = frozenset(("content-type", "content-length"))
_CHANNEL = re.compile(r"(?:c=([a-z0-9-]{1,16}))?")

FillSlots = Callable[[str, str], Mapping[str, bytes]]  # (script nonce, channel tag) → the page's slots


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What a view says of its answer; `nonce` is the script nonce that stands in its policy."""

    route: str
    page: Page | None = None
    nonce: str = ""
    fill: FillSlots | None = None


def repeat_for_all() -> None:
    """This answer may go to everybody who asks for this address in the next moment."""
    request.environ[MARK] = Repeatable(str(request.url_rule))


def repeat_page(page: Page, nonce: str, fill: FillSlots) -> None:
    """This page, with its slots filled anew, may go to everybody who brings no cookie in the next moment."""
    request.environ[MARK] = Repeatable(str(request.url_rule), page, nonce, fill)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and the moment (time.monotonic) until which it is repeated."""

    until: float
    said: Repeatable
    headers: list[tuple[str, str]]
    etag: str
    body: bytes


class Repeats:
    """WSGI middleware around the application."""

    def __init__(self, app: Any, freshness: float) -> None:
        self._app = app
        self._freshness = freshness
        self._kept: dict[str, Kept] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Repeat what is kept for this address, or let the application answer and keep what it marks."""
        if environ["REQUEST_METHOD"] != "GET":
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        kept = self._kept.get(environ["PATH_INFO"])
        if kept is not None and time.monotonic() < kept.until:
            query = environ.get("QUERY_STRING", "")
            if kept.said.page is None and not query:
                return _repeat(kept, environ, start_response)
            channel = _CHANNEL.fullmatch(query)
            if kept.said.page is not None and channel and "HTTP_COOKIE" not in environ:
                return _repeat_page(kept, channel[1] or "", start_response)
        return self._answer(environ, start_response)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
            started.append((status, headers))
            return start_response(status, headers, error) if error else start_response(status, headers)

        answer = self._app(environ, start)
        said = environ.get(MARK)
        if said is None or not self._freshness or not started[-1][0].startswith("200"):
            return answer  # type: ignore[no-any-return]
        if said.page is None and environ.get("QUERY_STRING"):
            return answer  # type: ignore[no-any-return]
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        self._keep(environ, started[-1][1], body)
        return [body]

    def _keep(self, environ: dict[str, Any], headers: list[tuple[str, str]], body: bytes) -> None:
        if len(self._kept) >= MOST:
            self._kept.clear()
        lasting = [(name, value) for name, value in headers if name.lower() != "x-request-id"]
        etag = next((value for name, value in headers if name.lower() == "etag"), "")
        until = time.monotonic() + self._freshness
        self._kept[environ["PATH_INFO"]] = Kept(until, environ[MARK], lasting, etag, body)


def _repeat(kept: Kept, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    began, identifier = time.perf_counter(), new_request_id()
    headers = [*kept.headers, ("X-Request-Id", identifier)]
    is_known = bool(kept.etag) and environ.get("HTTP_IF_NONE_MATCH") == kept.etag
    if is_known:
        headers = [(name, value) for name, value in headers if name.lower() not in OF_THE_BODY]
    start_response("304 NOT MODIFIED" if is_known else "200 OK", headers)
    log_request("GET", kept.said.route, 304 if is_known else 200, began, identifier)
    return [] if is_known else [kept.body]


def _repeat_page(kept: Kept, channel: str, start_response: Any) -> Iterable[bytes]:
    began, identifier, nonce = time.perf_counter(), new_request_id(), new_nonce()
    assert kept.said.page is not None and kept.said.fill is not None
    body = kept.said.page.fill(kept.said.fill(nonce, channel))
    headers = [("X-Request-Id", identifier), ("Content-Length", str(len(body)))]
    for name, value in kept.headers:
        if name == "Content-Security-Policy":
            headers.append((name, value.replace(kept.said.nonce, nonce)))
        elif name != "Content-Length":
            headers.append((name, value))
    start_response("200 OK", headers)
    log_request("GET", kept.said.route, 200, began, identifier)
    return [body]
