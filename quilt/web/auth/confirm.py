"""Showing again that it is oneself: before sensitive changes, and for the desk by a second factor."""

from collections.abc import Callable
from typing import ParamSpec

from flask import Response, make_response, redirect, render_template, request, url_for
from flask_limiter import RequestLimit
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from quilt.accounts.identities import list_identities
from quilt.accounts.passkeys import list_passkeys
from quilt.accounts.providers import Provider, list_on
from quilt.accounts.queries import get_user, has_second_factor
from quilt.accounts.rules import AccountRefused, safe_next
from quilt.accounts.second_factors import check_second_factor, find_factors
from quilt.accounts.service import sign_in_with_password
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.auth import auth
from quilt.web.clock import now
from quilt.web.errors import answer_error
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.signing_in import find_proof, is_fresh, sign_in, takes_code, takes_provider
from quilt.web.words import describe_account_refusal

P = ParamSpec("P")
TOO_MANY = "Too many tries. Wait a while, then try again; a passkey or a new code still works."


class DigitsForm(FlaskForm):  # type: ignore[misc]
    """Six digits of the app, or a code on paper."""

    digits = StringField("Six digits, or a recovery code", [InputRequired()])
    next = HiddenField(id="digits-next")


class AgainForm(FlaskForm):  # type: ignore[misc]
    """One's password once more."""

    password = PasswordField("Your password", [InputRequired()])
    next = HiddenField(id="again-next")


def _person() -> str:
    return f"tries of {current_user.id}"


def _slow_down(limit: RequestLimit) -> Response:
    record_event("second_factor_limited")
    return answer_error(429, TOO_MANY, {"Retry-After": "300"})


def limit_tries(view: Callable[P, Response]) -> Callable[P, Response]:
    """Few wrong tries for one person, from wherever: 5 in five minutes, 20 an hour, 50 a day."""
    for limit in ("50 per day", "20 per hour", "5 per 5 minutes"):
        view = limiter.limit(
            limit,
            key_func=_person,
            deduct_when=lambda answer: answer.status_code == 422,
            on_breach=_slow_down,
        )(view)
    return view


@auth.get("/sign-in/confirm")
@signed_in_only
def show_confirm() -> Response:
    """The ways to show that it is oneself; staff who have no second factor yet are led to set one up."""
    way_back = safe_next(request.args.get("next"))
    user_id = current_user.id
    if current_user.waiting_role and not has_second_factor(user_id) and is_fresh(user_id):
        return make_response(redirect(url_for("auth.show_security", next=way_back, _anchor="second-factor")))
    return answer_confirm(DigitsForm(formdata=None, next=way_back), AgainForm(formdata=None, next=way_back))


@auth.post("/sign-in/confirm")
@signed_in_only
@limit_tries
def confirm_with_digits() -> Response:
    """Use up the digits of the app, or a code on paper; the session begins anew with the factor shown."""
    form = DigitsForm()
    settings = get_settings()
    try:
        check_second_factor(
            current_user.id, form.digits.data or "", secret=settings.secret_key, compose=composer(settings), now=now()
        )  # fmt: skip
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        record_event("second_factor_refused")
        form.digits.data, form.digits.errors = "", [words]
        return answer_confirm(form, AgainForm(formdata=None, next=safe_next(form.next.data)), status)
    sign_in(get_user(current_user.id), find_proof(), way="app", factor_at=now())
    record_event("second_factor_shown", by="app")
    return make_response(redirect(safe_next(form.next.data)))


@auth.post("/sign-in/confirm/password")
@signed_in_only
@limit_tries
def confirm_with_password() -> Response:
    """Know one's password; for those who have a second factor it is not enough."""
    form, user = AgainForm(), get_user(current_user.id)
    try:
        sign_in_with_password(user.email, form.password.data or "")
    except AccountRefused as refusal:
        words = (
            "That is not your password."
            if describe_account_refusal(refusal)[0] == 401
            else "Use at most 256 characters."
        )
        record_event("confirmation_refused")
        form.password.errors = [words]
        return answer_confirm(DigitsForm(formdata=None, next=safe_next(form.next.data)), form, 422)
    sign_in(user, find_proof(), way="password")
    record_event("confirmed", by="password")
    return make_response(redirect(safe_next(form.next.data)))


def answer_confirm(digits_form: DigitsForm, again_form: AgainForm, status: int = 200) -> Response:
    """The page on which one shows that it is oneself, with the form that could not be used, if one was sent."""
    way_back = safe_next(digits_form.next.data or again_form.next.data)
    factors = find_factors(current_user.id, get_settings().secret_key)
    has_passkey = bool(list_passkeys(current_user.id))
    page = render_template(
        "auth/confirm.html", digits_form=digits_form, again_form=again_form, has_app=factors.has_app,
        has_passkey=has_passkey, is_for_desk=bool(current_user.waiting_role), way_back=way_back,
        takes_code=takes_code(current_user.id), providers=_list_providers(has_passkey or factors.has_app),
    )  # fmt: skip
    return make_response(page, status)


def _list_providers(has_factor: bool) -> list[Provider]:
    """Those by which this person signs in here, where that confirms a change."""
    if has_factor and not takes_provider(current_user.id):
        return []
    own = {identity.provider for identity in list_identities(current_user.id)}
    return [provider for provider in list_on(get_settings()) if provider.name in own]
