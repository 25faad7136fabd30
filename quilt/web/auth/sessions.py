"""Who is signed in: the session cookie names a user and the epoch of their sessions."""

from quilt.extensions import login_manager
from quilt.web.signing_in import load_user

# A phone's address and its browser's name change by the hour; what ends a session here is its epoch.
login_manager.session_protection = None
login_manager.user_loader(load_user)
