"""The result of a contest, and what became of its prizes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class GateRun(Model):
    """One trial of the gate: what was asked before a result may be proposed, and the answers. Rows are only added."""

    __tablename__ = "gate_run"
    __table_args__ = (Index("ix_gate_run_contest_id", "contest_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    is_passed: Mapped[bool]
    checks: Mapped[str] = mapped_column(Text)  # JSON: a list of [name, is fine, words]
    places: Mapped[str] = mapped_column(Text)  # JSON: entries, the first first; empty where it was not passed
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GateRequest(Model):
    """Somebody asks the gate, and a worker answers: counting a ledger and auditing the site takes its time.

    One row a contest; the next request takes its place. Nobody has begun where `begun_at` is None, or it has come
    to its end: `words` say how.
    """

    __tablename__ = "gate_request"
    __table_args__ = (CheckConstraint("action in ('try','propose','approve')", name="action"),)

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(String(8))
    value: Mapped[str] = mapped_column(String(256), default="")  # of the draw
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begun_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_fine: Mapped[bool] = mapped_column(default=False)
    words: Mapped[str] = mapped_column(Text, default="")


class Result(Model):
    """A result on its way: proposed by one person, approved by another, final when the time for appeals is over."""

    __tablename__ = "result"
    __table_args__ = (
        CheckConstraint("approved_by is null or approved_by != proposed_by", name="two_people"),
        CheckConstraint("state in ('proposed','approved','final')", name="state"),
        CheckConstraint(
            "state = 'proposed' or "
            "(approved_by is not null and approved_at is not null and appeals_until is not null)",
            name="approved",
        ),
    )

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    size: Mapped[int] = mapped_column(BigId)  # leaves of the ledger that it is made of
    body: Mapped[bytes] = mapped_column(LargeBinary)  # results.json
    places: Mapped[str] = mapped_column(Text)  # JSON: entries, the first first
    draw_value: Mapped[str] = mapped_column(String(256), default="")
    proposed_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    appeals_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Prize(Model):
    """A paid place: whose it is now, and how far it has come."""

    __tablename__ = "prize"
    __table_args__ = (CheckConstraint("state in ('promised','verified','paid','told')", name="state"),)

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="promised")


class PrizeStep(Model):
    """One step of a prize: promised, verified, paid, told (what it did), passed on, or withdrawn. Rows are only added."""

    __tablename__ = "prize_step"
    __table_args__ = (Index("ix_prize_step_contest_id", "contest_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    place: Mapped[int]
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    state: Mapped[str] = mapped_column(String(10))  # as in Prize, or passed_on, or withdrawn: with its result
    words: Mapped[str] = mapped_column(Text, default="")  # for everybody
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
