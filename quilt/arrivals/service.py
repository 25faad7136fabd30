"""Recording arrivals, and what was not counted."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from quilt.arrivals.models import NotCounted, UsedNonce, VisitorSalt
from quilt.arrivals.nodes import Node, Visit
from quilt.arrivals.recording import record_one
from quilt.database import Write, database_key, get_engine, insert_if_new, insert_or_change, write
from quilt.prepared import Prepared
from quilt.spread.codes import Entropy
from quilt.spread.counting import NotCounted as Reason

SALT_AGE = timedelta(hours=48)
NONCE_AGE = timedelta(hours=13)  # a page's forms are good for twelve

_nonces = UsedNonce.__table__
_not_counted = NotCounted.__table__
_salts = VisitorSalt.__table__
_COUNT_OUT = Prepared(
    lambda dialect: insert_or_change(_not_counted, dialect, add=("visits_count",)),
    ("entry_id", "day", "reason", "visits_count"),
)
_SALT = Prepared(select(_salts.c.salt).where(_salts.c.day == bindparam("day")))
_known_salts: dict[tuple[int, date], bytes] = {}


def record_arrival(visit: Visit, nonce: bytes | None, *, now: datetime, entropy: Entropy) -> Node:
    """Count a visit once and return the visitor's node, durable when this returns.

    A known visitor gets their first node again, and a return is counted. Raises NonceUsed where another
    visitor has used this page's nonce.
    """
    node: Node = plan_arrival(visit, nonce, now=now, entropy=entropy).run()
    return node


def plan_arrival(visit: Visit, nonce: bytes | None, *, now: datetime, entropy: Entropy) -> Write:
    """The same as a write that is still to be done."""
    return Write(record_one, (visit, nonce, now, entropy))


def record_not_counted(entry_id: int, reason: Reason, now: datetime) -> None:
    """Add one to the day's number of visits that were no person, by reason."""
    plan_not_counted(entry_id, reason, now).run()


def plan_not_counted(entry_id: int, reason: Reason, now: datetime) -> Write:
    """The same as a write that is still to be done."""
    row = {"entry_id": entry_id, "day": now.astimezone(UTC).date(), "reason": reason.value, "visits_count": 1}
    return Write(_count_out, (row,))


def get_salt(now: datetime, entropy: Entropy) -> bytes:
    """The day's random key for visitors' pseudonyms (UTC days), made by whoever needs it first."""
    day = now.astimezone(UTC).date()
    known = _known_salts.get((database_key(), day))
    if known is None:
        known = _SALT.read_first(get_engine(), {"day": day})  # who waits for a write keeps a thread
        known = bytes(known.salt) if known else _make_salt(day, entropy)
        _known_salts.clear()
        _known_salts[(database_key(), day)] = known
    return known


def _make_salt(day: date, entropy: Entropy) -> bytes:
    def work(connection: Connection) -> bytes:
        insert = insert_if_new(_salts, connection.dialect.name)
        connection.execute(insert, {"day": day, "salt": entropy(32)})
        return bytes(connection.execute(select(_salts.c.salt).where(_salts.c.day == day)).scalar_one())

    return write(work)


def forget_old(now: datetime) -> tuple[int, int]:
    """Delete salts whose day began 48 hours ago, and used nonces that can no longer come again; how many of each."""
    forgotten_day = (now - SALT_AGE).astimezone(UTC).date()

    def work(connection: Connection) -> tuple[int, int]:
        salts = connection.execute(delete(VisitorSalt).where(_salts.c.day <= forgotten_day)).rowcount
        nonces = connection.execute(delete(UsedNonce).where(_nonces.c.used_at < now - NONCE_AGE)).rowcount
        return salts, nonces

    return write(work)


def _count_out(connection: Connection, row: dict[str, object]) -> None:
    _COUNT_OUT.rows(connection, row)
