"""Arrivals (the nodes of the spread trees), named links, the inbox of the fold, and the stored spread."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, ExactInteger, Model, UtcDateTime


class Arrival(Model):
    """A person's first counted visit to an entry: one node of its tree. Never changed but for `state`.

    `parent_id` is None for a child of the entry itself (depth 1).
    """

    __tablename__ = "arrival"
    __table_args__ = (
        UniqueConstraint("entry_id", "id"),
        UniqueConstraint("entry_id", "visitor_key"),
        ForeignKeyConstraint(["entry_id", "parent_id"], ["arrival.entry_id", "arrival.id"]),
        CheckConstraint("parent_id < id", name="parent_is_older"),
        CheckConstraint("depth >= 1", name="depth"),
        Index("ix_arrival_entry_id_parent_id", "entry_id", "parent_id"),
        Index(
            "ix_arrival_embed_id",
            "embed_id",
            sqlite_where=text("embed_id IS NOT NULL"),
            postgresql_where=text("embed_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    parent_id: Mapped[int | None] = mapped_column(BigId)
    depth: Mapped[int]
    code: Mapped[str] = mapped_column(String(16), unique=True)
    visitor_key: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    channel: Mapped[str] = mapped_column(String(16), default="")
    link_id: Mapped[int | None] = mapped_column(ForeignKey("named_link.id"))
    embed_id: Mapped[int | None] = mapped_column(ForeignKey("embed.id"))
    state: Mapped[str] = mapped_column(String(8), default="live")  # live | excluded
    arrived_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NamedLink(Model):
    """A link of the entry itself with a label ("mail to the clinic"); its visitors are the entry's children.

    Every entry has one with an empty label: the entry's own link.
    """

    __tablename__ = "named_link"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), index=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    label: Mapped[str] = mapped_column(String(60), default="")
    channel: Mapped[str] = mapped_column(String(16), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ArrivalInbox(Model):
    """What the fold has not taken yet; drained by DELETE … RETURNING, so each row counts exactly once."""

    __tablename__ = "arrival_inbox"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigId, index=True)
    arrival_id: Mapped[int] = mapped_column(BigId)
    is_new: Mapped[bool] = mapped_column(default=False)
    votes: Mapped[int] = mapped_column(default=0)
    returns: Mapped[int] = mapped_column(default=0)


class ArrivalStat(Model):
    """Folded figures of one arrival; `subtree_size` counts itself.

    Most people bring nobody and do not vote: who has no row here has the defaults.
    """

    __tablename__ = "arrival_stat"
    # Room for every row once more, so that PostgreSQL writes a changed one beside the old and touches no index.
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    arrival_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigId, index=True)
    subtree_size: Mapped[int] = mapped_column(BigId, default=1)
    children_count: Mapped[int] = mapped_column(default=0)
    votes_self: Mapped[int] = mapped_column(default=0)
    votes_subtree: Mapped[int] = mapped_column(BigId, default=0)
    returns_count: Mapped[int] = mapped_column(default=0)


class EntrySpread(Model):
    """The stored spread of an entry. `size` counts the entry itself; reach is size − 1."""

    __tablename__ = "entry_spread"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    size: Mapped[int] = mapped_column(BigId, default=1)
    total_depth: Mapped[int] = mapped_column(ExactInteger(40), default=0)  # P = Σ depth
    squared_sizes: Mapped[int] = mapped_column(ExactInteger(60), default=0)  # Q = Σ s(v)², v ≠ root
    max_depth: Mapped[int] = mapped_column(default=0)
    max_breadth: Mapped[int] = mapped_column(BigId, default=1)
    passed_on_count: Mapped[int] = mapped_column(BigId, default=0)  # people with at least one child
    votes_count: Mapped[int] = mapped_column(BigId, default=0)  # votes whose voter's arrival is known
    shared_votes_count: Mapped[int] = mapped_column(BigId, default=0)  # of these, at depth 2 or more
    version: Mapped[int] = mapped_column(BigId, default=0)
    folded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EntryGeneration(Model):
    """People and votes of one generation of an entry's tree."""

    __tablename__ = "entry_generation"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    people_count: Mapped[int] = mapped_column(BigId, default=0)
    votes_count: Mapped[int] = mapped_column(BigId, default=0)


class EntryChannel(Model):
    """People and votes that came to an entry by one channel ('' is: without anybody's link).

    `voters_count` of the people have voted, by the links of `brought_count` somebody came.
    """

    __tablename__ = "entry_channel"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    people_count: Mapped[int] = mapped_column(BigId, default=0)
    votes_count: Mapped[int] = mapped_column(BigId, default=0)
    voters_count: Mapped[int] = mapped_column(BigId, default=0)
    brought_count: Mapped[int] = mapped_column(BigId, default=0)


class EntryPoint(Model):
    """One point of an entry's curve, at most one a minute."""

    __tablename__ = "entry_point"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    size: Mapped[int] = mapped_column(BigId)
    max_depth: Mapped[int]
    structural_virality: Mapped[float | None]
    votes_count: Mapped[int] = mapped_column(BigId, default=0)


class NotCounted(Model):
    """Visits that were not people, by day and reason."""

    __tablename__ = "not_counted"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reason: Mapped[str] = mapped_column(String(16), primary_key=True)
    visits_count: Mapped[int] = mapped_column(BigId, default=0)


class VisitorSalt(Model):
    """The random key of one day's pseudonyms; deleted at 48 hours, after which they mean nothing."""

    __tablename__ = "visitor_salt"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))


class UsedNonce(Model):
    """A page's nonce that has counted once already."""

    __tablename__ = "used_nonce"

    nonce: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ExclusionLog(Model):
    """Who took a branch out of the figures, or put it back, when and why. Rows are only ever added.

    `is_excluded` is what the arrival became, `people_count` how many left the figures or returned to them.
    """

    __tablename__ = "exclusion_log"
    __table_args__ = (
        ForeignKeyConstraint(["entry_id", "arrival_id"], ["arrival.entry_id", "arrival.id"]),
        Index("ix_exclusion_log_entry_id_id", "entry_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigId)
    arrival_id: Mapped[int] = mapped_column(BigId)
    is_excluded: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(500))
    people_count: Mapped[int] = mapped_column(BigId)
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryTiming(Model):
    """When an entry spread: everybody (facet '') or who came by one way ('channel:wa', 'link:5', 'embed:2').

    Computed from the arrivals now and then, as of the spread's `version`. `last_exclusion_id` is the newest
    row of the exclusion log that was looked at: with a newer one the past of the curve changes too.
    """

    __tablename__ = "entry_timing"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    facet: Mapped[str] = mapped_column(String(32), primary_key=True)
    people_count: Mapped[int] = mapped_column(BigId)
    votes_count: Mapped[int] = mapped_column(BigId)
    first_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    half_life_seconds: Mapped[float | None]
    interval_seconds: Mapped[float | None]  # median, from the parent's arrival to the child's
    intervals_count: Mapped[int] = mapped_column(BigId)
    version: Mapped[int] = mapped_column(BigId)
    last_exclusion_id: Mapped[int] = mapped_column(BigId, default=0)
    refreshed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryHour(Model):
    """Who came in one hour (its begin), in all or by one way, and what they brought within the horizon.

    `children_count` is the sum of their children, `squares_sum` that of these numbers' squares: from both
    come R and its interval for any stretch of hours.
    """

    __tablename__ = "entry_hour"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    facet: Mapped[str] = mapped_column(String(32), primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    people_count: Mapped[int] = mapped_column(BigId)
    children_count: Mapped[int] = mapped_column(BigId)
    squares_sum: Mapped[int] = mapped_column(BigId)


class EntryFirst(Model):
    """When the first person of a generation came to an entry."""

    __tablename__ = "entry_first"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
