"""Passkeys: a browser asks for a question, its device answers, and an ordinary form brings the answer."""

import json

from flask import Response, abort, flash, make_response, redirect, request, session, url_for
from flask_login import current_user

from quilt.accounts.passkeys import (
    Party,
    Question,
    add_passkey,
    ask_for_new,
    ask_for_proof,
    check_proof,
    remove_passkey,
)
from quilt.accounts.queries import get_user
from quilt.accounts.rules import AccountRefused, NameRefused, check_name, safe_next
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.auth import auth
from quilt.web.auth.codes import answer_sign_in
from quilt.web.auth.confirm import AgainForm, DigitsForm, answer_confirm
from quilt.web.auth.forms import AddressForm
from quilt.web.clock import entropy, now
from quilt.web.confirming import fresh_only
from quilt.web.devices import describe_device
from quilt.web.events import record_event
from quilt.web.json_bodies import answer_json
from quilt.web.resuming import go_on
from quilt.web.settings import get_settings
from quilt.web.signing_in import find_proof, sign_in
from quilt.web.words import describe_account_refusal

_NEW, _PROOF = "new_passkey", "passkey_proof"  # the numbers of the challenges that this browser waits with
REFUSED = "That passkey does not fit. Nothing was changed: try again, or sign in another way."


@auth.post("/sign-in/passkey/question")
@limiter.limit("60 per 5 minutes")
def ask_passkey() -> Response:
    """The question for a device: any passkey of this site, or one's own where somebody is signed in."""
    user_id = current_user.id if current_user.is_authenticated else None
    return _tell(_PROOF, ask_for_proof(user_id, _party(), now=now(), entropy=entropy))


@auth.post("/sign-in/passkey")
@limiter.limit("60 per 5 minutes")
def sign_in_with_passkey() -> Response:
    """Sign in, or confirm that it is oneself, by a passkey: it is both factors in one."""
    user_id = current_user.id if current_user.is_authenticated else None
    way_back = safe_next(request.form.get("next"))
    challenge_id, sent = session.pop(_PROOF, 0), request.form.get("credential", "")
    try:
        user = check_proof(user_id, challenge_id, sent, _party(), now())
    except AccountRefused as refusal:
        record_event("passkey_refused", reason=type(refusal).__name__)
        flash(REFUSED, "bad")
        if user_id is None:
            return answer_sign_in(AddressForm(formdata=None, next=way_back), 422)
        forms = DigitsForm(formdata=None, next=way_back), AgainForm(formdata=None, next=way_back)
        return answer_confirm(*forms, 422)
    sign_in(user, find_proof() if user_id else None, way="passkey", factor_at=now())
    record_event("signed_in", by="passkey")
    return go_on(way_back)


@auth.post("/me/security/passkeys/question")
@limiter.limit("60 per 5 minutes")
@fresh_only
def ask_new_passkey() -> Response:
    """The question for a device that shall make a passkey."""
    secret = get_settings().secret_key
    try:
        question = ask_for_new(
            current_user.id, current_user.email, _party(), secret=secret, now=now(), entropy=entropy
        )
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        return answer_json({"detail": words}, status)
    return _tell(_NEW, question)


@auth.post("/me/security/passkeys")
@fresh_only
def keep_passkey() -> Response:
    """Keep what the device has made; from now on it signs in."""
    settings = get_settings()
    challenge_id, sent = session.pop(_NEW, 0), request.form.get("credential", "")
    try:
        add_passkey(
            current_user.id, challenge_id, sent, _party(), name=_name_passkey(), compose=composer(settings), now=now()
        )  # fmt: skip
    except AccountRefused as refusal:
        record_event("passkey_not_kept", reason=type(refusal).__name__)
        flash(describe_account_refusal(refusal)[1], "bad")
        return _back()
    # Whoever has just unlocked a device that now opens the account has shown both factors.
    sign_in(get_user(current_user.id), find_proof(), way="passkey", factor_at=now())
    record_event("passkey_added")
    flash("Your passkey is kept. Next time, sign in with it.", "good")
    return _back()


@auth.post("/me/security/passkeys/<int:passkey_id>/remove")
@fresh_only
def take_passkey_away(passkey_id: int) -> Response:
    """Take a passkey off the account."""
    compose = composer(get_settings())
    if not remove_passkey(current_user.id, passkey_id, compose=compose, now=now()):
        abort(404)
    record_event("passkey_removed")
    flash("That passkey opens your account no more.", "good")
    return _back()


def _tell(name: str, question: Question) -> Response:
    session[name] = question.challenge_id
    return answer_json(json.loads(question.options))


def _party() -> Party:
    """This site as a browser knows it: by its one name in production, elsewhere by whichever was called."""
    settings = get_settings()
    origin = settings.base_url if settings.is_production else request.host_url.rstrip("/")
    return Party(settings.site_name, origin.partition("://")[2].partition(":")[0], origin)


def _name_passkey() -> str:
    typed = request.form.get("name", "")
    try:
        return check_name(typed) or describe_device(request.headers.get("User-Agent", ""))
    except NameRefused:
        return describe_device(request.headers.get("User-Agent", ""))


def _back() -> Response:
    return make_response(redirect(url_for("auth.show_security", _anchor="passkeys")))
