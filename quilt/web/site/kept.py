"""Answers that are the same for everybody without a session: kept as bytes, filled with what is the visitor's."""

from collections.abc import Callable

from flask import Response

from quilt.database import database_key
from quilt.web.clock import now
from quilt.web.form_tickets import has_session
from quilt.web.headers import csp_nonce
from quilt.web.pages import Page, VersionedCache

_pages: VersionedCache[Page] = VersionedCache(most=300)


def answer(html: str | bytes) -> Response:
    """A page that the browser may keep for the way back, and no cache between may."""
    response = Response(html, mimetype="text/html")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Cookie"
    return response


def answer_kept(
    key: tuple[object, ...], version: object, render: Callable[[], str], **values: bytes
) -> Response:
    """The kept page of this version, filled; a fresh one for who is signed in: their menu is another."""
    if has_session():
        return answer_fresh(render, **values)
    page = _pages.get((database_key(), *key), version, lambda: Page(render()))
    return answer(page.fill({**values, "csp_nonce": csp_nonce().encode()}))


def answer_fresh(render: Callable[[], str], **values: bytes) -> Response:
    """A page that nobody else is likely to ask for."""
    return answer(Page(render()).fill({**values, "csp_nonce": csp_nonce().encode()}))


def this_minute() -> int:
    """The number of this minute: pages that say how much time is left are built anew in the next."""
    return int(now().timestamp()) // 60
