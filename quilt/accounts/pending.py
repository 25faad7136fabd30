"""What somebody was about to do when they were asked to sign in: kept for a day, and finished once."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from quilt.accounts.models_identity import PendingAct
from quilt.accounts.rules import make_key
from quilt.database import db, transaction

LIFE = timedelta(hours=24)
MOST_CHARACTERS = 300_000  # of one act as JSON: four texts of 12,000 signs, each escaped as six


@dataclass(frozen=True, slots=True)
class Act:
    """An act that waits: which kind, and what the page that finishes it needs."""

    kind: str
    facts: dict[str, Any]


def keep_act(kind: str, facts: dict[str, Any], now: datetime, entropy: Callable[[int], bytes]) -> str:
    """Keep an act and return the key that this browser gets. Raises ValueError for more than is ever typed."""
    text = json.dumps(facts, ensure_ascii=False)
    if len(text) > MOST_CHARACTERS:
        raise ValueError("too much to keep")
    key = make_key(entropy)
    with transaction() as session:
        session.add(PendingAct(key_hash=_hash(key), kind=kind, facts=text, created_at=now))
    return key


def find_act(key: str, now: datetime) -> Act | None:
    """The act that waits under this key, or None where it is done, over or unknown."""
    row = db.session.execute(select(PendingAct.kind, PendingAct.facts).where(*_waiting(key, now))).first()
    return None if row is None else Act(row.kind, json.loads(row.facts))


def take_act(key: str, now: datetime) -> Act | None:
    """The same, marked as done: who asks at the same time gets None."""
    with transaction() as session:
        row = session.execute(
            update(PendingAct)
            .where(*_waiting(key, now))
            .values(done_at=now)
            .returning(PendingAct.kind, PendingAct.facts)
        ).first()
    return None if row is None else Act(row.kind, json.loads(row.facts))


def put_back(key: str) -> None:
    """Let an act wait again: finishing it broke on our side, or somebody else had signed in."""
    with transaction() as session:
        session.execute(update(PendingAct).where(PendingAct.key_hash == _hash(key)).values(done_at=None))


def forget_old_acts(now: datetime) -> int:
    """Delete what is done, and what waited for a day; returns how many."""
    with transaction() as session:
        done = session.execute(
            delete(PendingAct).where((PendingAct.created_at < now - LIFE) | PendingAct.done_at.is_not(None))
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


def _waiting(key: str, now: datetime) -> tuple[Any, ...]:
    return (
        PendingAct.key_hash == _hash(key),
        PendingAct.done_at.is_(None),
        PendingAct.created_at > now - LIFE,
    )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
