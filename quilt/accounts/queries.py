"""Reading people and their codes."""

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from quilt.accounts.models import EmailCode, User
from quilt.accounts.people import Person
from quilt.accounts.rules import CODE_WINDOW, AccountRefused, email_key
from quilt.database import db
from quilt.prepared import Prepared

_BY_ID = Prepared(select(User.__table__).where(User.id == bindparam("user_id")))


def find_user(user_id: int) -> User | None:
    """The person with this id, or None."""
    return db.session.get(User, user_id)


def find_visiting_user(user_id: int) -> Person | None:
    """The person with this id as facts to read.

    Every request of a signed-in person needs it, so it costs one prepared statement and no transaction.
    """
    row = _BY_ID.read_first(db.engine, {"user_id": user_id})
    return None if row is None else Person(**row._asdict())


def find_user_by_email(email: str) -> User | None:
    """The person with this address, however it is written, or None (also for what is no address)."""
    try:
        key = email_key(email)
    except AccountRefused:
        return None
    statement = select(User).where(User.email_key == key).execution_options(populate_existing=True)
    return db.session.scalars(statement).first()


def list_unused_code_times(session: Session, key: str, now: datetime) -> list[datetime]:
    """When this address asked for codes in the last hour that were not used, oldest first."""
    statement = (
        select(EmailCode.created_at)
        .where(
            EmailCode.email_key == key,
            EmailCode.created_at > now - CODE_WINDOW,
            EmailCode.used_at.is_(None),
        )
        .order_by(EmailCode.created_at)
    )
    return list(session.scalars(statement))
