"""Starting a session: what signing in and confirming a vote have in common."""

from flask import session
from flask_login import login_user

from quilt.accounts.models import User


def sign_in(user: User) -> None:
    """Begin a fresh session for this person: nothing of the old one is carried over."""
    session.clear()
    session.permanent = True
    login_user(user)
