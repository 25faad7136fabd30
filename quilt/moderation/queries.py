"""Reading the log of decisions, and what waits for a person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.database import db
from quilt.entries.models import EntryRevision
from quilt.entries.rules import TEXT_FIELDS
from quilt.media.models import Video
from quilt.moderation.models import ModerationLog
from quilt.moderation.rules import Earlier, name_part, say_reason


@dataclass(frozen=True)
class Decision:
    """One row of the log as people read it; `part` is what of the entry the reason is about, or ''."""

    id: int
    subject_kind: str
    subject_id: int
    action: str
    reason: str
    words: str
    actor_name: str
    decided_at: datetime
    part: str


@dataclass(frozen=True)
class Trouble:
    """A video that waits for a person: parked after three failures."""

    video_id: int
    file_name: str
    byte_count: int
    message: str
    owner_name: str
    created_at: datetime


def list_decisions(subject_kind: str, subject_id: int) -> list[Decision]:
    """Everything decided about one thing, the newest first."""
    return _list(
        ModerationLog.subject_kind == subject_kind,
        ModerationLog.subject_id == subject_id,
        limit=200,
        offset=0,
    )


def list_log(limit: int, offset: int = 0) -> list[Decision]:
    """A page of the log, the newest first."""
    return _list(limit=limit, offset=offset)


def count_log() -> int:
    """How many decisions the log holds."""
    return db.session.scalar(select(func.count()).select_from(ModerationLog)) or 0


def find_last_decision(session: Session, subject_kind: str, subject_id: int) -> Earlier | None:
    """Who decided last about this, what, and when."""
    statement = (
        select(User.name, ModerationLog.action, ModerationLog.decided_at)
        .outerjoin(User, User.id == ModerationLog.actor_id)
        .where(ModerationLog.subject_kind == subject_kind, ModerationLog.subject_id == subject_id)
        .order_by(ModerationLog.id.desc())
        .limit(1)
    )
    row = session.execute(statement).first()
    return None if row is None else Earlier(row[0] or "Somebody", row[1], row[2])


def find_decided_texts(entry_id: int, number: int) -> dict[str, str] | None:
    """The texts of the revision before this number, which was the last one decided on; None for the first."""
    statement = select(EntryRevision).where(
        EntryRevision.entry_id == entry_id, EntryRevision.number == number - 1
    )
    row = db.session.scalars(statement).first()
    return None if row is None else {name: getattr(row, name) for name in TEXT_FIELDS}


def list_parked(limit: int = 100) -> list[Trouble]:
    """Parked videos, the oldest first."""
    statement = (
        select(Video.id, Video.file_name, Video.byte_count, Video.message, User.name, Video.created_at)
        .join(User, User.id == Video.owner_id)
        .where(Video.state == "parked")
        .order_by(Video.id)
        .limit(limit)
    )
    return [Trouble(*row) for row in db.session.execute(statement)]


def _list(*conditions: object, limit: int, offset: int) -> list[Decision]:
    statement = (
        select(ModerationLog, User.name)
        .outerjoin(User, User.id == ModerationLog.actor_id)
        .where(*conditions)  # type: ignore[arg-type]
        .order_by(ModerationLog.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        Decision(
            row.id,
            row.subject_kind,
            row.subject_id,
            row.action,
            say_reason(row.action, row.reason) or row.reason,
            row.words,
            name or "Somebody",
            row.decided_at,
            name_part(row.action, row.reason),
        )
        for row, name in db.session.execute(statement)
    ]
