"""The append-only log of what the people in charge decided."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class ModerationLog(Model):
    """Who changed what, when and why. Rows are only ever added (a trigger refuses the rest)."""

    __tablename__ = "moderation_log"
    __table_args__ = (Index("ix_moderation_log_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(16))  # entry | comment | video
    subject_id: Mapped[int] = mapped_column(BigId)
    action: Mapped[str] = mapped_column(String(20))  # approve | ask_changes | reject | hide | …
    reason: Mapped[str] = mapped_column(String(40), default="")  # a key of the list of reasons
    words: Mapped[str] = mapped_column(Text, default="")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
