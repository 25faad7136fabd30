"""Doubt about votes: alerts, notices of blasts, confirmations, what reviewers did to many at once, appeals."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class VoteCheck(Model):
    """The one letter that asks a held vote's voter whether it was they; and their answer."""

    __tablename__ = "vote_check"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True, autoincrement=False)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    mailed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    evidence: Mapped[bytes | None] = mapped_column(LargeBinary(200))  # of the answer; emptied with time


class BlastNotice(Model):
    """An entrant or an admin says beforehand that many people will be asked at once. It changes no rule."""

    __tablename__ = "blast_notice"
    __table_args__ = (Index("ix_blast_notice_entry_id_starts_at", "entry_id", "starts_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    people_count: Mapped[int]
    words: Mapped[str] = mapped_column(String(300))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VoteAlert(Model):
    """A quarter of an hour in which an entry got far more votes than ever before. It holds nothing."""

    __tablename__ = "vote_alert"
    __table_args__ = (
        UniqueConstraint("entry_id", "starts_at"),
        Index("ix_vote_alert_contest_id_starts_at", "contest_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    votes_count: Mapped[int]
    expected: Mapped[float]  # votes in such a quarter, by what went before
    chance: Mapped[float]  # of so many or more, were it as before
    rules: Mapped[str] = mapped_column(String(32))
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VoteReview(Model):
    """What a reviewer did to one or many votes in one act; undone at most once, by one review for each state."""

    __tablename__ = "vote_review"
    __table_args__ = (
        Index("ix_vote_review_contest_id_id", "contest_id", "id"),
        UniqueConstraint("undoes_id", "after"),
        CheckConstraint("after in ('counted','held','rejected')", name="after"),
        CheckConstraint("votes_count > 0", name="votes_count"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id"))
    after: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(Text)
    votes_count: Mapped[int]
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("vote_review.id"))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReviewedVote(Model):
    """One vote of a review, and the decision that it wrote; the newest of the vote until somebody decides anew."""

    __tablename__ = "reviewed_vote"

    review_id: Mapped[int] = mapped_column(ForeignKey("vote_review.id"), primary_key=True)
    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("vote_decision.id"))


_IS_OPEN = text("answered_at IS NULL")
_IS_OPEN_ENTRY = text("answered_at IS NULL AND vote_id IS NULL")


class Appeal(Model):
    """Somebody asks for a second look: a voter at their vote, an entrant at the votes of their entry.

    Somebody has to answer who has neither written it nor decided about one of the votes in question: a check here,
    and triggers on the answer and on the log of decisions.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        CheckConstraint(
            "(answered_at IS NULL) = (answered_by_id IS NULL) AND (answered_at IS NULL) = (outcome = '')",
            name="answer_is_whole",
        ),
        CheckConstraint("outcome in ('','upheld','dismissed')", name="outcome"),
        CheckConstraint("author_id IS NULL OR author_id <> answered_by_id", name="second_person"),
        Index(
            "uq_appeal_open_vote", "vote_id", unique=True,
            sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN,
        ),
        Index(
            "uq_appeal_open_entry", "entry_id", unique=True,
            sqlite_where=_IS_OPEN_ENTRY, postgresql_where=_IS_OPEN_ENTRY,
        ),
        Index("ix_appeal_contest_id_answered_at", "contest_id", "answered_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    vote_id: Mapped[int | None] = mapped_column(
        ForeignKey("vote.id")
    )  # None: the entrant's, about all of them
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    words: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(10), default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # when the letter about the answer was written
