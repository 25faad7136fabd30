"""The log of a contest: written by the transaction that changes it, read by the desk and, in part, by everybody."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.contests.models import Contest, ContestChange
from quilt.database import db

MOST_CHARACTERS = 400  # of one value in the log: a long text stands elsewhere


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One row of the log; `fields` are (column, before, after); `actor_name` is an address where there is no name."""

    kind: str
    words: str
    fields: tuple[tuple[str, str, str], ...]
    is_public: bool
    actor_name: str
    changed_at: datetime


def lock_contest(session: Session, contest_id: int) -> Contest:
    """The contest as it stands, with its phases and policy; nobody else changes it until the transaction ends."""
    return session.get_one(Contest, contest_id, with_for_update={"of": Contest}, populate_existing=True)


def make_pages_fresh(on: Session | Connection, contest_id: int) -> None:
    """Have the contest's pages built anew once the caller's transaction ends.

    The database adds: who changes something else at the same time holds no lock that this one waits for.
    """
    on.execute(update(Contest).where(Contest.id == contest_id).values(version=Contest.version + 1))


def write_change(
    session: Session,
    contest: Contest,
    kind: str,
    *,
    actor_id: int | None,
    now: datetime,
    words: str = "",
    fields: Mapping[str, tuple[object, object]] = {},
    is_public: bool = False,
) -> None:
    """Add a row to the log of the contest, in the caller's transaction, and make its pages fresh.

    `fields` holds what was before and what is after, by name; `words` of a public change are for everybody.
    """
    detail = {name: [_shorten(before), _shorten(after)] for name, (before, after) in fields.items()}
    contest.version, contest.edit_count = Contest.version + 1, Contest.edit_count + 1  # as make_pages_fresh
    session.add(
        ContestChange(
            contest_id=contest.id, kind=kind, words=words, is_public=is_public, actor_id=actor_id, changed_at=now,
            detail=json.dumps(detail, ensure_ascii=False) if detail else "",
        )
    )  # fmt: skip


def assign(row: Any, values: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """Set columns of a row; returns what changed: name → (before, after)."""
    changed = {
        name: (getattr(row, name), value) for name, value in values.items() if getattr(row, name) != value
    }
    for name, (_, value) in changed.items():
        setattr(row, name, value)
    return changed


def list_changes(contest_id: int, limit: int = 100) -> list[ChangeLine]:
    """The newest rows of a contest's log, the newest first."""
    statement = (
        select(ContestChange, func.coalesce(func.nullif(User.name, ""), User.email, ""))
        .outerjoin(User, User.id == ContestChange.actor_id)
        .where(ContestChange.contest_id == contest_id)
        .order_by(ContestChange.id.desc())
        .limit(limit)
    )
    return [_line(row, name) for row, name in db.session.execute(statement)]


def _line(row: ContestChange, actor_name: str) -> ChangeLine:
    detail = json.loads(row.detail) if row.detail else {}
    fields = tuple((name, before, after) for name, (before, after) in detail.items())
    return ChangeLine(row.kind, row.words, fields, row.is_public, actor_name, row.changed_at)


def _shorten(value: object) -> str:
    text = value.isoformat(timespec="minutes") if isinstance(value, datetime) else str(value)
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…"
