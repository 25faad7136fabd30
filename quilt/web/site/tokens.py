"""The tokens by which a person's own programs speak for them: made, looked at, ended."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts.api_tokens import (
    LIVES,
    SCOPES,
    STAFF_SCOPES,
    TokenRefused,
    create_token,
    end_token,
    list_tokens,
)
from quilt.extensions import limiter
from quilt.web.clock import entropy, now
from quilt.web.confirming import fresh_only
from quilt.web.guards import signed_in_only
from quilt.web.site import site


@site.get("/me/tokens")
@signed_in_only
def show_tokens() -> Response:
    """The person's tokens, and the form for a new one."""
    return _answer()


@site.post("/me/tokens")
@fresh_only
@limiter.limit("30 per hour")
def make_token() -> Response:
    """A new token, shown this once."""
    form = request.form
    scopes, days = form.getlist("scopes"), form.get("days", "")
    try:
        token = create_token(
            current_user.id, form.get("name", ""), scopes, int(days) if days.isdecimal() and len(days) < 5 else 0,
            now=now(), entropy=entropy,
        )  # fmt: skip
    except TokenRefused as refusal:
        return _answer(422, refusal=refusal)
    return _answer(token=token)


@site.post("/me/tokens/<int:token_id>/end")
@signed_in_only
def end_one_token(token_id: int) -> Response:
    """End a token at once."""
    if end_token(current_user.id, token_id):
        flash("That token is ended.", "good")
    return make_response(redirect(url_for("site.show_tokens"), 303))


def _answer(status: int = 200, token: str = "", refusal: TokenRefused | None = None) -> Response:
    typed = request.form if refusal else {}
    scopes = {
        name: words for name, words in SCOPES.items() if name not in STAFF_SCOPES or current_user.is_staff
    }
    page = render_template(
        "site/tokens.html", tokens=list_tokens(current_user.id), token=token, scopes=scopes, lives=LIVES,
        error=refusal, typed_name=typed.get("name", "")[:200], typed_days=typed.get("days", "90"),
        typed_scopes=request.form.getlist("scopes") if refusal else ["me:read"],
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
