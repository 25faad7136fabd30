"""Keys on their way back: an account is gone here, and its network is told until it has forgotten them.

A network that is down does not hold anybody up: it is asked again for three days, then the keys are erased all the
same.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from quilt.config import Settings
from quilt.database import db, transaction
from quilt.shares.connectors.table import find_connector
from quilt.shares.granting import PostTrip
from quilt.shares.models_posting import Connection, KeyReturn, Post
from quilt.shares.revoking import Fate, revoke
from quilt.shares.sealing import CannotOpen, unseal

MOST_TRIES = 12  # with the pauses between them: a little under three days
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=12)


def let_go_of(session: Session, whose: ColumnElement[bool]) -> list[int]:
    """Delete these connections within the caller's transaction; what waited to be posted by them is not.

    Their keys are kept, for nothing but to be given back: returns the rows' ids.
    """
    rows = session.scalars(select(Connection).where(whose)).all()
    kept = [
        KeyReturn(connector=row.connector, host=row.host, sealed=row.sealed) for row in rows if row.sealed
    ]
    session.add_all(kept)
    session.flush()
    ids = [row.id for row in rows]
    session.execute(
        update(Post)
        .where(Post.connection_id.in_(ids), Post.state == "queued")
        .values(state="failed", reason="The account was disconnected before it was posted.")
    )
    session.execute(update(Post).where(Post.connection_id.in_(ids)).values(connection_id=None))
    session.execute(delete(Connection).where(Connection.id.in_(ids)))
    return [row.id for row in kept]


def give_back(key_id: int, settings: Settings, now: datetime) -> Fate:
    """Ask the network to forget one key; it is erased here unless another try has to be made.

    UNCLEAR too where somebody else is at it at this moment.
    """
    with transaction() as session:
        row = session.get(KeyReturn, key_id, populate_existing=True)
        if row is None or (row.due_at is not None and row.due_at > now):
            return Fate.UNCLEAR
        row.attempts_count += 1
        row.due_at = now + min(FIRST_PAUSE * 2 ** (row.attempts_count - 1), LONGEST_PAUSE)
        name, host, sealed, tries = row.connector, row.host, row.sealed, row.attempts_count
    fate = _ask(name, host, sealed, settings, now)
    if fate is not Fate.UNCLEAR or tries >= MOST_TRIES:
        with transaction() as session:
            session.execute(delete(KeyReturn).where(KeyReturn.id == key_id))
    return fate


def list_due(now: datetime) -> list[int]:
    """The keys that should be given back now, those that nobody has tried first."""
    due = or_(KeyReturn.due_at.is_(None), KeyReturn.due_at <= now)
    return list(db.session.scalars(select(KeyReturn.id).where(due).order_by(KeyReturn.id).limit(200)))


def _ask(name: str, host: str, sealed: str, settings: Settings, now: datetime) -> Fate:
    connector = find_connector(name, settings)
    if connector is None:
        return (
            Fate.NO_DOOR
        )  # the network was switched off here: there are no keys of ours to speak to it with
    try:
        tokens = unseal(sealed, settings.token_keys)
    except CannotOpen:
        return Fate.NO_DOOR
    return revoke(PostTrip(connector.provider, settings, now, connector), host, tokens)
