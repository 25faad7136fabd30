"""Contests, their phases, rules and ballot policy."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quilt.contests.rules import DRAW_SOURCE
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
    edit_count: Mapped[int] = mapped_column(default=0, server_default="0")  # refuses a stale tab of the desk
    # Since voting opened: policy, rules, zone and address cannot be changed any more (a trigger refuses it),
    # and these bytes are what every tree head of the ledger holds the hash of.
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    policy_json: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(default=1)  # raised by every write that changes a public page
    # Makes the keys under which voters are known; whoever deletes it lets go of all of them.
    voter_salt: Mapped[bytes] = mapped_column(LargeBinary(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    phases: Mapped[list["Phase"]] = relationship(order_by="Phase.starts_at", lazy="selectin")
    policy: Mapped["BallotPolicy"] = relationship(lazy="joined")


class Phase(Model):
    """A stretch of a contest with its switches: from `starts_at` (included) to `ends_at` (excluded).

    From `paused_at` until `resumed_at` (None: until further notice) nobody may enter or vote.
    """

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
    shows_counts: Mapped[bool] = mapped_column(default=True)  # follows the policy's `counts`
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resumed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pause_reason: Mapped[str] = mapped_column(String(280), default="", server_default="")


class BallotPolicy(Model):
    """What may be cast and how it is counted: `limit_count` votes a `period`, each for another entry.

    A row of plain values: what they mean stands in `policy_text`, which makes the page of rules of them.
    """

    __tablename__ = "ballot_policy"
    __table_args__ = (
        CheckConstraint("period in ('contest','day','week')", name="period"),
        CheckConstraint("counts in ('live','hour','day','end')", name="counts"),
        CheckConstraint("limit_count >= 1", name="limit_count"),
        CheckConstraint("judges_share between 0 and 100", name="judges_share"),
        CheckConstraint("places >= 1 and runners_up >= 0", name="places"),
    )

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    tiers: Mapped[str] = mapped_column(String(48), default="email,oauth")  # proofs of a person that count
    period: Mapped[str] = mapped_column(String(8), default="contest")  # contest | day | week
    limit_count: Mapped[int | None]  # None: as many as there are entries
    may_vote_for_own: Mapped[bool] = mapped_column(default=False)
    revocable_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: a vote stays cast
    counts: Mapped[str] = mapped_column(String(8), default="live")  # when votes are shown
    judges_share: Mapped[int] = mapped_column(default=0)  # percent of a score
    tie_breaks: Mapped[str] = mapped_column(String(24), default="draw")  # in order
    places: Mapped[int] = mapped_column(default=1)  # that are paid
    runners_up: Mapped[int] = mapped_column(default=2)
    draw_source: Mapped[str] = mapped_column(String(500), default=DRAW_SOURCE)


class ContestRules(Model):
    """One version of a contest's rules, as people agreed to it. Rows are only ever added."""

    __tablename__ = "contest_rules"

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256, as `hash_rules` makes it
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContestChange(Model):
    """Something about a contest was changed: who, what, why. Rows are only ever added (a trigger refuses the rest).

    `words` of a public change stand on the contest's page; `detail` tells what was before and after.
    """

    __tablename__ = "contest_change"
    __table_args__ = (Index("ix_contest_change_contest_id", "contest_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    kind: Mapped[str] = mapped_column(String(16))  # created | edited | dates | policy | rules | paused | …
    words: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    is_public: Mapped[bool] = mapped_column(default=False)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
