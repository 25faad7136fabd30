"""Identities of a person: signing in by one, connecting one more, taking one away. Never by an e-mail address."""

import hashlib
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity
from quilt.accounts.notices import tell_change
from quilt.accounts.proofs import (
    AddressKnown,
    IdentityTaken,
    LastWayIn,
    NotFresh,
    Proof,
    ProviderConnected,
)
from quilt.accounts.providers import PROVIDERS
from quilt.accounts.rules import email_key
from quilt.database import db, transaction
from quilt.letters import Compose
from quilt.mail import NOWHERE


def sign_in_by_identity(proof: Proof, now: datetime) -> tuple[User, bool]:
    """The person of this identity, made now if nobody has it; and whether they are new.

    A new account has the address that the provider vouches for, else none that mail could reach. Raises
    AddressKnown where the address, verified or not, is that of an account that is here already.
    """
    try:
        return _find_or_add(proof, now)
    except IntegrityError:  # two answers for one new person at once: the unique keys decided
        return _find_or_add(proof, now)


def connect_identity(
    user_id: int, proof: Proof, *, is_fresh: bool, compose: Compose, now: datetime
) -> Identity:
    """Let somebody who is signed in also sign in by this identity, and tell them by mail.

    Raises NotFresh, IdentityTaken or ProviderConnected; connecting the same identity again changes nothing.
    """
    if not is_fresh:
        raise NotFresh
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        found = _find(session, proof.issuer, proof.subject)
        if found is not None:
            if found.user_id != user_id:
                raise IdentityTaken
            return found
        if session.scalars(_of(user_id).where(Identity.issuer == proof.issuer)).first() is not None:
            raise ProviderConnected
        identity = _add(session, user, proof, now)
        _tell(session, user, "identity_added", proof.provider, proof.label, compose, now)
    return identity


def disconnect_identity(
    user_id: int, identity_id: int, *, is_fresh: bool, has_other_way: bool, compose: Compose, now: datetime
) -> None:
    """Take one of a person's identities away, and tell them by mail.

    `has_other_way`: whether they could sign in without any identity (a passkey). Raises NotFresh, LookupError for
    what is not theirs, and LastWayIn where nobody could enter the account afterwards.
    """
    if not is_fresh:
        raise NotFresh
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        identity = session.get(Identity, identity_id)
        if identity is None or identity.user_id != user_id:
            raise LookupError(identity_id)
        count = session.scalar(select(func.count()).select_from(_of(user_id).subquery())) or 0
        if count == 1 and not (user.has_address or has_other_way):
            raise LastWayIn
        session.execute(delete(Identity).where(Identity.id == identity_id))
        _tell(session, user, "identity_removed", identity.provider, identity.label, compose, now)


def list_identities(user_id: int) -> list[Identity]:
    """A person's identities, the oldest first."""
    return list(db.session.scalars(_of(user_id).order_by(Identity.id)))


def drop_unproven(session: Session, user: User) -> int:
    """Take away the identities that were there before anybody proved the address; returns how many.

    To be called in the transaction of the first code that comes back. One stays whose provider had verified this
    very address: its owner is the one who reads the mail.
    """
    done = session.execute(
        delete(Identity).where(Identity.user_id == user.id, Identity.vouched_key != user.email_key)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _find_or_add(proof: Proof, now: datetime) -> tuple[User, bool]:
    with transaction() as session:
        found = _find(session, proof.issuer, proof.subject)
        if found is not None:
            found.used_at = now
            return session.get_one(User, found.user_id), False
        if proof.email and _has_account(session, email_key(proof.email)):
            raise AddressKnown
        address = proof.email if proof.is_vouched else _make_nowhere(proof)
        user = User(
            email=address, email_key=email_key(address), name="", role="member", is_proven=False, created_at=now
        )  # fmt: skip
        session.add(user)
        session.flush()
        _add(session, user, proof, now)
    return user, True


def _add(session: Session, user: User, proof: Proof, now: datetime) -> Identity:
    identity = Identity(
        user_id=user.id, provider=proof.provider, issuer=proof.issuer, subject=proof.subject, label=proof.label,
        vouched_key=email_key(proof.email) if proof.is_vouched else "", created_at=now, used_at=now,
    )  # fmt: skip
    session.add(identity)
    session.flush()
    return identity


def _find(session: Session, issuer: str, subject: str) -> Identity | None:
    statement = select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    return session.scalars(statement).first()


def _of(user_id: int) -> Select[Identity]:
    return select(Identity).where(Identity.user_id == user_id)


def _has_account(session: Session, key: str) -> bool:
    return session.scalars(select(User.id).where(User.email_key == key)).first() is not None


def _make_nowhere(proof: Proof) -> str:
    """An address under which nobody can be reached (RFC 2606), the same for the same identity."""
    number = hashlib.sha256(f"{proof.issuer}\n{proof.subject}".encode()).hexdigest()[:24]
    return f"{number}@{proof.provider}{NOWHERE}"


def _tell(
    session: Session, user: User, change: str, provider: str, label: str, compose: Compose, now: datetime
) -> None:
    name = PROVIDERS[provider].label if provider in PROVIDERS else provider
    what = f"{name} ({label})" if label else name
    tell_change(session, user, change, compose=compose, now=now, what=what)
