"""Reading the log of decisions, and what waits for a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.arrivals.models import ExclusionLog
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
    """A page of everything decided, the newest first: also about branches of a spread, which have a log of their own."""
    both = union_all(_DECISIONS, _BRANCHES).subquery()
    statement = select(both).order_by(both.c.decided_at.desc(), both.c.id.desc()).limit(limit).offset(offset)
    return [read_decision(row) for row in db.session.execute(statement)]


def read_decision(row: Any) -> Decision:
    """A row of one of the `LOGS` as people read it: its first eight columns, in their order there."""
    number, subject_kind, subject_id, action, reason, words, name, decided_at = row[:8]
    return Decision(
        number, subject_kind, subject_id, action, say_reason(action, reason) or reason, words, name or "Somebody",
        decided_at, name_part(action, reason),
    )  # fmt: skip


def count_log() -> int:
    """How many decisions both logs hold."""
    counts = (
        select(func.count()).select_from(log).scalar_subquery() for log in (ModerationLog, ExclusionLog)
    )
    return sum(db.session.execute(select(*counts)).one())


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


def _list(*conditions: ColumnElement[bool], limit: int, offset: int) -> list[Decision]:
    statement = _DECISIONS.where(*conditions).order_by(ModerationLog.id.desc()).limit(limit).offset(offset)
    return [read_decision(row) for row in db.session.execute(statement)]


_DECISIONS = select(
    ModerationLog.id,
    ModerationLog.subject_kind,
    ModerationLog.subject_id,
    ModerationLog.action,
    ModerationLog.reason,
    ModerationLog.words,
    User.name,
    ModerationLog.decided_at,
).outerjoin(User, User.id == ModerationLog.actor_id)
_BRANCHES = select(
    ExclusionLog.id,
    literal("spread"),
    ExclusionLog.entry_id,
    case((ExclusionLog.is_excluded, "exclude_branch"), else_="restore_branch"),
    literal(""),
    ExclusionLog.reason,
    User.name,
    ExclusionLog.decided_at,
).outerjoin(User, User.id == ExclusionLog.actor_id)
# Each whole, for who reads all of it.
LOGS: tuple[tuple[Any, Select[*tuple[Any, ...]]], ...] = (
    (ModerationLog, _DECISIONS),
    (ExclusionLog, _BRANCHES),
)
