"""Brands and what they put on their sites: organisations, members, sites, placements, embeds."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, String, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Organisation(Model):
    """A brand: who puts contests and entries on sites of their own and wants to know what that brings."""

    __tablename__ = "organisation"
    __table_args__ = (
        {"sqlite_autoincrement": True},
    )  # no id ever comes again: addresses and caches go by it

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(default=1)  # raised by every write that changes a frame
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Membership(Model):
    """Who works for an organisation, and in which role."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role in ('owner','editor','viewer')", name="role"),)

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(8))
    has_reports: Mapped[bool] = mapped_column(default=True, server_default=true())
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Invitation(Model):
    """One address is asked to join, once, for a week; only a hash of the letter's secret is kept."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("organisation_id", "email_key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    role: Mapped[str] = mapped_column(String(8))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Site(Model):
    """A web site by its origin. Once verified, the organisation's embeds show on its verified sites only."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("organisation_id", "origin"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    origin: Mapped[str] = mapped_column(String(300))
    token: Mapped[str] = mapped_column(String(32))  # what must be found at the site
    method: Mapped[str] = mapped_column(String(4), default="")  # dns | file | meta, '' before
    problem: Mapped[str] = mapped_column(String(200), default="")  # why the last check found nothing
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Sponsor(Model):
    """Who pays for an organisation's placements, as its frames say it."""

    __tablename__ = "sponsor"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(300), default="")
    disclosure: Mapped[str] = mapped_column(String(160))
    logo_key: Mapped[str] = mapped_column(String(120), default="")


class Placement(Model):
    """One place on somebody's site: what stands there and how it looks. `code` is what the snippet names."""

    __tablename__ = "placement"
    __table_args__ = (
        CheckConstraint("kind in ('entry','contest','vote','countdown')", name="kind"),
        CheckConstraint("(kind in ('entry','vote')) = (entry_id is not null)", name="entry_or_contest"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    label: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(10))
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id"))
    options: Mapped[str] = mapped_column(Text, default="{}")  # JSON of what differs from the defaults
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PlacementDay(Model):
    """What was told of a placement on one day (UTC) on one page of the host: seen, played, opened. Numbers only."""

    __tablename__ = "placement_day"

    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    path: Mapped[str] = mapped_column(String(120), primary_key=True)
    seen_count: Mapped[int] = mapped_column(BigId, default=0)
    plays_count: Mapped[int] = mapped_column(BigId, default=0)
    opens_count: Mapped[int] = mapped_column(BigId, default=0)


class Embed(Model):
    """A code by which an entry is embedded: who comes through it is the entry's child, channel `embed`."""

    __tablename__ = "embed"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), index=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    label: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PlacementEmbed(Model):
    """The embed by which a placement shows an entry: every entry has one of its own, and one for each placement."""

    __tablename__ = "placement_embed"

    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    embed_id: Mapped[int] = mapped_column(ForeignKey("embed.id"), unique=True)
