"""Votes, the people who cast them, and the counters."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Voter(Model):
    """A person in one contest, proven by an identity tier, known by a keyed hash only.

    `user_id` is emptied when the account goes; the vote stays counted.
    """

    __tablename__ = "voter"
    __table_args__ = (UniqueConstraint("contest_id", "key"), UniqueConstraint("contest_id", "user_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    tier: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Vote(Model):
    """One person's support for one entry in one period. Never deleted; suspicion changes its state.

    `slot` numbers a voter's votes within a period where the policy limits them: the unique key on it
    is the limit.
    """

    __tablename__ = "vote"
    __table_args__ = (
        UniqueConstraint("contest_id", "voter_id", "entry_id", "period"),
        UniqueConstraint("contest_id", "voter_id", "period", "slot"),
        Index("ix_vote_entry_id_state", "entry_id", "state"),
        Index("ix_vote_arrival_id", "arrival_id"),
        CheckConstraint("state in ('recorded','counted','held','rejected')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    voter_id: Mapped[int] = mapped_column(ForeignKey("voter.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    period: Mapped[str] = mapped_column(String(10))  # '' the whole contest, '2026-05-01', '2026-W18'
    slot: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default="counted")
    receipt: Mapped[str] = mapped_column(String(32), unique=True)
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id"))  # the voter's own node
    last_channel: Mapped[str] = mapped_column(
        String(16), default=""
    )  # the last touch, reported beside the first
    last_code: Mapped[str] = mapped_column(String(16), default="")
    cast_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryTally(Model):
    """How many votes of an entry count; equals the rows, always."""

    __tablename__ = "entry_tally"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    counted: Mapped[int] = mapped_column(BigId, default=0)
