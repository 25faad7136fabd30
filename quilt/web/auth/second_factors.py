"""Setting up the second factor: an app, and ten codes on paper."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts.queries import get_user
from quilt.accounts.rules import AccountRefused, safe_next
from quilt.accounts.second_factors import confirm_app, remove_app, renew_codes, start_app
from quilt.letters import composer
from quilt.web.auth import auth
from quilt.web.auth.confirm import limit_tries
from quilt.web.auth.security import AppForm, answer_security, back_to
from quilt.web.clock import entropy, now
from quilt.web.confirming import fresh_only
from quilt.web.events import record_event
from quilt.web.settings import get_settings
from quilt.web.signing_in import find_proof, sign_in
from quilt.web.words import describe_account_refusal


@auth.post("/me/security/app")
@fresh_only
def begin_app() -> Response:
    """Make a secret for the app; the page then shows it as a picture and as letters."""
    try:
        start_app(current_user.id, secret=get_settings().secret_key, now=now(), entropy=entropy)
    except AccountRefused as refusal:
        flash(describe_account_refusal(refusal)[1], "bad")
    way_back = safe_next(request.form.get("next"))
    address = url_for(
        "auth.show_security", next=way_back if way_back != "/" else None, _anchor="second-factor"
    )
    return make_response(redirect(address))


@auth.post("/me/security/app/confirm")
@fresh_only
@limit_tries
def keep_app() -> Response:
    """The app has shown its first digits: it counts from now on. The codes on paper are shown this once."""
    form, settings = AppForm(), get_settings()
    try:
        codes = confirm_app(
            current_user.id, form.digits.data or "", secret=settings.secret_key, compose=composer(settings),
            now=now(), entropy=entropy,
        )  # fmt: skip
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        form.digits.data, form.digits.errors = "", [words]
        return answer_security(status, app_form=form)
    sign_in(get_user(current_user.id), find_proof(), way="app", factor_at=now())
    record_event("second_factor_added", by="app")
    return _answer_codes(codes, safe_next(request.form.get("next")))


@auth.post("/me/security/app/remove")
@fresh_only
def take_app_away() -> Response:
    """Take the app off the account, and its codes on paper."""
    try:
        remove_app(current_user.id, compose=composer(get_settings()), now=now())
    except AccountRefused as refusal:
        flash(describe_account_refusal(refusal)[1], "bad")
        return back_to("second-factor")
    record_event("second_factor_removed", by="app")
    flash("Your app’s digits are no longer asked for.", "good")
    return back_to("second-factor")


@auth.post("/me/security/codes")
@fresh_only
def renew_recovery_codes() -> Response:
    """Ten new codes on paper, shown this once."""
    try:
        codes = renew_codes(current_user.id, compose=composer(get_settings()), now=now(), entropy=entropy)
    except AccountRefused as refusal:
        flash(describe_account_refusal(refusal)[1], "bad")
        return back_to("second-factor")
    record_event("recovery_codes_renewed")
    return _answer_codes(codes, "/")


def _answer_codes(codes: list[str], way_back: str) -> Response:
    page = render_template(
        "auth/recovery_codes.html", codes=codes, way_back=way_back if way_back != "/" else "/me/security"
    )
    return make_response(page)
