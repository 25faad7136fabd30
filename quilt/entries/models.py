"""Entries, the revisions their entrants work on, and how often each was shown."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Entry(Model):
    """One video in one contest. Its own texts are the approved ones; what is being edited is a revision."""

    __tablename__ = "entry"
    __table_args__ = (
        Index("ix_entry_contest_id_state", "contest_id", "state"),
        CheckConstraint(
            "state in ('draft','submitted','needs_changes','rejected','published','withdrawn','removed',"
            "'disqualified')",
            name="state",
        ),
        {"sqlite_autoincrement": True},  # no id ever comes again: caches and visitors' cookies go by it
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    entrant_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="draft")
    is_eligible: Mapped[bool] = mapped_column(default=True)  # shown but not eligible exists
    slug: Mapped[str] = mapped_column(String(80), default="")
    title: Mapped[str] = mapped_column(String(120), default="")
    cause: Mapped[str] = mapped_column(String(80), default="")
    story: Mapped[str] = mapped_column(Text, default="")
    thanks: Mapped[str] = mapped_column(String(280), default="")  # shown the moment a vote is confirmed
    search_text: Mapped[str] = mapped_column(Text, default="")  # title, cause and story, as folding.fold_text
    video_id: Mapped[int | None] = mapped_column(ForeignKey("video.id"))
    version: Mapped[int] = mapped_column(default=1)  # raised by every write that changes a public page
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EntryRevision(Model):
    """What the entrant typed, from the first keystroke; approved revisions are copied onto the entry."""

    __tablename__ = "entry_revision"
    __table_args__ = (UniqueConstraint("entry_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(
        String(16), default="draft"
    )  # draft|submitted|needs_changes|rejected|approved
    title: Mapped[str] = mapped_column(Text, default="")  # as typed, any length: checked when sent in
    cause: Mapped[str] = mapped_column(Text, default="")
    story: Mapped[str] = mapped_column(Text, default="")
    thanks: Mapped[str] = mapped_column(Text, default="")
    video_id: Mapped[int | None] = mapped_column(ForeignKey("video.id"))
    accepted_rules_version: Mapped[int | None]
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    edit_count: Mapped[int] = mapped_column(default=0)  # raised by every save, refuses stale tabs
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryExposure(Model):
    """How often an entry was shown in a gallery."""

    __tablename__ = "entry_exposure"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    shown_count: Mapped[int] = mapped_column(BigId, default=0)


class ExposureOrder(Model):
    """The fair order of one epoch: lower buckets were shown less and come first."""

    __tablename__ = "exposure_order"

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    bucket: Mapped[int]
