"""Videos: an uploaded file on its way to something playable, or a link to another site's player."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Video(Model):
    """A video of one entrant.

    States: queued → processing → ready | refused (the file is the reason) | parked (three failures,
    ours is the reason). State, attempts and lease live here; the queue is only a hint.
    """

    __tablename__ = "video"
    __table_args__ = (
        Index("ix_video_state_lease_until", "state", "lease_until"),
        CheckConstraint("state in ('queued','processing','ready','refused','parked')", name="state"),
        CheckConstraint("kind in ('file','youtube','vimeo')", name="kind"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12), default="queued")
    message: Mapped[str] = mapped_column(String(300), default="")  # to the entrant: what happened, what to do
    progress: Mapped[int] = mapped_column(default=0)  # percent
    attempts_count: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    file_name: Mapped[str] = mapped_column(String(200), default="")  # as the entrant's device called it
    byte_count: Mapped[int] = mapped_column(BigId, default=0)
    original_key: Mapped[str] = mapped_column(String(120), default="")
    video_key: Mapped[str] = mapped_column(String(120), default="")
    poster_key: Mapped[str] = mapped_column(String(120), default="")
    thumbnail_key: Mapped[str] = mapped_column(String(120), default="")
    card_key: Mapped[str] = mapped_column(String(120), default="")
    poster_second: Mapped[float] = mapped_column(default=1.0)  # where the poster is wanted from
    cut_second: Mapped[float | None]  # where the one it has was cut
    duration_seconds: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    external_id: Mapped[str] = mapped_column(String(40), default="")  # the id on YouTube or Vimeo
    external_title: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # the file as it came goes some time after
