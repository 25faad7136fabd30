"""What the brand's desk lists: organisations, people, sites, placements, and what frames told of themselves."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from quilt.accounts.models import User
from quilt.contests.models import Contest
from quilt.database import db
from quilt.embeds.models import Invitation, Membership, Organisation, Placement, PlacementDay, Site, Sponsor
from quilt.embeds.service import hash_token
from quilt.entries.models import Entry


@dataclass(frozen=True, slots=True)
class OwnOrganisation:
    """An organisation that somebody works for."""

    id: int
    name: str
    role: str
    has_reports: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A member."""

    user_id: int
    name: str
    email: str
    role: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class PlacementLine:
    """A placement in the desk's list: `target` is the title of what it shows."""

    id: int
    organisation_id: int
    code: str
    label: str
    kind: str
    contest_id: int
    contest_slug: str
    entry_id: int | None
    target: str
    options: str
    created_at: datetime
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What frames told of one placement on one day and page."""

    placement_id: int
    day: date
    path: str
    seen: int
    plays: int
    opens: int


def list_own(user_id: int) -> list[OwnOrganisation]:
    """The organisations that a person works for, by name."""
    statement = (
        select(Organisation.id, Organisation.name, Membership.role, Membership.has_reports)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(Membership.user_id == user_id)
        .order_by(Organisation.name, Organisation.id)
    )
    return [OwnOrganisation(*row) for row in db.session.execute(statement)]


def find_own(user_id: int, organisation_id: int) -> OwnOrganisation | None:
    """One organisation as this person knows it; None for everybody else's."""
    return next((own for own in list_own(user_id) if own.id == organisation_id), None)


def list_people(organisation_id: int) -> list[Person]:
    """The members, those who came first first."""
    statement = (
        select(User.id, User.name, User.email, Membership.role, Membership.joined_at)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == organisation_id)
        .order_by(Membership.joined_at, User.id)
    )
    return [Person(*row) for row in db.session.execute(statement)]


def list_invitations(organisation_id: int, now: datetime) -> list[Invitation]:
    """Invitations that nobody has accepted yet and that still can be."""
    statement = select(Invitation).where(
        Invitation.organisation_id == organisation_id,
        Invitation.accepted_at.is_(None),
        Invitation.expires_at > now,
    )
    return list(db.session.scalars(statement.order_by(Invitation.id)))


def find_invitation(token: str) -> tuple[Invitation, str] | None:
    """The invitation of a letter's secret, and the organisation's name."""
    statement = (
        select(Invitation, Organisation.name)
        .join(Organisation, Organisation.id == Invitation.organisation_id)
        .where(Invitation.token_hash == hash_token(token))
    )
    row = db.session.execute(statement).first()
    return None if row is None else (row[0], row[1])


def list_sites(organisation_id: int) -> list[Site]:
    """The sites of an organisation, by address."""
    statement = select(Site).where(Site.organisation_id == organisation_id).order_by(Site.origin)
    return list(db.session.scalars(statement))


def find_site(organisation_id: int, site_id: int) -> Site | None:
    """One site of this organisation."""
    site = db.session.get(Site, site_id)
    return site if site is not None and site.organisation_id == organisation_id else None


def find_sponsor(organisation_id: int) -> Sponsor | None:
    """Who pays for this organisation's placements."""
    return db.session.get(Sponsor, organisation_id, populate_existing=True)


def list_placements(organisation_id: int) -> list[PlacementLine]:
    """The placements of an organisation, the newest first, ended ones last."""
    statement = (
        select(
            Placement.id, Placement.organisation_id, Placement.code, Placement.label, Placement.kind,
            Placement.contest_id, Contest.slug, Placement.entry_id, func.coalesce(Entry.title, Contest.title),
            Placement.options, Placement.created_at, Placement.ended_at.is_not(None),
        )
        .join(Contest, Contest.id == Placement.contest_id)
        .outerjoin(Entry, Entry.id == Placement.entry_id)
        .where(Placement.organisation_id == organisation_id)
        .order_by(Placement.ended_at.is_not(None), Placement.id.desc())
    )  # fmt: skip
    return [PlacementLine(*tuple(row)) for row in db.session.execute(statement)]


def find_own_placement(organisation_id: int, placement_id: int) -> Placement | None:
    """One placement of this organisation."""
    placement = db.session.get(Placement, placement_id)
    return placement if placement is not None and placement.organisation_id == organisation_id else None


def list_told(organisation_id: int, since: date, until: date) -> list[Told]:
    """What frames told from one day to another (both included), by day and page."""
    statement = (
        select(
            PlacementDay.placement_id, PlacementDay.day, PlacementDay.path, PlacementDay.seen_count,
            PlacementDay.plays_count, PlacementDay.opens_count,
        )
        .join(Placement, Placement.id == PlacementDay.placement_id)
        .where(Placement.organisation_id == organisation_id, PlacementDay.day.between(since, until))
        .order_by(PlacementDay.day, PlacementDay.path)
    )  # fmt: skip
    return [Told(*row) for row in db.session.execute(statement)]
