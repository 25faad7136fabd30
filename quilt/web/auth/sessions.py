"""Where somebody is signed in, and how they end it."""

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from flask_login import current_user

from quilt.accounts.sessions import end_session, end_sessions, list_sessions
from quilt.extensions import login_manager
from quilt.web.auth import auth
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.signing_in import find_factor, find_proof, load_user, sign_in

# A phone's address and its browser's name change by the hour; what ends a session here is its row and its epoch.
login_manager.session_protection = None
login_manager.user_loader(load_user)


@auth.get("/me/sessions")
@signed_in_only
def show_sessions() -> Response:
    """Every browser in which this person is signed in, the last seen first."""
    page = render_template(
        "auth/sessions.html",
        sessions=list_sessions(current_user.id, now()),
        own_id=getattr(current_user, "session_id", None),
    )
    return make_response(page)


@auth.post("/me/sessions/<int:session_id>/end")
@signed_in_only
def end_one_session(session_id: int) -> Response:
    """End one of one's own sessions."""
    if not end_session(current_user.id, session_id):
        abort(404, "That session is over already.")
    record_event("session_ended")
    flash("That session is over.", "good")
    return make_response(redirect(url_for("auth.show_sessions")))


@auth.post("/me/sessions/end")
@signed_in_only
def end_other_sessions() -> Response:
    """End every session of this person but this one."""
    sign_in(end_sessions(current_user.id), find_proof(), way="again", factor_at=find_factor())
    record_event("sessions_ended")
    flash("You are signed out everywhere else.", "good")
    return make_response(redirect(url_for("auth.show_sessions")))
