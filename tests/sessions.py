"""Sessions of people who are signed in, begun many at a time: what a browser's cookie holds, and the row behind it."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from quilt.accounts.models import User
from quilt.accounts.models_security import UserSession
from quilt.accounts.rules import IDLE_LIMITS, hash_key, make_key
from quilt.database import write
from quilt.web.signing_in import KEY


def start_sessions(user_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """A new session of each of these people, by their number: what a browser's cookie holds of it."""
    keys = {user_id: make_key(secrets.token_bytes) for user_id in user_ids}
    epochs = write(_start, keys, datetime.now(UTC))
    return {
        user_id: {"_user_id": f"{user_id}.{epochs[user_id]}", "_fresh": True, "_permanent": True, KEY: key}
        for user_id, key in keys.items()
    }


def _start(connection: Connection, keys: dict[int, str], now: datetime) -> dict[int, int]:
    """The epoch of each person's sessions; it may run twice, as everything does that is written."""
    people = connection.execute(select(User.id, User.role, User.session_epoch).where(User.id.in_(keys))).all()
    rows = [
        {
            "user_id": person.id, "key_hash": hash_key(keys[person.id]), "epoch": person.session_epoch, "device": "",
            "way": "code", "started_at": now, "seen_at": now, "ends_at": now + timedelta(days=7),
            "idle_until": now + IDLE_LIMITS[person.role],
        }
        for person in people
    ]  # fmt: skip
    connection.execute(insert(UserSession), rows)
    return {person.id: person.session_epoch for person in people}
