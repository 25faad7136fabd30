"""Signing in by the link in the letter. Mail scanners open it too: opening it does nothing, the button does."""

from flask import Response, make_response, render_template

from quilt.accounts.rules import AccountRefused
from quilt.accounts.service import find_link
from quilt.accounts.service import redeem_link as redeem
from quilt.extensions import limiter
from quilt.web.auth import auth
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.resuming import go_on
from quilt.web.signing_in import sign_in
from quilt.web.takeover import tell_takeover
from quilt.web.words import describe_link_refusal


@auth.get("/sign-in/link/<link_key>")
@limiter.limit("60 per 5 minutes")
def show_link(link_key: str) -> Response:
    """Whom the link signs in, and the button that does it; nothing is used up."""
    try:
        code = find_link(link_key, now())
    except AccountRefused as refusal:
        return _answer_refusal(refusal)
    return _answer(200, email=code.email, link_key=link_key)


@auth.post("/sign-in/link/<link_key>")
@limiter.limit("60 per 5 minutes")
def redeem_link(link_key: str) -> Response:
    """Sign in by the link, in whatever browser it was opened."""
    try:
        redeemed = redeem(link_key, now())
    except AccountRefused as refusal:
        record_event("link_refused", reason=type(refusal).__name__)
        return _answer_refusal(refusal)
    sign_in(redeemed.user, now(), way="link")
    record_event("signed_in", by="link", is_new=redeemed.is_new)
    tell_takeover(redeemed)
    return go_on(redeemed.next_path)


def _answer_refusal(refusal: AccountRefused) -> Response:
    return _answer(410, words=describe_link_refusal(refusal))


def _answer(status: int, *, email: str = "", link_key: str = "", words: str = "") -> Response:
    page = render_template("auth/link.html", email=email, link_key=link_key, words=words)
    return make_response(page, status)
