"""Who is signed in: the session cookie names a user and the epoch of their sessions."""

from quilt.accounts.models import User
from quilt.database import db
from quilt.extensions import login_manager


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(session_id: str) -> User | None:
    """The user of a session, or None when it was ended (the epoch rose) or never was ours."""
    identifier, _, epoch = session_id.partition(".")
    if not (identifier.isdecimal() and epoch.isdecimal()):
        return None
    user = db.session.get(User, int(identifier))
    return user if user is not None and user.session_epoch == int(epoch) else None
