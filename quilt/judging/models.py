"""The panel of a contest, its criteria, and the scores of its judges."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime

MOST_POINTS = 10  # for one criterion


class Judge(Model):
    """A person who was asked to judge a contest; `left_at` is set where they are no judge any more."""

    __tablename__ = "judge"

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    invited_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Criterion(Model):
    """What judges look at, and how much of their points it makes up (`weight`, against the sum of all)."""

    __tablename__ = "criterion"
    __table_args__ = (
        UniqueConstraint("contest_id", "name"),
        CheckConstraint("weight between 1 and 100", name="weight"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    hint: Mapped[str] = mapped_column(String(200), default="")
    weight: Mapped[int]
    position: Mapped[int]


class Conflict(Model):
    """A judge who stands too near to an entry, by their own word: they do not judge it."""

    __tablename__ = "judge_conflict"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    words: Mapped[str] = mapped_column(Text)
    declared_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Score(Model):
    """What one judge gave one entry for one criterion, 0 to 10."""

    __tablename__ = "judge_score"
    __table_args__ = (CheckConstraint(f"points between 0 and {MOST_POINTS}", name="points"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"), primary_key=True)
    points: Mapped[int]
    scored_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SealedPanel(Model):
    """The judges are done: their scores are fixed, and from now on everybody sees the points."""

    __tablename__ = "sealed_panel"

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryPoints(Model):
    """An entry's points from the sealed panel (`quilt.judging.rules.weigh`)."""

    __tablename__ = "entry_points"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    points: Mapped[int]
