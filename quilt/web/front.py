"""Answers given in front of Flask: what a crowd sends in one second pays only for what it needs.

A view says with `in_front` that a plain form of its request may be answered here: the function gets the request
and returns the answer, or None to leave it to the view. Whatever else is not plain goes on to Flask untouched,
with all its checks and words: another site's origin, another host's name, a body of unknown length, and every
request whose function raised. So such a function is safe to call twice, and leaves refusals to the view.
"""

import re
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, TypeVar

import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from quilt.database import release_session
from quilt.web.headers import list_plain_headers
from quilt.web.origins import fits_host, is_from_here
from quilt.web.plain import Answer, AnyRequest, PlainRequest
from quilt.web.requests_log import log_request, new_request_id
from quilt.web.turns import get_turn

MOST_BYTES = 16_384
log = structlog.get_logger("quilt.front")


Find = Callable[..., Answer | None]
F = TypeVar("F", bound=Find)
_answers: list[tuple[re.Pattern[str], str, Find]] = []


def in_front(rule: str) -> Callable[[F], F]:
    """Answer POST requests for this route in front of Flask; its `<int:name>` parts are handed over by name."""
    pattern = re.compile(re.sub(r"<int:(\w+)>", r"(?P<\1>[1-9][0-9]{0,17})", rule))

    def register(find: F) -> F:
        _answers.append((pattern, rule, find))
        return find

    return register


def step_aside(request: AnyRequest) -> None:
    """Keep neither a connection nor a turn from others: all that is left to do here is to wait for a commit."""
    release_session()
    if turn := get_turn(request.environ):
        turn.end()


class Front:
    """WSGI middleware around the application; `app` gives the context, `inner` is what answers the rest."""

    def __init__(self, app: Flask, inner: Any) -> None:
        self._app = app
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer here, or hand the request on as it came."""
        found = _find(environ) if environ["REQUEST_METHOD"] == "POST" else None
        if found is None:
            return self._inner(environ, start_response)  # type: ignore[no-any-return]
        began, identifier = time.perf_counter(), new_request_id()
        rule, find, values = found
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        is_whole = len(body) == int(environ["CONTENT_LENGTH"])  # or the line broke, and nobody waits
        answer = self._ask(find, PlainRequest(environ, body), values) if is_whole else Answer(400)
        if answer is None:
            environ["wsgi.input"] = BytesIO(body)
            if turn := get_turn(environ):
                turn.begin()  # it may have stepped aside, and a view is dear
            return self._inner(environ, start_response)  # type: ignore[no-any-return]
        headers = [*answer.headers, *list_plain_headers(self._app), ("X-Request-Id", identifier)]
        headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {HTTP_STATUS_CODES[answer.status].upper()}", headers)
        log_request("POST", rule, answer.status, began, identifier)
        return [answer.body]

    def _ask(self, find: Find, request: PlainRequest, values: dict[str, int]) -> Answer | None:
        with self._app.app_context():
            try:
                if not (fits_host(request) and is_from_here(request)):
                    return None
                return find(request, **values)
            except (HTTPException, ValueError):
                return None
            except Exception:
                log.exception("front_failed")
                return None


def _find(environ: dict[str, Any]) -> tuple[str, Find, dict[str, int]] | None:
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdecimal() and len(length) < 6 and int(length) <= MOST_BYTES):
        return None
    if environ.get("QUERY_STRING"):
        return None
    for pattern, rule, find in _answers:
        match = pattern.fullmatch(environ["PATH_INFO"])
        if match is not None:
            return rule, find, {name: int(value) for name, value in match.groupdict().items()}
    return None
