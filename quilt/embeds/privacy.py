"""What organisations know of a person, and how they let go: who is gone is a member of nothing."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, forgets, tells
from quilt.embeds.models import Membership, Organisation


@tells("organisations")
def tell_organisations(session: Session, user_id: int) -> Iterable[Row]:
    """Where they are a member, and as what."""
    statement = (
        select(Membership, Organisation.name)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.user_id == user_id)
    )
    for membership, name in session.execute(statement):
        yield {"organisation": name, "role": membership.role, "since": membership.joined_at}


@forgets("embeds")
def forget_memberships(session: Session, user_id: int, now: datetime) -> None:
    """Take them out of every organisation."""
    session.execute(delete(Membership).where(Membership.user_id == user_id))
