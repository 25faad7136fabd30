"""Webhooks: whose programs are told what, what there is to tell, and each telling with its tries."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Webhook(Model):
    """An address that is told of events. Its secrets are sealed; the one before is good until `previous_until`.

    That of an organisation is told of the contests in which its embeds stand, while its person is an owner there.
    """

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[str] = mapped_column(String(300))  # words with spaces between, sorted
    sealed: Mapped[str] = mapped_column(Text)
    sealed_before: Mapped[str] = mapped_column(Text, default="")
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures_count: Mapped[int] = mapped_column(default=0)  # in a row
    off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # after too many of them
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookEvent(Model):
    """Something that happened, once for ever: `key` names the row that it is told of."""

    __tablename__ = "webhook_event"
    __table_args__ = (Index("ix_webhook_event_has_deliveries_id", "has_deliveries", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    body: Mapped[str] = mapped_column(Text)  # the JSON that is sent, byte for byte at every try
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    has_deliveries: Mapped[bool] = mapped_column(default=False)  # made, for whoever asked


class WebhookDelivery(Model):
    """One event on its way to one webhook: this row is the truth, the queue only a hint."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        CheckConstraint("state in ('waiting','delivered','failed')", name="state"),
        Index("ix_webhook_delivery_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_event.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts_count: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None]  # what the other side answered last
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WebhookTold(Model):
    """The votes of an entry that webhooks were told last."""

    __tablename__ = "webhook_told"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    votes: Mapped[int]
