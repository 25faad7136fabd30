"""Sending somebody to a provider: the page that leads there, and what binds the answer to this browser."""

from flask import Response, make_response, render_template, session

from quilt.accounts.flows import start_sign_in
from quilt.accounts.providers import Provider
from quilt.accounts.rules import make_key
from quilt.web.clock import entropy, now
from quilt.web.events import record_event
from quilt.web.settings import get_settings

_BROWSER = "browser"


def leave_for(provider: Provider, next_path: str, *, where: str = "", user_id: int | None = None) -> Response:
    """A page that goes on to the provider by itself; raises ServerUnknown or ProviderSilent.

    A page and not a redirect: browsers let a form of ours lead to our own site only (CSP form-action).
    """
    if _BROWSER not in session:
        session[_BROWSER] = make_key(entropy)
    address = start_sign_in(
        provider, settings=get_settings(), browser=find_browser(), next_path=next_path, now=now(),
        entropy=entropy, user_id=user_id, where=where,
    )  # fmt: skip
    record_event("sign_in_started", by=provider.name, is_connecting=user_id is not None)
    response = make_response(render_template("auth/leaving.html", provider=provider, address=address))
    response.headers["Refresh"] = f"0; url={address}"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def find_browser() -> str:
    """The random text that only this browser has; '' where it has none."""
    text = session.get(_BROWSER, "")
    return text if isinstance(text, str) else ""
