"""Starting a session: what signing in and confirming a vote have in common."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import current_app, session
from flask_login import login_user
from itsdangerous import BadSignature

from quilt.accounts.models import User
from quilt.accounts.people import Person
from quilt.accounts.queries import find_visiting_user
from quilt.web.lean import LeanSessions
from quilt.web.plain import AnyRequest

MOST_TEXT = 4_096  # of a session cookie: no browser keeps a longer one
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


def find_session(request: AnyRequest) -> tuple[int, int] | None:
    """Whom the session cookie of this request names, and the epoch of that session; costs no look at the database.

    The cookie may be one of a session that was ended since: only the person's row knows.
    """
    text = request.cookies.get(current_app.config["SESSION_COOKIE_NAME"])
    if not text or len(text) > MOST_TEXT:
        return None
    serializer = LeanSessions().get_signing_serializer(current_app)
    lifetime = current_app.permanent_session_lifetime
    try:
        return _split(_read_session_id(serializer, text, lifetime, int(time.time() // 60)))
    except BadSignature:
        return None


def load_user(session_id: str) -> Person | None:
    """The user of a session, or None when it was ended (the epoch rose) or never was ours."""
    session = _split(session_id)
    user = find_visiting_user(session[0]) if session else None
    return user if user is not None and session and user.session_epoch == session[1] else None


def _split(session_id: str) -> tuple[int, int] | None:
    identifier, _, epoch = session_id.partition(".")
    return (int(identifier), int(epoch)) if identifier.isdecimal() and epoch.isdecimal() else None


@lru_cache(maxsize=8192)
def _read_session_id(serializer: Any, text: str, lifetime: timedelta, _minute: int) -> str:
    """Whom a session cookie names, '' for nobody; remembered for the minute, for a signature is dear to check.

    Raises BadSignature, which is not remembered: nobody fills our memory with cookies that are not ours.
    """
    return str(serializer.loads(text, max_age=int(lifetime.total_seconds())).get("_user_id", ""))


def find_proof() -> datetime | None:
    """When this session's address was proven by a code, or None."""
    seconds = session.get(_PROVED_AT)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
