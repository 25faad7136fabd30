"""People who sign in, and the codes that prove an e-mail address."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, false, true
from sqlalchemy.orm import Mapped, mapped_column

from quilt.accounts.people import SignedIn
from quilt.database import BigId, Model, UtcDateTime


class User(SignedIn, Model):
    """A person known by a proven e-mail address; `role` is member, moderator or admin."""

    __tablename__ = "user_account"
    __table_args__ = ({"sqlite_autoincrement": True},)  # no id ever comes again: sessions go by it

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)  # normal form, for uniqueness only
    name: Mapped[str] = mapped_column(String(60), default="")
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default="member")
    session_epoch: Mapped[int] = mapped_column(default=0)  # raised to end every session of this person
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # False for an account that began without a proof of its address: whoever proves it first takes it over.
    is_proven: Mapped[bool] = mapped_column(default=True, server_default=true())
    leaving_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # when it is deleted, unless they come back
    is_gone: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # deleted: only the number stays
    # Their own choices: letters about their branches, and their name among the top spreaders.
    has_branch_letters: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_named_spreader: Mapped[bool] = mapped_column(default=False, server_default=false())


class EmailCode(Model):
    """A code sent by mail, good once, for ten minutes, for the browser that asked (by `token`).

    The letter's link does the same in any browser (by `link_hash`); one of both can be used. `wish` is what the
    vote that waits for it is cast with. `mailbox` is the address as `person_key` sees it: however it is written, a
    mailbox gets so many codes and no more.
    """

    __tablename__ = "email_code"
    __table_args__ = (Index("ix_email_code_mailbox_created_at", "mailbox", "created_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    mailbox: Mapped[str] = mapped_column(String(320), default="", server_default="")
    code_hash: Mapped[str] = mapped_column(String(64))
    link_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True, index=True)
    purpose: Mapped[str] = mapped_column(String(16))  # sign-in | vote
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id"))  # the pending vote's entry
    mail_id: Mapped[int | None] = mapped_column(BigId)  # the letter: ten minutes begin when it has left
    next_path: Mapped[str] = mapped_column(String(500), default="")
    wish: Mapped[str | None] = mapped_column(Text)  # JSON
    tries_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
