"""Comments under entries."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Comment(Model):
    """What a signed-in person wrote under an entry; hidden ones stay in the table."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_entry_id_written_at", "entry_id", "written_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8), default="visible")  # visible | hidden
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
