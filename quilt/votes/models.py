"""Votes, the people who cast them, and the counters."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Voter(Model):
    """A person in one contest, known by a keyed hash only.

    `user_id` is emptied when the account goes; the vote stays counted.
    """

    __tablename__ = "voter"
    __table_args__ = (UniqueConstraint("contest_id", "key"), UniqueConstraint("contest_id", "user_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


STANDING = ("recorded", "counted")  # what the public count is made of: suspicion has not changed it
_HAS_SLOT = text("slot IS NOT NULL")


class Vote(Model):
    """One person's support for one entry in one period. Never deleted; decisions change its state.

    `slot` numbers a voter's votes within a period where the policy limits them: the unique key on it
    is the limit. A vote is recorded until the next batch of the ledger decides about it.
    """

    __tablename__ = "vote"
    __table_args__ = (
        UniqueConstraint("contest_id", "voter_id", "entry_id", "period"),
        Index(
            "uq_vote_contest_id_voter_id_period_slot", "contest_id", "voter_id", "period", "slot",
            unique=True, sqlite_where=_HAS_SLOT, postgresql_where=_HAS_SLOT,
        ),
        Index("ix_vote_entry_id_state_id", "entry_id", "state", "id"),
        Index("ix_vote_arrival_id", "arrival_id"),
        CheckConstraint("state in ('recorded','counted','held','rejected','withdrawn')", name="state"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    voter_id: Mapped[int] = mapped_column(ForeignKey("voter.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    period: Mapped[str] = mapped_column(String(10))  # '' the whole contest, '2026-05-01', '2026-W18'
    tier: Mapped[str] = mapped_column(String(16), default="email")  # by which proof of a person it was cast
    slot: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default="recorded")
    receipt: Mapped[str] = mapped_column(String(32), unique=True)
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id"))  # the voter's own node
    # The last touch, reported beside the first.
    last_channel: Mapped[str] = mapped_column(String(16), default="")
    last_code: Mapped[str] = mapped_column(String(16), default="")
    evidence: Mapped[bytes | None] = mapped_column(LargeBinary(200))  # how it was cast; emptied with time
    cast_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryTally(Model):
    """How many votes of an entry there are by state; equals the rows, always. `standing`: recorded or counted."""

    __tablename__ = "entry_tally"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    standing: Mapped[int] = mapped_column(BigId, default=0)
    held: Mapped[int] = mapped_column(BigId, default=0)
    rejected: Mapped[int] = mapped_column(BigId, default=0)
    withdrawn: Mapped[int] = mapped_column(BigId, default=0)


class VoteDecision(Model):
    """A vote came from one state into another: who decided, under which rules, on what evidence. Only grows."""

    __tablename__ = "vote_decision"
    __table_args__ = (Index("ix_vote_decision_vote_id", "vote_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(
        BigId
    )  # its vote's: a key of its own would be looked up for each row
    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"))
    before: Mapped[str] = mapped_column(String(10))
    after: Mapped[str] = mapped_column(String(10))
    actor: Mapped[str] = mapped_column(String(10))  # rules | voter | reviewer | appeal
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reason: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(Text, default="")
    rules: Mapped[str] = mapped_column(String(32))
    evidence: Mapped[str] = mapped_column(Text, default="")  # JSON, what the rules saw
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DecisionInbox(Model):
    """Decisions that are not in the ledger yet; drained by DELETE … RETURNING."""

    __tablename__ = "decision_inbox"

    decision_id: Mapped[int] = mapped_column(ForeignKey("vote_decision.id"), primary_key=True)
    contest_id: Mapped[int] = mapped_column(BigId, index=True)
