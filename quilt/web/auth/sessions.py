"""Who is signed in: the session cookie names a user and the epoch of their sessions."""

from quilt.accounts.models import User
from quilt.accounts.queries import find_visiting_user
from quilt.extensions import login_manager

# A phone's address and its browser's name change by the hour; what ends a session here is its epoch.
login_manager.session_protection = None


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(session_id: str) -> User | None:
    """The user of a session, or None when it was ended (the epoch rose) or never was ours."""
    identifier, _, epoch = session_id.partition(".")
    if not (identifier.isdecimal() and epoch.isdecimal()):
        return None
    user = find_visiting_user(int(identifier))
    return user if user is not None and user.session_epoch == int(epoch) else None
