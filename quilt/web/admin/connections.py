"""Which providers and networks are on, what is missing, what to register there, and whether they answer."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, abort, make_response, render_template, url_for

from quilt.accounts.provider_check import CheckFailed, check_provider
from quilt.accounts.providers import PROVIDERS, Kind, Provider, callback_url, complete, list_missing
from quilt.extensions import limiter
from quilt.shares.connector_check import check_connector
from quilt.shares.connectors import table
from quilt.shares.connectors.base import Connector
from quilt.web.admin import admin
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.guards import staff_only
from quilt.web.settings import get_settings

AUTOMATIC = (Kind.MASTODON, Kind.BLUESKY)  # their servers learn the address from us


@dataclass(frozen=True, slots=True)
class Row:
    """One provider or network as the desk shows it; `key` is its place on the page."""

    key: str
    provider: Provider
    costs: str
    review: str
    missing: list[str]
    redirect_uri: str
    is_automatic: bool
    test_path: str


@dataclass(frozen=True, slots=True)
class Tested:
    """What the test of one row found."""

    key: str
    words: str
    is_good: bool


@admin.get("/connections")
@staff_only
def show_connections() -> Response:
    """Every provider and every network: on or off, and what to do about it."""
    return _answer()


@admin.post("/connections/<name>/test")
@staff_only
@limiter.limit("30 per 5 minutes")
def test_connection(name: str) -> Response:
    """Ask a provider for what a sign-in begins with; nobody is signed in by it."""
    row = PROVIDERS.get(name) or abort(404)
    return _answer(_test(name, lambda: check_provider(row, get_settings(), now())))


@admin.post("/connections/posting/<network>/test")
@staff_only
@limiter.limit("30 per 5 minutes")
def test_posting(network: str) -> Response:
    """Ask a network whether it answers; nothing is posted."""
    row = table.CONNECTORS.get(network) or abort(404)
    return _answer(_test(f"post-{network}", lambda: check_connector(row, get_settings(), now())))


def _test(key: str, ask: Callable[[], str]) -> Tested:
    try:
        found = Tested(key, ask(), True)
    except CheckFailed as failure:
        found = Tested(key, failure.words, False)
    record_event("connection_tested", by=key, is_good=found.is_good)
    return found


def _answer(tested: Tested | None = None) -> Response:
    page = render_template(
        "admin/connections.html", providers=[_describe_provider(row) for row in PROVIDERS.values()],
        connectors=[_describe_connector(row) for row in table.CONNECTORS.values()], tested=tested,
    )  # fmt: skip
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _describe_provider(row: Provider) -> Row:
    settings = get_settings()
    return Row(
        row.name, complete(row, settings), row.costs, "", list_missing(row, settings), callback_url(row, settings),
        row.kind in AUTOMATIC, url_for("admin.test_connection", name=row.name),
    )  # fmt: skip


def _describe_connector(row: Connector) -> Row:
    settings, name = get_settings(), row.provider.name
    return Row(
        f"post-{name}", row.provider, row.costs, row.review, table.list_missing(row, settings),
        table.callback_url(row, settings), row.provider.kind in AUTOMATIC,
        url_for("admin.test_posting", network=name),
    )  # fmt: skip
