"""The two letters about another address: opening their page changes nothing, its buttons do."""

from flask import Response, make_response, render_template

from quilt.accounts.email_change import confirm_change, stop_change, view_change
from quilt.accounts.rules import ChangeOver
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.auth import auth
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.settings import get_settings


@auth.get("/me/email/<link_key>")
@limiter.limit("60 per 5 minutes")
def show_email_change(link_key: str) -> Response:
    """What is asked of this mailbox."""
    try:
        return _answer(200, link_key=link_key, change=view_change(link_key, now()))
    except ChangeOver:
        return _answer(410, outcome="over")


@auth.post("/me/email/<link_key>")
@limiter.limit("60 per 5 minutes")
def agree_to_email(link_key: str) -> Response:
    """Agree from this mailbox; once both did, the account goes by the new address."""
    try:
        change = confirm_change(link_key, compose=composer(get_settings()), now=now())
    except ChangeOver:
        return _answer(410, outcome="over")
    record_event("address_change_agreed", is_done=change is None)
    return _answer(200, outcome="done") if change is None else _answer(200, link_key=link_key, change=change)


@auth.post("/me/email/<link_key>/stop")
@limiter.limit("60 per 5 minutes")
def stop_email_change(link_key: str) -> Response:
    """Refuse from the old mailbox."""
    try:
        stop_change(link_key, compose=composer(get_settings()), now=now())
    except ChangeOver:
        return _answer(410, outcome="over")
    record_event("address_change_stopped")
    return _answer(200, outcome="stopped")


def _answer(status: int, *, link_key: str = "", change: object = None, outcome: str = "") -> Response:
    page = render_template("auth/email_change.html", link_key=link_key, change=change, outcome=outcome)
    return make_response(page, status)
