"""Switching the daily tree heads off, and on again: from the letter itself, without signing in."""

from flask import Response, abort, make_response, render_template, request

from quilt.extensions import csrf, limiter
from quilt.journeys.witnesses import HEADS_OFF, OFF_PATH, choose_heads, wants_heads
from quilt.signed_ids import read_token
from quilt.web.clock import now
from quilt.web.settings import get_settings
from quilt.web.site import site


@site.get(f"{OFF_PATH}<token>")
def show_head_letters(token: str) -> Response:
    """The one button. A GET changes nothing: mail scanners open every link of a letter."""
    return _answer(wants_heads(_get_reader_or_404(token)), has_changed=False)


@site.post(f"{OFF_PATH}<token>")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def choose_head_letters(token: str) -> Response:
    """One click, from the page or from a mail program (RFC 8058): the token is the proof. `again` switches them on."""
    wants = request.form.get("again") == "1"
    if not choose_heads(_get_reader_or_404(token), wants, now()):
        abort(404, "That account is gone, so no letter goes there any more.")
    return _answer(wants, has_changed=True)


def _get_reader_or_404(token: str) -> int:
    user_id = read_token(token, get_settings().secret_key, HEADS_OFF)
    if user_id is None:
        abort(404, "That link is cut off or not ours. Nothing was changed.")
    return user_id


def _answer(wants: bool, has_changed: bool) -> Response:
    response = make_response(render_template("site/head_letters.html", wants=wants, has_changed=has_changed))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
