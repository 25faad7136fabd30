"""Reading people and their codes."""

import json
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select
from sqlalchemy.orm import Session

from quilt.accounts.models import EmailCode, User
from quilt.accounts.models_security import Authenticator, Passkey, UserSession
from quilt.accounts.people import Person
from quilt.accounts.rules import (
    CODE_WINDOW,
    AccountRefused,
    email_key,
    hash_code,
    hash_key,
    person_key,
    read_code,
)
from quilt.database import db
from quilt.mail import MailMessage
from quilt.prepared import Prepared

_user, _session = User.__table__, UserSession.__table__
_SLOW = timedelta(seconds=30)
_TWICE = timedelta(minutes=1)  # a form that is sent twice comes so soon again
_BY_SESSION = Prepared(
    select(
        _user,
        _session.c.id.label("session_id"), _session.c.epoch.label("kept_epoch"), _session.c.seen_at,
        _session.c.ends_at, _session.c.idle_until,
    )
    .join(_session, _session.c.user_id == _user.c.id)
    .where(_user.c.id == bindparam("user_id"), _session.c.key_hash == bindparam("key_hash"))
)  # fmt: skip
_app, _passkey = Authenticator.__table__, Passkey.__table__
_APP = select(_app.c.user_id).where(_app.c.user_id == bindparam("user_id"), _app.c.confirmed_at.is_not(None))
_HAS_APP = Prepared(_APP)
_HAS_FACTOR = Prepared(
    _APP.union_all(select(_passkey.c.user_id).where(_passkey.c.user_id == bindparam("user_id")))
)


def find_user(user_id: int) -> User | None:
    """The person with this id, or None."""
    return db.session.get(User, user_id)


def get_user(user_id: int) -> User:
    """The person with this id; raises LookupError."""
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None:
        raise LookupError(user_id)
    return user


def is_any_of(connection: Connection, user_id: int, others: Select[Any]) -> bool:
    """Whether one of these accounts (ids) is this person's: this very one, or another of the same mailbox."""
    address = connection.scalar(select(User.email).where(User.id == user_id))
    if address is None:
        return False
    own = person_key(address)
    return any(
        person_key(email) == own
        for email in connection.scalars(select(User.email).where(User.id.in_(others)))
    )


def find_signed_in(user_id: int, key: str) -> Person | None:
    """The person in whose session the cookie with this key is, with that session's own facts, or None.

    Whether the session still lives is for `sessions.is_alive` to say. Every request of a signed-in person needs
    it, so it costs one prepared statement, and on SQLite no transaction.
    """
    row = _BY_SESSION.read_first(db.engine, {"user_id": user_id, "key_hash": hash_key(key)})
    return None if row is None else Person(**row._asdict())


def has_second_factor(user_id: int) -> bool:
    """Whether this person has an authenticator that counts, or a passkey."""
    return _HAS_FACTOR.read_first(db.engine, {"user_id": user_id}) is not None


def has_app(user_id: int) -> bool:
    """Whether this person has an authenticator that counts."""
    return _HAS_APP.read_first(db.engine, {"user_id": user_id}) is not None


def find_user_by_email(email: str) -> User | None:
    """The person with this address, however it is written, or None (also for what is no address)."""
    try:
        key = email_key(email)
    except AccountRefused:
        return None
    statement = select(User).where(User.email_key == key).execution_options(populate_existing=True)
    return db.session.scalars(statement).first()


def is_letter_used(token: str) -> bool:
    """Whether the code that this browser asked for, or the link in its letter, has opened something already."""
    used = select(EmailCode.id).where(EmailCode.token == token, EmailCode.used_at.is_not(None))
    return db.session.scalar(used) is not None


def find_wish(token: str) -> dict[str, Any] | None:
    """What the vote is cast with that waits for this browser's code; None where the code is forgotten."""
    row = db.session.execute(select(EmailCode.wish).where(EmailCode.token == token)).first()
    return None if row is None else json.loads(row.wish or "{}")


def find_redeemer(token: str, code: str, secret: str, now: datetime) -> int | None:
    """Whom this code has signed in within the last minute, for the browser that asked for it and knows it."""
    used = select(EmailCode.code_hash, User.id).join(User, User.email_key == EmailCode.email_key)
    row = db.session.execute(used.where(EmailCode.token == token, EmailCode.used_at > now - _TWICE)).first()
    fits = row is not None and compare_digest(hash_code(read_code(code), token, secret), row.code_hash)
    return row.id if row is not None and fits else None


def is_letter_late(token: str, now: datetime) -> bool:
    """Whether the letter with this browser's code still waits, half a minute and more after it was due."""
    statement = (
        select(MailMessage.state, MailMessage.due_at, MailMessage.created_at, MailMessage.attempts_count)
        .join(EmailCode, EmailCode.mail_id == MailMessage.id)
        .where(EmailCode.token == token)
    )
    mail = db.session.execute(statement).first()
    return (
        mail is not None
        and mail.state == "waiting"
        and (mail.attempts_count > 0 or now - mail.due_at > _SLOW)
    )


def list_unused_code_times(session: Session, mailbox: str, now: datetime) -> list[datetime]:
    """When this mailbox (as `person_key`) asked for codes in the last hour that were not used, oldest first."""
    statement = (
        select(EmailCode.created_at)
        .where(
            EmailCode.mailbox == mailbox,
            EmailCode.created_at > now - CODE_WINDOW,
            EmailCode.used_at.is_(None),
        )
        .order_by(EmailCode.created_at)
    )
    return list(session.scalars(statement))


def list_admins_besides(user_id: int) -> list[str]:
    """How the other admins are called: by name, else by address."""
    called = func.coalesce(func.nullif(User.name, ""), User.email)
    statement = select(called).where(User.role == "admin", User.id != user_id, ~User.is_gone)
    return list(db.session.scalars(statement.order_by(User.id)))
