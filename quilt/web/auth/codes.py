"""Signing in by a code that is mailed to one's address; signing out."""

from dataclasses import dataclass

from flask import Response, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from quilt.accounts.rules import AccountRefused, NotACode, UnknownCode, WrongCode, has_lookalikes, safe_next
from quilt.accounts.service import SIGN_IN
from quilt.accounts.service import redeem_code as redeem
from quilt.accounts.service import request_code as request_new
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.auth import auth
from quilt.web.auth.forms import AddressForm, CodeForm, PasswordForm, shorten
from quilt.web.clock import entropy, now
from quilt.web.events import record_event
from quilt.web.resuming import find_kept, go_on
from quilt.web.settings import get_settings
from quilt.web.signing_in import sign_in
from quilt.web.signing_in import sign_out as end_own_session
from quilt.web.takeover import tell_takeover
from quilt.web.words import describe_account_refusal

_PENDING = "pending_sign_in"


@dataclass(frozen=True, slots=True)
class Pending:
    """A code that this browser asked for: its token, the address as typed, and the way back."""

    token: str
    email: str
    next_path: str


@auth.get("/sign-in")
def show_sign_in() -> Response:
    """One field for the address; the password form is folded below it."""
    form = AddressForm(next=safe_next(request.args.get("next")))
    if current_user.is_authenticated:
        form.email.data = current_user.email if current_user.has_address else ""
    return answer_sign_in(form)


@auth.post("/sign-in")
@limiter.limit("100 per 5 minutes")
def request_code() -> Response:
    """Mail a code; the answer is the same whether or not the address has an account."""
    form = AddressForm()
    address, way_back = form.email.data or "", safe_next(form.next.data)
    settings = get_settings()
    try:
        token = request_new(
            address, SIGN_IN, compose=composer(settings), secret=settings.secret_key, now=now(),
            entropy=entropy, next_path=way_back,
        )  # fmt: skip
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        form.email.errors = [words]
        return answer_sign_in(form, status)
    record_event("code_requested", has_lookalikes=has_lookalikes(address))
    session[_PENDING] = {"token": token, "email": address.strip(), "next": way_back}
    return _see(url_for("auth.show_code"))


@auth.get("/sign-in/code")
def show_code() -> Response:
    """The page that takes the code: 202, for the mail is still on its way."""
    pending = _find_pending()
    return _see(url_for("auth.show_sign_in")) if pending is None else _answer_code(CodeForm(), pending, 202)


@auth.post("/sign-in/code")
@limiter.limit("100 per 5 minutes")
def redeem_code() -> Response:
    """Sign the person in whose address the code proves, and take them where they had been going."""
    form, pending = CodeForm(), _find_pending()
    if pending is None:
        address_form = AddressForm(formdata=None)
        status, words = describe_account_refusal(UnknownCode())
        address_form.email.errors = [words]
        return answer_sign_in(address_form, status)
    try:
        redeemed = redeem(pending.token, form.code.data or "", secret=get_settings().secret_key, now=now())
    except AccountRefused as refusal:
        record_event("code_refused", reason=type(refusal).__name__)
        status, words = describe_account_refusal(refusal)
        form.code.errors = [words]
        return _answer_code(form, pending, status, is_over=not isinstance(refusal, (NotACode, WrongCode)))
    sign_in(redeemed.user, now())
    record_event("signed_in", by="code", is_new=redeemed.is_new)
    tell_takeover(redeemed)
    return go_on(redeemed.next_path)


@auth.post("/sign-out")
def sign_out() -> Response:
    """End this browser's session for good."""
    end_own_session()
    return _see("/")


@auth.after_request
def keep_private(response: Response) -> Response:
    """None of these pages is kept by anybody, and none tells another site where one came from."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def answer_sign_in(
    form: AddressForm, status: int = 200, password_form: PasswordForm | None = None
) -> Response:
    """The sign-in page with what was typed; with a password form when that is what went wrong."""
    shorten(form)
    is_password_open = password_form is not None
    password_form = password_form or PasswordForm(formdata=None, next=safe_next(form.next.data))
    page = render_template(
        "auth/sign_in.html",
        form=form,
        password_form=password_form,
        is_password_open=is_password_open,
        kept=find_kept(),
    )
    return make_response(page, status)


def _answer_code(form: CodeForm, pending: Pending, status: int, *, is_over: bool = False) -> Response:
    shorten(form)
    resend = AddressForm(formdata=None, email=pending.email, next=pending.next_path)
    page = render_template("auth/code.html", form=form, resend=resend, pending=pending, is_over=is_over)
    return make_response(page, status)


def _find_pending() -> Pending | None:
    kept = session.get(_PENDING)
    return None if kept is None else Pending(kept["token"], kept["email"], kept["next"])


def _see(address: str) -> Response:
    return make_response(redirect(address))
