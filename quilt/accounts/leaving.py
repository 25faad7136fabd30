"""Leaving: asked for today, done in seven days, undone by one press until then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from quilt.accounts.belongings import count_everything, let_go, list_files
from quilt.accounts.exports import delete_files
from quilt.accounts.models import User
from quilt.accounts.notices import tell_change
from quilt.accounts.people import STAFF_ROLES
from quilt.accounts.rules import StaffStays
from quilt.accounts.sessions import end_all
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.letters import Compose
from quilt.mail import put_in_outbox

SECOND_THOUGHTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Preview:
    """What deleting an account does: how much goes, and how much stays without a name."""

    entries: int
    films: int
    comments: int
    votes: int
    links: int


def preview_leaving(user_id: int) -> Preview:
    """What would go and what would stay if this person left now."""
    counts = count_everything(db.session(), user_id)
    names = ("entries", "films", "comments", "votes", "links")
    return Preview(*(counts.get(name, 0) for name in names))


def ask_to_leave(user_id: int, *, compose: Compose, now: datetime) -> User:
    """Have the account deleted in seven days; every session ends, a letter tells how to stay. Raises StaffStays."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if user.role in STAFF_ROLES:
            raise StaffStays
        user.leaving_at = user.leaving_at or now + SECOND_THOUGHTS
        session.flush()
        end_all(session.connection(), user_id)
        session.refresh(user)
        day = f"{user.leaving_at.day} {user.leaving_at:%B %Y}"
        put_in_outbox(session, compose("account_leaving", name=user.name, day=day), user.email, now)
    return user


def stay(user_id: int, *, compose: Compose, now: datetime) -> bool:
    """Undo it; False where the account was not leaving."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        was_leaving, user.leaving_at = user.leaving_at is not None, None
        if was_leaving:
            tell_change(session, user, "staying", compose=compose, now=now)
    return was_leaving


def delete_due_accounts(settings: Settings, now: datetime) -> int:
    """Delete the accounts whose seven days are over; returns how many.

    Files go first: whoever is interrupted does it again, and a file that is gone already is no error.
    """
    due = select(User.id).where(User.leaving_at <= now).order_by(User.id)
    user_ids = list(db.session.scalars(due.limit(100)))
    return sum(_delete(user_id, settings, now) for user_id in user_ids)


def _delete(user_id: int, settings: Settings, now: datetime) -> bool:
    files = list_files(db.session(), user_id)
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if user.leaving_at is None or user.leaving_at > now:
            return False  # they came back in the last moment
        delete_files(files, settings)
        let_go(session, user_id, now)
    return True
