"""Until when an appeal against a published result is heard, and that nothing is decided once the result is final.

The row of a contest's settlement stands from the publication of its result on. Whoever decides about votes holds it
with others, whoever makes the result final holds it alone: of the two, one is first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from quilt.database import insert_or_change
from quilt.votes.bulk import among
from quilt.votes.ledger_models import LedgerEntry, Settlement
from quilt.votes.models import Vote

_settlement, _vote = Settlement.__table__, Vote.__table__


def hear_appeals(connection: Connection, contest_id: int, until: datetime) -> None:
    """A result is published: appeals against it are heard until then."""
    row = {"contest_id": contest_id, "appeals_until": until, "settled_at": None}
    put = ("appeals_until", "settled_at")
    connection.execute(insert_or_change(_settlement, connection.dialect.name, put=put), row)


def forget_settlement(connection: Connection, contest_id: int) -> None:
    """The result was taken back: everything is open again."""
    connection.execute(delete(Settlement).where(_settlement.c.contest_id == contest_id))


def lock_settlement(connection: Connection, contest_id: int) -> bool:
    """Hold off everybody who would decide about votes of the contest; False where no result is published."""
    statement = select(_settlement.c.contest_id).where(_settlement.c.contest_id == contest_id)
    return connection.scalar(statement.with_for_update()) is not None


def settle(connection: Connection, contest_id: int, now: datetime) -> None:
    """From now on nothing about the contest's votes is decided. Call it under `lock_settlement`."""
    changed = update(Settlement).where(_settlement.c.contest_id == contest_id).values(settled_at=now)
    connection.execute(changed)


def is_settled(connection: Connection, contest_id: int) -> bool:
    """Whether the contest's result is final; it stays as it is until the caller's transaction ends."""
    return _is_any_settled(connection, _settlement.c.contest_id == contest_id)


def is_any_settled(connection: Connection, vote_ids: Sequence[int]) -> bool:
    """As `is_settled`, for the contests of these votes."""
    contests = select(_vote.c.contest_id).where(among(_vote.c.id, vote_ids, connection.dialect.name))
    return _is_any_settled(connection, _settlement.c.contest_id.in_(contests))


def contradicts_result(connection: Connection, contest_id: int, entry_id: int, runs: bool) -> bool:
    """Whether the contest's result is final, and has this entry in the running, or out of it, other than `runs` says.

    As with `is_settled` it stays so until the caller's transaction ends.
    """
    if not is_settled(connection, contest_id):
        return False
    is_running = connection.scalar(select(LedgerEntry.is_running).where(LedgerEntry.entry_id == entry_id))
    return (is_running is not False) != runs  # of whom no leaf tells is in the running


def are_appeals_over(connection: Connection, contest_id: int, now: datetime) -> bool:
    """Whether the result's time for appeals has passed; before a result is published it has not begun."""
    rows = _hold(connection, _settlement.c.contest_id == contest_id)
    return any(row.settled_at is not None or now >= row.appeals_until for row in rows)


def _is_any_settled(connection: Connection, of_contests: ColumnElement[bool]) -> bool:
    return any(row.settled_at is not None for row in _hold(connection, of_contests))


def _hold(connection: Connection, of_contests: ColumnElement[bool]) -> Sequence[Any]:
    """The rows of these contests, whatever they say: a row that a condition leaves out is held by nobody."""
    statement = select(_settlement.c.appeals_until, _settlement.c.settled_at).where(of_contests)
    return connection.execute(statement.with_for_update(read=True)).all()
