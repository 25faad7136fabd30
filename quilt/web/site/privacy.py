"""A person's own data: take a copy of all of it, or delete the account."""

from flask import (
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_login import current_user

from quilt.accounts.exports import EXPORT_LIFE, find_export_file, list_exports, request_export
from quilt.accounts.leaving import SECOND_THOUGHTS, ask_to_leave, preview_leaving, stay
from quilt.accounts.rules import LONGEST_SESSIONS, AccountRefused
from quilt.accounts.tasks import make_export
from quilt.extensions import limiter
from quilt.integrity.privacy import KEPT as EVIDENCE_KEPT
from quilt.letters import composer
from quilt.votes.privacy import KEPT as KEY_KEPT
from quilt.web.clock import now
from quilt.web.confirming import fresh_only
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.signing_in import is_fresh, sign_out
from quilt.web.site import site
from quilt.web.words import describe_account_refusal


@site.get("/privacy")
def show_what_is_kept() -> Response:
    """What is kept of whom, for how long, and whom to write to; for everybody."""
    days = {
        "evidence": EVIDENCE_KEPT.days, "leaving": SECOND_THOUGHTS.days, "export": EXPORT_LIFE.days,
        "session": LONGEST_SESSIONS["member"].days, "key": KEY_KEPT.days,
    }  # fmt: skip
    return make_response(render_template("site/what_is_kept.html", days=days))


@site.get("/me/privacy")
@signed_in_only
def show_privacy() -> Response:
    """The copies that lie ready, and what deleting the account would take and leave."""
    return _answer()


@site.post("/me/privacy/copies")
@signed_in_only
@limiter.limit("10 per day", key_func=lambda: f"copies of {current_user.id}")
def ask_for_copy() -> Response:
    """Have a worker make a copy; a letter tells when it is ready."""
    try:
        export_id = request_export(current_user.id, now())
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        return _answer(status, words)
    make_export.later(export_id)
    record_event("copy_requested")
    flash(
        "We are packing everything. It takes a minute or more; a letter tells you when it is ready.", "good"
    )
    return make_response(redirect(url_for("site.show_privacy")))


@site.get("/me/privacy/copies/<int:export_id>")
@fresh_only
def take_copy(export_id: int) -> Response:
    """The file, for its owner alone and for three days."""
    path = find_export_file(current_user.id, export_id, get_settings(), now())
    if path is None:
        abort(404, "There is no such copy, or it is over. Ask for a new one.")
    record_event("copy_taken")
    name = f"quilt-{current_user.id}-{now():%Y-%m-%d}.zip"
    response = send_file(path, mimetype="application/zip", as_attachment=True, download_name=name, etag=False)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@site.post("/me/privacy/leave")
@fresh_only
def leave() -> Response:
    """Have the account deleted in seven days; everybody is signed out, the letter tells how to stay."""
    if request.form.get("sure") != "y":
        return _answer(422, "Tick the box if you want your account to be deleted.")
    try:
        user = ask_to_leave(current_user.id, compose=composer(get_settings()), now=now())
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        return _answer(status, words)
    record_event("leaving")
    sign_out()
    page = render_template("site/leaving.html", leaving_at=user.leaving_at)
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@site.post("/me/privacy/stay")
@signed_in_only
def come_back() -> Response:
    """Undo it: the account stays."""
    if stay(current_user.id, compose=composer(get_settings()), now=now()):
        record_event("staying")
        flash("Your account stays. Everything is as it was.", "good")
    return make_response(redirect(url_for("site.show_privacy")))


def _answer(status: int = 200, words: str = "") -> Response:
    page = render_template(
        "site/privacy.html", exports=list_exports(current_user.id), preview=preview_leaving(current_user.id),
        can_change=is_fresh(current_user.id), days=SECOND_THOUGHTS.days, words=words,
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
