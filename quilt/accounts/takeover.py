"""The first proof of an address: what stood on the account before belongs to nobody.

Somebody may have begun an account with an address that is not theirs, to sit in it when its owner comes
(Sudhodanan & Paverd, "Pre-hijacked accounts", USENIX Security 2022). So the first proof takes everything away
by which anybody but its owner could come in, act for them or be told of them.
"""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from quilt.accounts.belongings import cut_off
from quilt.accounts.identities import drop_unproven
from quilt.accounts.models import User
from quilt.accounts.models_security import Authenticator, EmailChange, Passkey, RecoveryCode
from quilt.accounts.sessions import end_all

_WAYS_IN = (Passkey, Authenticator, RecoveryCode, EmailChange)


def take_over(session: Session, user: User) -> None:
    """Make the account its owner's alone, within the caller's transaction.

    No password, key or session is left, nothing that acts for it or tells others of it, and no wish to leave.
    """
    user.password_hash, user.is_proven, user.leaving_at = None, True, None
    session.flush()
    remove_ways_in(session, user.id)
    drop_unproven(session, user)
    cut_off(session, user.id)
    session.refresh(user)


def remove_ways_in(session: Session, user_id: int) -> None:
    """Take away passkeys, second factors and wishes for another address, and end every session."""
    for table in _WAYS_IN:
        session.execute(delete(table).where(table.user_id == user_id))
    end_all(session.connection(), user_id)
