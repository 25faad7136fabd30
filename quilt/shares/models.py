"""Share acts."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class ShareAct(Model):
    """Somebody pressed share: the middle of the funnel. `shared_at` is cut to the minute, so that a double
    click is one act."""

    __tablename__ = "share_act"
    __table_args__ = (
        UniqueConstraint("entry_id", "arrival_id", "channel", "shared_at"),
        Index("ix_share_act_entry_id_channel", "entry_id", "channel"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrival.id"))
    channel: Mapped[str] = mapped_column(String(16))
    shared_at: Mapped[datetime] = mapped_column(UtcDateTime)
