"""Answers given in front of Flask: what a crowd sends in one second pays only for what it needs.

A view says with `in_front` that a plain form of its request may be answered here: the function gets the request
and returns the answer, or what is left to write and the answer that this makes, or None to leave it to the view.
Whatever else is not plain goes on to Flask untouched, with all its checks and words: another site's origin, another
host's name, a body of unknown length, and every request whose function raised. So such a function is safe to call
twice, and leaves refusals to the view.
"""

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, TypeVar

import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import run_wsgi_app

from quilt.web.headers import list_plain_headers
from quilt.web.later import REPLY, LeftToView, Promise, Reply
from quilt.web.origins import fits_host, is_from_here
from quilt.web.plain import Answer, PlainRequest
from quilt.web.requests_log import log_request, new_request_id
from quilt.writing import Piece

MOST_BYTES = 16_384
REFUSALS = 4  # threads that look after what a crowd's writes refuse
LATER = Answer(0)  # none yet
log = structlog.get_logger("quilt.front")


Find = Callable[..., Answer | Promise | None]
F = TypeVar("F", bound=Find)
_answers: list[tuple[re.Pattern[str], str, Find]] = []


def in_front(rule: str) -> Callable[[F], F]:
    """Answer POST requests for this route in front of Flask; its `<int:name>` parts are handed over by name."""
    pattern = re.compile(re.sub(r"<int:(\w+)>", r"(?P<\1>[1-9][0-9]{0,17})", rule))

    def register(find: F) -> F:
        _answers.append((pattern, rule, find))
        return find

    return register


@dataclass(frozen=True, slots=True)
class _Call:
    """One request that may be answered here; `began` is of time.perf_counter."""

    rule: str
    environ: dict[str, Any]
    body: bytes
    began: float
    identifier: str


class Front:
    """WSGI middleware around the application; `app` gives the context, `inner` is what answers the rest."""

    def __init__(self, app: Flask, inner: Any) -> None:
        self._app = app
        self._inner = inner
        self._refusals = ThreadPoolExecutor(REFUSALS, "refusals")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer here, at once or later, or hand the request on as it came."""
        found = _find(environ) if environ["REQUEST_METHOD"] == "POST" else None
        if found is None:
            return self._inner(environ, start_response)  # type: ignore[no-any-return]
        began, identifier = time.perf_counter(), new_request_id()
        rule, find, values = found
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        call = _Call(rule, environ, body, began, identifier)
        is_whole = len(body) == int(environ["CONTENT_LENGTH"])  # or the line broke, and nobody waits
        answer = self._try(self._ask, call, find, values) if is_whole else Answer(400)
        if answer is LATER:
            return []
        if answer is None:
            environ["wsgi.input"] = BytesIO(body)
            return self._inner(environ, start_response)  # type: ignore[no-any-return]
        start_response(f"{answer.status} {HTTP_STATUS_CODES[answer.status].upper()}", self._end(call, answer))
        return [answer.body]

    def _ask(self, call: _Call, find: Find, values: dict[str, int]) -> Answer | None:
        request = PlainRequest(call.environ, call.body)
        if not (fits_host(request) and is_from_here(request)):
            return None
        found = find(request, **values)
        if not isinstance(found, Promise):
            return found
        return LATER if self._comes_later(call, found) else found.keep()

    def _comes_later(self, call: _Call, promise: Promise) -> bool:
        """Whether the answer is told by the thread that hears of the commit, and no thread waits for it."""
        reply = call.environ.get(REPLY)
        if reply is None or not promise.start(partial(self._answer_written, call, reply, promise)):
            return False
        reply.come_later()
        return True

    def _answer_written(self, call: _Call, reply: Reply, promise: Promise, written: Piece) -> None:
        promise.end()
        answer = self._try(promise.answer, written.result) if written.error is None else None
        if answer is not None:
            self._send(call, reply, answer)
        else:  # it may have to ask the database, and this thread answers the others
            self._refusals.submit(self._answer_refused, call, reply, promise, written.error)

    def _answer_refused(self, call: _Call, reply: Reply, promise: Promise, error: Exception | None) -> None:
        try:
            answer = None if error is None else self._try(promise.refuse, error)
            if answer is not None:
                return self._send(call, reply, answer)
            call.environ["wsgi.input"] = BytesIO(call.body)
            body, status, headers = run_wsgi_app(self._inner, call.environ, buffered=True)
            reply.send(int(status[:3]), list(headers), b"".join(body))
        except Exception:
            log.exception("front_failed")
            self._send(call, reply, Answer(500))

    def _send(self, call: _Call, reply: Reply, answer: Answer) -> None:
        reply.send(answer.status, self._end(call, answer), answer.body)

    def _end(self, call: _Call, answer: Answer) -> list[tuple[str, str]]:
        """Log the request; returns the headers of its answer."""
        log_request("POST", call.rule, answer.status, call.began, call.identifier)
        own = [("X-Request-Id", call.identifier), ("Content-Length", str(len(answer.body)))]
        return [*answer.headers, *list_plain_headers(self._app), *own]

    def _try(self, make: Callable[..., Answer | None], *args: Any) -> Answer | None:
        """What this makes; None where it refuses, for the view has the words, or fails, for the view tries again."""
        try:
            with self._app.app_context():
                return make(*args)
        except (HTTPException, LeftToView, ValueError):
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
