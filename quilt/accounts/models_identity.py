"""Who vouches for whom, sign-ins that are on their way to a provider, and what people were about to do meanwhile."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Identity(Model):
    """A provider vouches for a person: known by issuer and subject, never by an e-mail address.

    `vouched_key` is the address (in the form of `email_key`) that the provider had verified when the account was
    made, '' where it said none. `label` is what its owner reads: a user name or an address.
    """

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"), UniqueConstraint("user_id", "issuer"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(String(16))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    label: Mapped[str] = mapped_column(String(320), default="")
    vouched_key: Mapped[str] = mapped_column(String(320), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInFlow(Model):
    """One trip to a provider and back: good once, for ten minutes, in the browser that began it.

    The row is deleted by whoever uses it. `sealed` holds what the answer is checked with, encrypted; `user_id`
    is set where somebody who is signed in connects a further identity.
    """

    __tablename__ = "sign_in_flow"
    __table_args__ = (Index("ix_sign_in_flow_created_at", "created_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    provider: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    next_path: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InstanceClient(Model):
    """Our registration at one server of a network that has many (Mastodon); its secret is encrypted."""

    __tablename__ = "instance_client"
    __table_args__ = (UniqueConstraint("issuer", "redirect_uri", "scope"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    issuer: Mapped[str] = mapped_column(String(255))
    redirect_uri: Mapped[str] = mapped_column(String(500))
    scope: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[str] = mapped_column(String(255))
    sealed_secret: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PendingAct(Model):
    """What somebody was about to do when they were asked to sign in: finished once, within a day.

    `kind` is vote, comment or draft; `facts` is JSON that the page which finishes it understands.
    """

    __tablename__ = "pending_act"
    __table_args__ = (Index("ix_pending_act_created_at", "created_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    facts: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
