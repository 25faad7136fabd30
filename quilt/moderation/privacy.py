"""What the log of moderation knows of a person: it only grows, so it tells and does not forget."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, tells
from quilt.moderation.models import ModerationLog


@tells("decisions")
def tell_decisions(session: Session, user_id: int) -> Iterable[Row]:
    """What they decided as one of the people in charge."""
    statement = select(ModerationLog).where(ModerationLog.actor_id == user_id).order_by(ModerationLog.id)
    for row in session.scalars(statement):
        yield {
            "about": f"{row.subject_kind} {row.subject_id}", "action": row.action, "reason": row.reason,
            "words": row.words, "decided": row.decided_at,
        }  # fmt: skip
