"""The outbox of a demo: every mail that would have been sent, to be read here instead."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, abort, make_response, render_template

from quilt.mail import find_mail, list_kept
from quilt.web.headers import allow_own_frames
from quilt.web.settings import get_settings
from quilt.web.site import site

P = ParamSpec("P")
OPEN_IN = ("demo", "development")
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
# A letter brings its own style and nothing else: no script, no picture, no form, framed by us alone.
_LETTER_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {_SANDBOX}"
)


def demo_only(view: Callable[P, Response]) -> Callable[P, Response]:
    """Where mail is really sent, this page does not exist."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        settings = get_settings()
        if settings.environment not in OPEN_IN or not settings.keeps_mail:
            abort(404)
        return view(*args, **kwargs)

    return guarded


@site.get("/outbox")
@demo_only
def show_outbox() -> Response:
    """The newest letters first, as text; each as HTML in a frame of its own."""
    allow_own_frames()
    return _keep_private(make_response(render_template("site/outbox.html", letters=list_kept())))


@site.get("/outbox/<int:mail_id>")
@demo_only
def show_letter(mail_id: int) -> Response:
    """One letter's HTML, as a mail program would show it."""
    mail = find_mail(mail_id)
    if mail is None or not mail.html:
        abort(404)
    response = make_response(mail.html)
    response.headers["Content-Security-Policy"] = _LETTER_POLICY
    return _keep_private(response)


def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response
