"""What people choose for themselves: letters about their branches, and their name among the top spreaders.

The link in a letter carries a token that proves its reader's own account for this one thing: switching these
letters off. It never expires, for a letter may lie for years, and it opens nothing else.
"""

import base64
import binascii
import hashlib
import hmac

from sqlalchemy import update

from quilt.accounts.models import User
from quilt.database import transaction

_ID_SIZE, _MAC_SIZE = 8, 16


def make_off_token(user_id: int, secret: str) -> str:
    """The token that switches this person's letters about branches off: 32 URL-safe characters."""
    body = user_id.to_bytes(_ID_SIZE)
    return base64.urlsafe_b64encode(body + _sign(body, secret)).decode()


def read_off_token(token: str, secret: str) -> int | None:
    """Whose letters the token switches off, or None for one that we did not make."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    body, mac = raw[:_ID_SIZE], raw[_ID_SIZE:]
    return int.from_bytes(body) if hmac.compare_digest(mac, _sign(body, secret)) else None


def stop_branch_letters(user_id: int) -> bool:
    """No more letters about branches for this person; False where the account is gone."""
    with transaction() as session:
        statement = update(User).where(User.id == user_id).values(has_branch_letters=False)
        done = session.execute(statement, execution_options={"synchronize_session": False})
        return bool(done.rowcount)  # type: ignore[attr-defined]


def choose(user_id: int, *, has_branch_letters: bool, is_named_spreader: bool) -> User:
    """Keep a person's choices as they stand in the form on their page."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        user.has_branch_letters, user.is_named_spreader = has_branch_letters, is_named_spreader
    return user


def _sign(body: bytes, secret: str) -> bytes:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"letters off").digest()
    return hashlib.blake2b(body, key=key, digest_size=_MAC_SIZE).digest()
