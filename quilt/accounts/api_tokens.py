"""Personal tokens for the API: shown once, hashed, limited by scope and time, ended at any moment."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, func, select, update

from quilt.accounts.models import User
from quilt.accounts.models_api import ApiToken
from quilt.accounts.people import STAFF_ROLES
from quilt.accounts.rules import AccountRefused
from quilt.database import db, transaction, write

SCOPES = {
    "me:read": "Read what is yours: your name, entries and votes",
    "votes:write": "Vote in your name",
    "moderation:read": "Read the queue of entries that wait (for the desk)",
}
STAFF_SCOPES = frozenset(("moderation:read",))
LIVES = (7, 30, 90, 365)  # days
MOST_TOKENS = 20
MOST_NAME_CHARACTERS = 60
PREFIX = "quilt_"


class TokenRefused(AccountRefused):
    """A token that cannot be made; `field` is the part of the form that must change."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field, self.words = field, words


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who speaks with a token, and what it lets them do."""

    token_id: int
    user_id: int
    name: str
    role: str
    session_epoch: int
    scopes: frozenset[str]


def create_token(
    user_id: int,
    name: str,
    scopes: Sequence[str],
    days: int,
    *,
    now: datetime,
    entropy: Callable[[int], bytes],
) -> str:
    """A new token, told this once; only its hash is kept. Raises TokenRefused."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MOST_NAME_CHARACTERS or not name.isprintable():
        raise TokenRefused("name", "Give it a name of at most 60 characters, so that you know it again.")
    if days not in LIVES:
        raise TokenRefused("days", "Choose one of these times.")
    if not scopes or not set(scopes) <= SCOPES.keys():
        raise TokenRefused("scopes", "Choose what it may do.")
    token = PREFIX + base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)  # one at a time counts its tokens
        if not (set(scopes) & STAFF_SCOPES == set() or user.role in STAFF_ROLES):
            raise TokenRefused("scopes", "That is for people at the desk only.")
        count = session.scalar(select(func.count()).where(ApiToken.user_id == user_id))
        if (count or 0) >= MOST_TOKENS:
            raise TokenRefused("name", f"You have {MOST_TOKENS} tokens. End one first.")
        session.add(
            ApiToken(
                user_id=user_id, name=name, token_hash=_hash(token), hint=token[-4:],
                scopes=" ".join(sorted(set(scopes))), epoch=user.session_epoch, created_at=now,
                expires_at=now + timedelta(days=days),
            )
        )  # fmt: skip
    return token


def find_bearer(token: str, now: datetime) -> Bearer | None:
    """Who a token speaks for; None where it is unknown, over, ended, or older than the person's last reset."""
    if not token.startswith(PREFIX) or len(token) > 80:
        return None
    row = db.session.execute(
        select(ApiToken.id, User.id, User.name, User.role, User.session_epoch, ApiToken.scopes, ApiToken.used_at)
        .join(User, User.id == ApiToken.user_id)
        .where(
            ApiToken.token_hash == _hash(token), ApiToken.expires_at > now, ApiToken.epoch == User.session_epoch,
            User.is_gone.is_(False),
        )
    ).first()  # fmt: skip
    if row is None:
        return None
    hour = now.replace(minute=0, second=0, microsecond=0)
    if row.used_at is None or row.used_at < hour:
        db.session.rollback()
        write(_note_use, row[0], hour)
    return Bearer(row[0], row[1], row[2], row[3], row[4], frozenset(row.scopes.split()))


def list_tokens(user_id: int) -> list[ApiToken]:
    """A person's tokens, the newest first."""
    statement = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def end_token(user_id: int, token_id: int) -> bool:
    """End one of a person's tokens at once; False where it is none of theirs."""
    with transaction() as session:
        ended = session.execute(
            delete(ApiToken)
            .where(ApiToken.id == token_id, ApiToken.user_id == user_id)
            .returning(ApiToken.id)
        )
        return ended.first() is not None


def _note_use(connection: Connection, token_id: int, hour: datetime) -> None:
    statement = update(ApiToken).where(ApiToken.id == token_id).values(used_at=hour)
    connection.execute(statement)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
