"""Signing in with a password."""

import hashlib

from flask import Response, request
from flask_limiter import RequestLimit

from quilt.accounts.rules import AccountRefused, email_key, safe_next
from quilt.accounts.service import sign_in_with_password as find_by_password
from quilt.extensions import limiter
from quilt.web.auth import auth
from quilt.web.auth.codes import answer_sign_in
from quilt.web.auth.forms import AddressForm, PasswordForm, shorten
from quilt.web.errors import answer_error
from quilt.web.events import record_event
from quilt.web.resuming import go_on
from quilt.web.signing_in import sign_in
from quilt.web.words import describe_account_refusal

TOO_MANY = "Too many tries. Wait 5 minutes, or sign in with a code sent to your address."
BUSY = "Sign-in is busy. Try again in a few minutes."


def _is_failure(response: Response) -> bool:
    return response.status_code == 401


def _account() -> str:
    """The account that is tried, whoever tries it: a hash, so that the limiter's store holds no address."""
    address = request.form.get("email", "")
    try:
        address = email_key(address)
    except AccountRefused:
        address = "none"
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()


def _slow_down(limit: RequestLimit) -> Response:
    record_event("sign_in_limited")
    return answer_error(429, TOO_MANY, {"Retry-After": "300"})


def _say_busy(limit: RequestLimit) -> Response:
    record_event("sign_in_busy")
    return answer_error(429, BUSY, {"Retry-After": "300"})


@auth.post("/sign-in/password")
@limiter.limit("1000 per 5 minutes", key_func=lambda: "all", deduct_when=_is_failure, on_breach=_say_busy)
@limiter.limit("10 per 5 minutes", key_func=_account, deduct_when=_is_failure, on_breach=_slow_down)
@limiter.limit("10 per 5 minutes", deduct_when=_is_failure, on_breach=_slow_down)
def sign_in_with_password() -> Response:
    """Sign in; whatever was wrong, the answer and its cost are the same."""
    form = PasswordForm()
    try:
        user = find_by_password(form.email.data or "", form.password.data or "")
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        record_event("sign_in_failed", reason=type(refusal).__name__)
        return _answer_refusal(form, status, words)
    sign_in(user, way="password")
    record_event("signed_in", by="password")
    return go_on(safe_next(form.next.data))


def _answer_refusal(form: PasswordForm, status: int, words: str) -> Response:
    shorten(form)
    form.password.errors = [words]
    form.next.data = safe_next(form.next.data)
    address_form = AddressForm(formdata=None, email=form.email.data, next=form.next.data)
    return answer_sign_in(address_form, status, form)
