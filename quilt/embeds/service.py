"""Organisations and their people: one function, one transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.accounts.rules import AccountRefused, clean_email, email_key
from quilt.database import transaction
from quilt.embeds.models import Invitation, Membership, Organisation
from quilt.embeds.rules import (
    MOST_MEMBERS,
    BrandRefused,
    InvitationRefused,
    LastOwner,
    LimitReached,
    Role,
    clean_name,
)
from quilt.letters import Compose
from quilt.mail import put_in_outbox

INVITATION_LIFE = timedelta(days=7)
MOST_ORGANISATIONS = 10  # that one person can own


class AddressRefused(BrandRefused):
    """Not an address that an invitation could reach."""


class RoleRefused(BrandRefused):
    """A role that there is not."""


class WrongReader(InvitationRefused):
    """The invitation was written to another address than the one that is signed in."""


def create_organisation(user_id: int, name: str, now: datetime) -> Organisation:
    """A new organisation with its first owner. Raises NameRefused or LimitReached."""
    name = clean_name(name)
    with transaction() as session:
        session.get_one(User, user_id, with_for_update=True)  # whoever makes many at once counts them in turn
        owned = select(func.count()).where(Membership.user_id == user_id, Membership.role == Role.OWNER)
        if (session.scalar(owned) or 0) >= MOST_ORGANISATIONS:
            raise LimitReached(f"You own {MOST_ORGANISATIONS} organisations already.", "name")
        organisation = Organisation(name=name, created_at=now)
        session.add(organisation)
        session.flush()
        session.add(
            Membership(organisation_id=organisation.id, user_id=user_id, role=Role.OWNER.value, joined_at=now)
        )
    return organisation


def rename_organisation(organisation_id: int, name: str) -> Organisation:
    """Another name. Raises NameRefused."""
    name = clean_name(name)
    with transaction() as session:
        organisation = session.get_one(Organisation, organisation_id)
        organisation.name = name
    return organisation


def invite(
    organisation_id: int,
    email: str,
    role: str,
    *,
    now: datetime,
    entropy: Callable[[int], bytes],
    compose: Compose,
    base_url: str,
) -> Invitation:
    """Write to an address, asking it to join; asking again replaces the older letter.

    Raises AddressRefused, RoleRefused or LimitReached.
    """
    address, key = _read_address(email)
    wanted = _read_role(role)
    token = entropy(18).hex()
    with transaction() as session:
        organisation = hold_organisation(session, organisation_id)
        if _count_people(session, organisation_id) >= MOST_MEMBERS:
            raise LimitReached(f"An organisation can have {MOST_MEMBERS} people.", "email")
        row = session.scalars(
            select(Invitation).where(
                Invitation.organisation_id == organisation_id, Invitation.email_key == key
            )
        ).first()
        if row is None:
            row = Invitation(organisation_id=organisation_id, email_key=key)
            session.add(row)
        row.email, row.role, row.token_hash = address, wanted.value, hash_token(token)
        row.expires_at, row.accepted_at = now + INVITATION_LIFE, None
        letter = compose(
            "brand_invitation",
            organisation=organisation.name,
            role=wanted.value,
            join_url=f"{base_url}/brand/invitations/{token}",
            days=INVITATION_LIFE.days,
        )
        put_in_outbox(session, letter, address, now)
    return row


def accept_invitation(token: str, user_id: int, now: datetime) -> int:
    """Join by an invitation; returns the organisation's id. It works once, for the address that it was written to.

    Raises InvitationRefused (unknown, used, expired) or WrongReader.
    """
    with transaction() as session:
        row = session.scalars(select(Invitation).where(Invitation.token_hash == hash_token(token))).first()
        check_invitation(row, now)
        assert row is not None
        user = session.get_one(User, user_id)
        if user.email_key != row.email_key:
            raise WrongReader("This invitation was written to another address. Sign in with that one.")
        row.accepted_at = now
        member = session.get(Membership, (row.organisation_id, user_id))
        if member is None:
            session.add(
                Membership(organisation_id=row.organisation_id, user_id=user_id, role=row.role, joined_at=now)
            )
        else:
            member.role = row.role
    return row.organisation_id


def check_invitation(row: Invitation | None, now: datetime) -> None:
    """Raise InvitationRefused unless this invitation can still be accepted."""
    if row is None or row.accepted_at is not None:
        raise InvitationRefused("That invitation was used, or was replaced by a newer one.")
    if row.expires_at <= now:
        raise InvitationRefused("That invitation is older than a week. Ask for a new one.")


def change_role(organisation_id: int, user_id: int, role: str) -> None:
    """Give a member another role. Raises RoleRefused or LastOwner."""
    wanted = _read_role(role)
    with transaction() as session:
        hold_organisation(session, organisation_id)
        member = session.get_one(Membership, (organisation_id, user_id))
        if wanted is not Role.OWNER:
            _keep_an_owner(session, member)
        member.role = wanted.value


def remove_member(organisation_id: int, user_id: int) -> None:
    """Somebody works for the organisation no longer. Raises LastOwner."""
    with transaction() as session:
        hold_organisation(session, organisation_id)
        member = session.get_one(Membership, (organisation_id, user_id))
        _keep_an_owner(session, member)
        session.delete(member)


def choose_reports(organisation_id: int, user_id: int, *, has_reports: bool) -> None:
    """Whether this member gets the weekly report by mail."""
    with transaction() as session:
        session.get_one(Membership, (organisation_id, user_id)).has_reports = has_reports


def hold_organisation(session: Session, organisation_id: int) -> Organisation:
    """The organisation, held until the transaction ends: who counts its people or raises its version waits in turn."""
    return session.get_one(Organisation, organisation_id, with_for_update=True)


def hash_token(token: str) -> str:
    """What is kept of an invitation's secret."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _keep_an_owner(session: Session, member: Membership) -> None:
    owners = select(func.count()).where(
        Membership.organisation_id == member.organisation_id, Membership.role == Role.OWNER
    )
    if member.role == Role.OWNER and (session.scalar(owners) or 0) < 2:
        raise LastOwner("Somebody must stay who can invite others. Make another member an owner first.")


def _count_people(session: Session, organisation_id: int) -> int:
    members = select(func.count()).where(Membership.organisation_id == organisation_id)
    open_ones = select(func.count()).where(
        Invitation.organisation_id == organisation_id, Invitation.accepted_at.is_(None)
    )
    return (session.scalar(members) or 0) + (session.scalar(open_ones) or 0)


def _read_address(text: str) -> tuple[str, str]:
    try:
        return clean_email(text), email_key(text)
    except AccountRefused:
        raise AddressRefused("Enter an e-mail address.", "email") from None


def _read_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise RoleRefused("Choose one of the roles.", "role") from None
