"""Sessions: where somebody is signed in, and how that ends.

A session's cookie names the person, the epoch of their sessions and a random key. The row behind the key says
whether the session lives. The vote's own transaction does not look at it: it compares the epoch alone, which it
reads anyway. So whatever ends a session raises the person's epoch and carries the new one over to the sessions
that go on; their cookies learn it at the next page, and a vote sent before that is answered by the view, which
looks at the row. A session that somebody ended votes no more from that moment, at no cost to the others; one whose
time is over shows no page any more, and may vote until the hourly sweep ends it for good.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.orm.attributes import set_committed_value

from quilt.accounts.models import User
from quilt.accounts.models_security import UserSession
from quilt.accounts.people import Person
from quilt.accounts.rules import IDLE_LIMITS, LONGEST_SESSIONS, hash_key, make_key
from quilt.database import db, transaction, write

SEEN_EVERY = timedelta(hours=1)  # a visit is written down this often at most
MOST_SESSIONS = 50  # of one person: the longest unseen ends


def start_session(
    user: User | Person,
    *,
    way: str,
    device: str,
    now: datetime,
    entropy: Callable[[int], bytes],
    replaces: str = "",
) -> str:
    """Begin a session and return its key for the cookie; the one whose key it `replaces` ends.

    `user` learns the epoch that is theirs afterwards.
    """
    key = make_key(entropy)
    epoch = write(_start, user.id, hash_key(key), hash_key(replaces) if replaces else None, way, device, now)
    if isinstance(user, User):
        set_committed_value(user, "session_epoch", epoch)
    else:
        user.session_epoch = epoch
    return key


def is_alive(person: Person, now: datetime) -> bool:
    """Whether the session with which `find_signed_in` found this person still lives."""
    fits = person.kept_epoch == person.session_epoch and not person.is_gone
    return bool(fits and now < person.ends_at and now < person.idle_until)


def note_visit(person: Person, now: datetime) -> None:
    """Put the session's idle limit off, once an hour at most: not every page is worth a write."""
    if now - person.seen_at >= min(SEEN_EVERY, IDLE_LIMITS[person.role] / 12):
        write(_note_visit, person.session_id, now, now + IDLE_LIMITS[person.role])


def list_sessions(user_id: int, now: datetime) -> list[UserSession]:
    """Where a person is signed in, the last seen first."""
    statement = (
        select(UserSession)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.user_id == user_id,
            UserSession.epoch == User.session_epoch,
            UserSession.ends_at > now,
            UserSession.idle_until > now,
        )
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(statement))


def end_session(user_id: int, session_id: int) -> bool:
    """End one session of this person; False where they have none of that number."""
    return write(_end_one, user_id, session_id)


def end_session_of(key: str) -> None:
    """End the session with this key, if there is one: what signing out does, also to a copied cookie."""
    write(_end_by_key, hash_key(key))


def end_sessions(user_id: int) -> User:
    """Sign a person out everywhere: every session cookie made before now stops fitting."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        end_all(session.connection(), user_id)
        session.refresh(user)
    return user


def end_all(connection: Connection, user_id: int) -> None:
    """End every session of a person within the caller's transaction."""
    connection.execute(update(User).where(User.id == user_id).values(session_epoch=User.session_epoch + 1))
    connection.execute(delete(UserSession).where(UserSession.user_id == user_id))


def forget_dead_sessions(now: datetime) -> int:
    """End what was not used for long, or was used for too long; returns how many."""
    return write(_forget_dead, now)


def _start(
    connection: Connection,
    user_id: int,
    key_hash: bytes,
    old: bytes | None,
    way: str,
    device: str,
    now: datetime,
) -> int:
    if old is not None:
        _end_by_key(connection, old)
    user = connection.execute(select(User.role, User.session_epoch).where(User.id == user_id)).one()
    connection.execute(
        insert(UserSession).values(
            user_id=user_id, key_hash=key_hash, epoch=user.session_epoch, device=device, way=way, started_at=now,
            seen_at=now, ends_at=now + LONGEST_SESSIONS[user.role], idle_until=now + IDLE_LIMITS[user.role],
        )
    )  # fmt: skip
    newest = select(UserSession.id).where(UserSession.user_id == user_id)
    for session_id in connection.scalars(
        newest.order_by(UserSession.seen_at.desc()).offset(MOST_SESSIONS)
    ).all():
        _end_one(connection, user_id, session_id)
    epoch: int = connection.execute(select(User.session_epoch).where(User.id == user_id)).scalar_one()
    return epoch


def _note_visit(connection: Connection, session_id: int, now: datetime, idle_until: datetime) -> None:
    kept = update(UserSession).where(UserSession.id == session_id, UserSession.seen_at < now)
    connection.execute(kept.values(seen_at=now, idle_until=idle_until))


def _end_by_key(connection: Connection, key_hash: bytes) -> None:
    found: Any = connection.execute(
        select(UserSession.id, UserSession.user_id).where(UserSession.key_hash == key_hash)
    ).first()
    if found is not None:
        _end_one(connection, found.user_id, found.id)


def _end_one(connection: Connection, user_id: int, session_id: int) -> bool:
    """Delete the row, raise the person's epoch, and carry it over to the sessions that go on."""
    raised = update(User).where(User.id == user_id).values(session_epoch=User.session_epoch + 1)
    gone = delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
    if not connection.execute(gone).rowcount:
        return False
    epoch: int = connection.execute(raised.returning(User.session_epoch)).scalar_one()
    going_on = update(UserSession).where(UserSession.user_id == user_id, UserSession.epoch == epoch - 1)
    connection.execute(going_on.values(epoch=epoch))
    return True


def _forget_dead(connection: Connection, now: datetime) -> int:
    over = or_(UserSession.idle_until <= now, UserSession.ends_at <= now)
    dead = connection.execute(select(UserSession.id, UserSession.user_id).where(over).limit(500)).all()
    for row in dead:
        _end_one(connection, row.user_id, row.id)
    stale = select(UserSession.id).join(User, User.id == UserSession.user_id)
    connection.execute(
        delete(UserSession).where(UserSession.id.in_(stale.where(UserSession.epoch != User.session_epoch)))
    )
    return len(dead)
