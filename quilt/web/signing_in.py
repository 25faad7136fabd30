"""Starting a session: what signing in and confirming a vote have in common."""

from datetime import UTC, datetime

from flask import session
from flask_login import login_user

from quilt.accounts.models import User

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


def find_proof() -> datetime | None:
    """When this session's address was proven by a code, or None."""
    seconds = session.get(_PROVED_AT)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
