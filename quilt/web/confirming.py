"""Sensitive changes are for those who have shown just now that it is them."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, flash, make_response, redirect, request, url_for
from flask_login import current_user

from quilt.web.guards import signed_in_only
from quilt.web.origins import SAFE
from quilt.web.signing_in import is_fresh

P = ParamSpec("P")


def fresh_only(view: Callable[P, Response]) -> Callable[P, Response]:
    """For those who have shown just now that it is them; the others do so and come back to the account's page."""

    @wraps(view)
    @signed_in_only
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        if is_fresh(current_user.id):
            return view(*args, **kwargs)
        way_back = request.path if request.method in SAFE else _page_of(request.path)
        if request.method not in SAFE:
            flash("Nothing was changed yet. Confirm first that it is you, then do it again.", "warn")
        return make_response(redirect(url_for("auth.show_confirm", next=way_back)))

    return guarded  # type: ignore[return-value]


def _page_of(path: str) -> str:
    """The page on which a form of this address stands."""
    pages = {
        "/me/privacy": "site.show_privacy",
        "/me/tokens": "site.show_tokens",
        "/me/webhooks": "site.show_webhooks",
    }
    found = next((page for start, page in pages.items() if path.startswith(start)), "auth.show_security")
    return url_for(found)
