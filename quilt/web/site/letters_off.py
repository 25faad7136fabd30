"""Switching the letters about branches off: from the letter itself, without signing in."""

from flask import Response, abort, make_response, render_template

from quilt.accounts.choices import LETTERS_OFF, stop_branch_letters
from quilt.extensions import csrf, limiter
from quilt.journeys.service import OFF_PATH
from quilt.signed_ids import read_token
from quilt.web.settings import get_settings
from quilt.web.site import site


@site.get(f"{OFF_PATH}<token>")
def show_letters_off(token: str) -> Response:
    """The one button. A GET changes nothing: mail scanners open every link of a letter."""
    _get_reader_or_404(token)
    return _answer(is_off=False)


@site.post(f"{OFF_PATH}<token>")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def stop_letters(token: str) -> Response:
    """One click, from the page or from a mail program (RFC 8058): no cookie, no redirect, the token is the proof."""
    if not stop_branch_letters(_get_reader_or_404(token)):
        abort(404, "That account is gone, so no letter goes there any more.")
    return _answer(is_off=True)


def _get_reader_or_404(token: str) -> int:
    user_id = read_token(token, get_settings().secret_key, LETTERS_OFF)
    if user_id is None:
        abort(404, "That link is cut off or not ours. Nothing was changed; sign in and choose on your page.")
    return user_id


def _answer(is_off: bool) -> Response:
    response = make_response(render_template("site/letters_off.html", is_off=is_off))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
