"""Another address for an account: asked for while signed in, confirmed from the old mailbox and from the new one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.accounts.models_security import EmailChange
from quilt.accounts.notices import tell_change
from quilt.accounts.rules import AddressTaken, ChangeOver, clean_email, email_key, hash_key, make_key
from quilt.accounts.service import expire_codes
from quilt.accounts.sessions import end_all
from quilt.database import db, transaction
from quilt.letters import Compose
from quilt.mail import put_in_outbox

CHANGE_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChangeView:
    """What the reader of one of the two letters sees: the new address, and which mailbox still has to agree."""

    email: str
    is_old_side: bool
    is_confirmed_here: bool
    is_confirmed_there: bool


def find_change(user_id: int, now: datetime) -> EmailChange | None:
    """A person's wish for another address that still waits, or None."""
    change = db.session.get(EmailChange, user_id, populate_existing=True)
    return change if change is not None and now < change.created_at + CHANGE_LIFE else None


def request_change(
    user_id: int, email: str, *, compose: Compose, now: datetime, entropy: Callable[[int], bytes]
) -> None:
    """Write to both mailboxes; an earlier wish is forgotten.

    An address that has an account already gets another letter, without a link: whoever asks learns nothing.
    Raises AddressTaken for one's own address, AddressMissing, AddressTooLong or NotAnAddress.
    """
    address, key = clean_email(email), email_key(email)
    old_key, new_key = make_key(entropy), make_key(entropy)
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if key == user.email_key:
            raise AddressTaken
        session.merge(
            EmailChange(
                user_id=user_id, email=address, email_key=key, old_hash=hash_key(old_key),
                new_hash=hash_key(new_key), new_confirmed_at=None, created_at=now,
                old_confirmed_at=None if user.has_address else now,  # there is no old mailbox to ask
            )
        )  # fmt: skip
        put_in_outbox(
            session,
            compose("email_change_old", name=user.name, email=address, link_key=old_key),
            user.email,
            now,
        )
        is_taken = session.scalar(select(User.id).where(User.email_key == key)) is not None
        kind, facts = ("email_change_taken", {}) if is_taken else ("email_change_new", {"link_key": new_key})
        put_in_outbox(session, compose(kind, **facts), address, now)


def view_change(key: str, now: datetime) -> ChangeView:
    """The change that a letter's link is about. Raises ChangeOver."""
    return _describe(_get(db.session(), key, now), key)


def confirm_change(key: str, *, compose: Compose, now: datetime) -> ChangeView | None:
    """Agree from the mailbox of this link: the change as it stands, or None once both agreed and it is done.

    Then every session ends, and codes that were sent to either address open nothing. Raises ChangeOver.
    """
    with transaction() as session:
        change = _get(session, key, now)
        if change.old_hash == hash_key(key):
            change.old_confirmed_at = change.old_confirmed_at or now
        else:
            change.new_confirmed_at = change.new_confirmed_at or now
        if not (change.old_confirmed_at and change.new_confirmed_at):
            return _describe(change, key)
        is_free = session.scalar(select(User.id).where(User.email_key == change.email_key)) is None
        if is_free:
            _carry_out(session, change, compose, now)
        session.delete(change)
    if not is_free:
        raise ChangeOver
    return None


def stop_change(key: str, *, compose: Compose, now: datetime) -> None:
    """Refuse from the old mailbox: the wish is forgotten and everybody is signed out. Raises ChangeOver."""
    with transaction() as session:
        change = _get(session, key, now)
        if change.old_hash != hash_key(key):
            raise ChangeOver
        user = session.get_one(User, change.user_id, with_for_update=True)
        session.delete(change)
        session.flush()
        end_all(session.connection(), user.id)
        expire_codes(session, user.email_key)
        tell_change(session, user, "change_stopped", compose=compose, now=now)


def cancel_change(user_id: int) -> None:
    """Forget a wish from within the account."""
    with transaction() as session:
        session.execute(delete(EmailChange).where(EmailChange.user_id == user_id))


def _get(session: Session, key: str, now: datetime) -> EmailChange:
    hashed = hash_key(key)
    statement = select(EmailChange).where(
        or_(EmailChange.old_hash == hashed, EmailChange.new_hash == hashed),
        EmailChange.created_at > now - CHANGE_LIFE,
    )
    change = session.scalars(statement.with_for_update()).first()
    if change is None:
        raise ChangeOver
    return change


def _describe(change: EmailChange, key: str) -> ChangeView:
    is_old = change.old_hash == hash_key(key)
    old, new = change.old_confirmed_at is not None, change.new_confirmed_at is not None
    return ChangeView(change.email, is_old, *((old, new) if is_old else (new, old)))


def _carry_out(session: Session, change: EmailChange, compose: Compose, now: datetime) -> None:
    user = session.get_one(User, change.user_id, with_for_update=True)
    before, key_before = user.email, user.email_key
    user.email, user.email_key, user.is_proven = change.email, change.email_key, True
    session.flush()
    end_all(session.connection(), user.id)
    for key in (key_before, change.email_key):
        expire_codes(session, key)
    tell_change(session, user, "email_changed", compose=compose, now=now, what=change.email, to=before)
    tell_change(session, user, "email_is_new", compose=compose, now=now)
