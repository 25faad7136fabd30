"""Errors as people see them: what happened, what we kept, what to do; problem details for JSON."""

from collections.abc import Mapping
from functools import lru_cache

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from quilt.web.plain import AnyRequest
from quilt.web.requests_log import request_id
from quilt.web.signing_in import answer_as_to_nobody, find_reader
from quilt.writer import WriterGone

WORDS = {
    400: ("We could not read that request.", "Nothing was changed. Go back and try again."),
    401: ("Please sign in first.", "Sign in, and we bring you back here."),
    403: ("That is not allowed.", "Nothing was changed."),
    404: ("We cannot find that page.", "The address may be cut or old. Look for the entry instead."),
    405: ("That address does not take this kind of request.", "Nothing was changed."),
    409: ("That cannot be done now.", "Nothing was changed."),
    410: ("That link was used or has expired.", "Ask for a new one."),
    412: ("This changed in another tab.", "Nothing was overwritten."),
    413: ("That is too large.", "Nothing was changed. Send something smaller."),
    414: ("That address is too long.", "Nothing was changed."),
    415: ("We cannot read that kind of content.", "Nothing was changed."),
    422: ("We cannot use that.", "Nothing was changed."),
    429: ("Too many tries.", "Wait a few minutes, then try again."),
    500: ("Something broke on our side.", "We wrote it down. What you had saved is still there."),
    503: ("We are out of breath for a moment.", "Nothing was lost. Try again in a few seconds."),
}
API, API_PAGE = "/api/", "/api/docs"
# What a program goes by, where the refusal has no code of its own.
CODES = {
    400: "unreadable", 401: "token_missing", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    409: "conflict", 413: "too_large", 414: "too_long", 415: "wrong_type", 422: "unusable", 429: "too_many",
    500: "broken", 503: "busy",
}  # fmt: skip
DATABASE_AWAY = {"OperationalError", "InterfaceError"}
log = structlog.get_logger("quilt.errors")


def register(app: Flask) -> None:
    """Answer every error with a page, or with problem details where JSON was asked for."""
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(InterfaceError, _database_away)
    app.register_error_handler(WriterGone, _database_away)
    app.register_error_handler(NoConnectionFree, _database_away)
    app.register_error_handler(Exception, _unexpected)


def wants_json(request: AnyRequest) -> bool:
    """Whether the client asked for JSON rather than a page. The API never answers with one."""
    if is_api(request):
        return True
    return request.is_json or _prefers_json(request.headers.get("Accept", ""))


@lru_cache(maxsize=256)
def _prefers_json(accept: str) -> bool:
    """What an Accept header says; browsers send few different ones."""
    wanted = parse_accept_header(accept, MIMEAccept)
    return wanted.best_match(("text/html", "application/json")) == "application/json"


def is_api(request: AnyRequest) -> bool:
    """Whether this address belongs to the API."""
    path = str(request.environ.get("PATH_INFO", ""))
    return path.startswith(API) and path != API_PAGE


def answer_error(
    status: int,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    code: str = "",
    facts: Mapping[str, str] = {},
) -> Response:
    """The error page (or problem details, with these facts) for a status, with our own words or the given ones."""
    title, advice = WORDS.get(status, WORDS[400])
    if wants_json(request):
        response = jsonify(
            type="about:blank", title=title, status=status, detail=detail or advice,
            code=code or CODES.get(status, "refused"), request_id=request_id(), **facts,
        )  # fmt: skip
        response.mimetype = "application/problem+json"
    else:
        find_reader()
        response = make_response(
            render_template(
                "errors/error.html",
                status=status,
                title=title,
                detail=detail,
                advice=advice,
                request_id=request_id(),
            )
        )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def _http_error(error: HTTPException) -> Response:
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    own_words = error.description if error.description != type(error).description else ""
    kept = {name: value for name, value in error.get_headers() if name in ("Retry-After", "Allow")}
    if status == 429:
        own_words = ""
        kept.setdefault("Retry-After", "60")
    return answer_error(status, own_words or "", kept)


def _stale_form(_error: CSRFError) -> Response:
    return answer_error(
        403, "The page was open too long, or its form was not ours. Go back, reload, and send it again: your text is kept by the browser."
    )  # fmt: skip


def _database_away(_error: Exception) -> Response:
    answer_as_to_nobody()
    log.exception("database_away", request_id=request_id())
    return answer_error(503, headers={"Retry-After": "2"})


def _unexpected(error: Exception) -> Response:
    if not DATABASE_AWAY.isdisjoint(kind.__name__ for kind in type(error).__mro__):
        return _database_away(error)  # as a driver tells it who cannot connect; PEP 249 has the names
    log.exception("unexpected_error", request_id=request_id())
    return answer_error(500)
