"""Whether there is anything new to notice: one small statement in place of all that a look reads."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import ContestChange, Phase
from quilt.database import db
from quilt.entries.models import Entry
from quilt.integrity.models import VoteAlert
from quilt.moderation.models import ModerationLog
from quilt.webhooks.models import Webhook

LONGEST_WAIT = timedelta(minutes=1)  # then one looks anyway: a transaction may end after one that began later


class Watch:
    """What one worker saw at its last look. Nothing is read but this while nobody listens or nothing has changed."""

    def __init__(self) -> None:
        self._seen: tuple[Any, ...] | None = None
        self._looked_at: datetime | None = None

    def look(self, now: datetime) -> bool:
        """Whether there may be something new; to be asked before one looks for it."""
        is_heard, *marks = db.session.execute(_marks(now)).one()
        db.session.rollback()
        if not is_heard:
            self._seen = None
            return False
        is_old = self._looked_at is None or now - self._looked_at >= LONGEST_WAIT
        if tuple(marks) == self._seen and not is_old:
            return False
        self._seen, self._looked_at = tuple(marks), now
        return True

    def forget(self) -> None:
        """The look was not finished: the next one is made whatever has happened."""
        self._seen = None


def _marks(now: datetime) -> Any:
    """Whether anybody listens, then what moves when any kind of event has come to be (votes have a beat of their own)."""
    return select(
        exists().where(Webhook.off_at.is_(None)),
        select(func.max(ModerationLog.id)).scalar_subquery(),
        select(func.max(ContestChange.id)).scalar_subquery(),
        select(func.max(VoteAlert.id)).scalar_subquery(),
        select(func.max(Entry.submitted_at)).scalar_subquery(),
        select(func.max(EntrySpread.folded_at)).scalar_subquery(),
        select(func.count()).select_from(Phase).where(Phase.starts_at <= now).scalar_subquery(),
        select(func.count()).select_from(Phase).where(Phase.ends_at <= now).scalar_subquery(),
    )
