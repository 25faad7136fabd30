"""Share acts and the entrant's named links."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class ShareAct(Model):
    """Somebody pressed share: the middle of the funnel."""

    __tablename__ = "share_act"
    __table_args__ = (Index("ix_share_act_entry_id_channel", "entry_id", "channel"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id"))
    channel: Mapped[str] = mapped_column(String(16))
    shared_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NamedLink(Model):
    """A link of the entry itself with a label ("mail to the clinic"); its visitors are the entry's children.

    Every entry has one with an empty label: the entry's own link.
    """

    __tablename__ = "named_link"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), index=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    label: Mapped[str] = mapped_column(String(60), default="")
    channel: Mapped[str] = mapped_column(String(16), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
