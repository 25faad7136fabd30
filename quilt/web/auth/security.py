"""What guards an account, on one page: password, address, passkeys, the second factor."""

import segno
from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired

from quilt.accounts import service as accounts
from quilt.accounts.email_change import cancel_change, find_change, request_change
from quilt.accounts.passkeys import list_passkeys
from quilt.accounts.queries import has_second_factor
from quilt.accounts.rules import AccountRefused, ProofTooOld, WrongPassword, is_recent_proof, safe_next
from quilt.accounts.second_factors import find_factors
from quilt.accounts.totp import build_uri
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.auth import auth
from quilt.web.auth.forms import shorten
from quilt.web.clock import entropy, now
from quilt.web.confirming import fresh_only
from quilt.web.devices import describe_device
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.signing_in import find_factor, find_proof, is_fresh, sign_in
from quilt.web.words import describe_account_refusal


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, and the old one where nothing else proves who asks."""

    current = PasswordField("Your password until now", [InputRequired()])
    password = PasswordField("New password", [InputRequired()])


class NewAddressForm(FlaskForm):  # type: ignore[misc]
    """Where letters go from now on."""

    email = EmailField("Your new address", [InputRequired()])


class AppForm(FlaskForm):  # type: ignore[misc]
    """The first digits that the app shows."""

    digits = StringField("The six digits that your app shows now", [InputRequired()])


@auth.get("/me/security")
@signed_in_only
def show_security() -> Response:
    """Everything that opens the account; what is sensitive can be changed by whoever has just confirmed."""
    return answer_security()


@auth.post("/me/security/password")
@signed_in_only
@limiter.limit("10 per 5 minutes", key_func=lambda: f"password of {current_user.id}")
def change_password() -> Response:
    """Set a password; every other session of this person ends, this one goes on."""
    if has_second_factor(current_user.id) and not is_fresh(current_user.id):
        flash("Nothing was changed yet. Confirm first that it is you, then do it again.", "warn")
        return make_response(redirect(url_for("auth.show_confirm", next=url_for("auth.show_security"))))
    form = NewPasswordForm()
    proof = now() if has_second_factor(current_user.id) else find_proof()
    try:
        user = accounts.set_password(
            current_user.id, form.password.data or "", current=form.current.data or "", proved_at=proof,
            compose=composer(get_settings()), now=now(),
        )  # fmt: skip
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        if isinstance(refusal, WrongPassword):
            status, words = 422, "That is not your password until now."
        is_about_old = isinstance(refusal, WrongPassword | ProofTooOld)
        (form.current if is_about_old else form.password).errors = [words]
        record_event("password_refused", reason=type(refusal).__name__)
        return answer_security(status, password_form=form)
    sign_in(user, find_proof(), way="password", factor_at=find_factor())
    record_event("password_changed")
    flash("Your password is set. You were signed out on your other devices.", "good")
    return back_to("password")


@auth.post("/me/security/email")
@fresh_only
@limiter.limit("5 per day", key_func=lambda: f"address of {current_user.id}")
def change_email() -> Response:
    """Write to both mailboxes; nothing changes before both agreed."""
    form = NewAddressForm()
    try:
        request_change(
            current_user.id, form.email.data or "", compose=composer(get_settings()), now=now(), entropy=entropy
        )  # fmt: skip
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        form.email.errors = [words]
        return answer_security(status, email_form=form)
    record_event("address_change_requested")
    flash(
        "We wrote to both addresses. Open both letters and agree there; until then nothing changes.", "good"
    )
    return back_to("address")


@auth.post("/me/security/email/cancel")
@signed_in_only
def cancel_email_change() -> Response:
    """Forget the wish for another address."""
    cancel_change(current_user.id)
    flash("Your address stays as it is.", "good")
    return back_to("address")


def answer_security(
    status: int = 200,
    *,
    password_form: NewPasswordForm | None = None,
    email_form: NewAddressForm | None = None,
    app_form: AppForm | None = None,
) -> Response:
    """The page about what guards the account, with the form that could not be used, if one was sent."""
    if email_form is not None:
        shorten(email_form)
    settings, user_id = get_settings(), current_user.id
    factors, can_change = find_factors(user_id, settings.secret_key), is_fresh(user_id)
    has_factor = has_second_factor(user_id)
    page = render_template(
        "auth/security.html",
        can_change=can_change,
        has_factor=has_factor,
        is_proven=is_recent_proof(find_proof(), now()) or (has_factor and can_change),
        factors=factors,
        app_secret=(factors.new_secret or "") if can_change else "",
        app_picture=_draw_secret(factors.new_secret) if can_change and factors.new_secret else "",
        passkeys=list_passkeys(user_id),
        device=describe_device(request.headers.get("User-Agent", "")),
        change=find_change(user_id, now()),
        password_form=password_form or NewPasswordForm(formdata=None),
        email_form=email_form or NewAddressForm(formdata=None),
        app_form=app_form or AppForm(formdata=None),
        way_back=safe_next(request.args.get("next")),
    )
    return make_response(page, status)


def back_to(place: str) -> Response:
    """To a section of the page."""
    return make_response(redirect(url_for("auth.show_security", _anchor=place)))


def _draw_secret(secret: str) -> str:
    """The QR code that the app reads, as the address of a picture."""
    uri = build_uri(secret, current_user.email, get_settings().site_name)
    return str(segno.make(uri, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff"))
