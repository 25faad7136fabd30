"""What guards an account: sessions, passkeys, the second factor, changes on their way, copies to take away."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class UserSession(Model):
    """One browser in which a person is signed in.

    It lives while its `epoch` is the person's own: raising that of the person ends every session at once, and
    carrying the new one over to some rows keeps those. `key_hash` is of the 128 random bits in the cookie.
    `device` is a word like "Firefox on Android", made at sign-in; what the browser said of itself is not kept.
    """

    __tablename__ = "user_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    epoch: Mapped[int]
    device: Mapped[str] = mapped_column(String(60), default="")
    way: Mapped[str] = mapped_column(String(12), default="")  # code | password | passkey | provider
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)  # to the hour: not every page is written down
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)  # whatever happens: the absolute limit
    idle_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Passkey(Model):
    """A key pair of which the person's device keeps the secret half (WebAuthn)."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(2048))
    sign_count: Mapped[int] = mapped_column(BigId, default=0)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasskeyChallenge(Model):
    """What a device is asked to sign, good once, for five minutes, in the browser that has its number."""

    __tablename__ = "passkey_challenge"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    challenge: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)  # None: signing in
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Authenticator(Model):
    """An app that shows six digits every half minute (RFC 6238); its secret is encrypted.

    It counts from `confirmed_at` on. `last_step` is the newest half minute whose digits were used.
    """

    __tablename__ = "authenticator"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary(255))
    last_step: Mapped[int] = mapped_column(BigId, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Model):
    """One of ten codes on paper, each good once in place of the second factor."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EmailChange(Model):
    """A person's wish for another address, confirmed from both mailboxes or forgotten after a day."""

    __tablename__ = "email_change"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    old_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)  # of the link in the old mailbox
    new_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)  # of the link in the new one
    old_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    new_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AccountExport(Model):
    """A copy of everything about one person, made by a worker.

    States: waiting → making → ready → gone, or failed after three attempts. State, attempts and lease live
    here; the queue is only a hint.
    """

    __tablename__ = "account_export"
    __table_args__ = (
        Index("ix_account_export_state_due_at", "state", "due_at"),
        Index("ix_account_export_user_id_created_at", "user_id", "created_at"),
        CheckConstraint("state in ('waiting','making','ready','failed','gone')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    attempts_count: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)  # when a worker may take it up (again)
    file_name: Mapped[str] = mapped_column(String(80), default="")
    byte_count: Mapped[int] = mapped_column(BigId, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
