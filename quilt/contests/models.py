"""Contests, their phases, rules and ballot policy."""

import secrets
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quilt.database import BigId, Model, UtcDateTime


class Contest(Model):
    """A call for entries with a prize, in a time zone of its own."""

    __tablename__ = "contest"
    __table_args__ = ({"sqlite_autoincrement": True},)  # no id ever comes again: caches go by it

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    intro: Mapped[str] = mapped_column(Text, default="")
    prize_text: Mapped[str] = mapped_column(String(120), default="")  # "$10,000"
    prize_from: Mapped[str] = mapped_column(String(120), default="")  # who pays it
    time_zone: Mapped[str] = mapped_column(String(64))
    rules_text: Mapped[str] = mapped_column(Text, default="")
    rules_version: Mapped[int] = mapped_column(default=1)
    is_published: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)  # raised by every write that changes a public page
    # Makes the keys under which voters are known; whoever deletes it lets go of all of them.
    voter_salt: Mapped[bytes] = mapped_column(LargeBinary(40), default=lambda: secrets.token_bytes(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    phases: Mapped[list["Phase"]] = relationship(order_by="Phase.starts_at", lazy="selectin")
    policy: Mapped["BallotPolicy"] = relationship(lazy="joined")


class Phase(Model):
    """A stretch of a contest with its switches: from `starts_at` (included) to `ends_at` (excluded)."""

    __tablename__ = "phase"
    __table_args__ = (
        UniqueConstraint("contest_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    name: Mapped[str] = mapped_column(String(60))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    may_submit: Mapped[bool] = mapped_column(default=False)
    may_vote: Mapped[bool] = mapped_column(default=False)
    may_comment: Mapped[bool] = mapped_column(default=False)
    shows_counts: Mapped[bool] = mapped_column(default=True)


class BallotPolicy(Model):
    """What may be cast: `limit_count` votes a `period`, each for another entry."""

    __tablename__ = "ballot_policy"

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    tier: Mapped[str] = mapped_column(String(16), default="email")
    period: Mapped[str] = mapped_column(String(8), default="contest")  # contest | day | week
    limit_count: Mapped[int | None]  # None: as many as there are entries
    may_vote_for_own: Mapped[bool] = mapped_column(default=False)
