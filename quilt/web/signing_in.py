"""Starting a session: what signing in and confirming a vote have in common."""

from datetime import UTC, datetime

from flask import Request, current_app, session
from flask_login import login_user

from quilt.accounts.models import User
from quilt.accounts.queries import find_visiting_user

_PROVED_AT = "proved_at"


def sign_in(user: User, proved_at: datetime | None = None) -> None:
    """Begin a fresh session for this person: nothing of the old one is carried over.

    `proved_at` is when a code proved the address, if one did: for a while it stands in for the password.
    """
    session.clear()
    session.permanent = True
    login_user(user)
    if proved_at is not None:
        session[_PROVED_AT] = int(proved_at.timestamp())


def find_signed_in(request: Request) -> User | None:
    """Who sent this request, by its session cookie; what `current_user` says where there is no Flask request."""
    name = current_app.config["SESSION_COOKIE_NAME"]
    if name not in request.cookies:
        return None
    brought = current_app.session_interface.open_session(current_app, request)
    return load_user(str(brought.get("_user_id", ""))) if brought else None


def load_user(session_id: str) -> User | None:
    """The user of a session, or None when it was ended (the epoch rose) or never was ours."""
    identifier, _, epoch = session_id.partition(".")
    if not (identifier.isdecimal() and epoch.isdecimal()):
        return None
    user = find_visiting_user(int(identifier))
    return user if user is not None and user.session_epoch == int(epoch) else None


def find_proof() -> datetime | None:
    """When this session's address was proven by a code, or None."""
    seconds = session.get(_PROVED_AT)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
