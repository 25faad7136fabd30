"""Which providers are on, what is missing, what to register there, and whether they answer."""

from dataclasses import dataclass

from flask import Response, abort, make_response, render_template

from quilt.accounts.provider_check import CheckFailed, check_provider
from quilt.accounts.providers import PROVIDERS, Provider, callback_url, complete, list_missing
from quilt.extensions import limiter
from quilt.web.admin import admin
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.guards import staff_only
from quilt.web.settings import get_settings


@dataclass(frozen=True, slots=True)
class Row:
    """One provider as the desk shows it."""

    provider: Provider
    missing: list[str]
    redirect_uri: str
    scopes: str


@admin.get("/connections")
@staff_only
def show_connections() -> Response:
    """Every provider: on or off, and what to do about it."""
    return _answer()


@admin.post("/connections/<name>/test")
@staff_only
@limiter.limit("30 per 5 minutes")
def test_connection(name: str) -> Response:
    """Ask a provider for what a sign-in begins with; nobody is signed in by it."""
    row, settings = PROVIDERS.get(name), get_settings()
    if row is None:
        abort(404)
    try:
        words, is_good = check_provider(row, settings, now()), True
    except CheckFailed as failure:
        words, is_good = failure.words, False
    record_event("connection_tested", by=name, is_good=is_good)
    return _answer(tested=name, words=words, is_good=is_good)


def _answer(tested: str = "", words: str = "", is_good: bool = True) -> Response:
    settings = get_settings()
    rows = [
        Row(complete(row, settings), list_missing(row, settings), callback_url(row, settings), " ".join(row.scopes))
        for row in PROVIDERS.values()
    ]  # fmt: skip
    page = render_template("admin/connections.html", rows=rows, tested=tested, words=words, is_good=is_good)
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response
