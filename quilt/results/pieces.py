"""Reading tables of any length a piece at a time: while somebody downloads, no connection and no transaction is held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from quilt.database import get_engine

PIECE = 2_000  # keys of a piece: no more rows are in memory at once

Row = Sequence[Any]
Key = ColumnElement[int] | InstrumentedAttribute[int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one instant to before another; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, column: Any) -> list[ColumnElement[bool]]:
        """The conditions under which a column of times lies within."""
        found = [column >= self.since] if self.since is not None else []
        return found + ([column < self.until] if self.until is not None else [])


def read_in_pieces(key: Key, statement: Select[*tuple[Any, ...]]) -> Iterator[Row]:
    """The rows of a SELECT in the order of `key`, its table's own key, of which newer rows have higher ones.

    To be called within an application; the rows can be read after its context has gone. A row that changes meanwhile
    is told as it is when its piece is read.
    """
    return _read(get_engine(), key, statement.order_by(key))


def _read(engine: Engine, key: Key, statement: Select[*tuple[Any, ...]]) -> Iterator[Row]:
    """First the end of the next piece, then what lies before it: both databases find that by the key alone."""
    last = -1
    while True:
        keys = select(key.label("key")).where(key > last).order_by(key).limit(PIECE).subquery()
        with engine.connect() as connection:
            end = connection.scalar(select(func.max(keys.c.key)))
            if end is None:
                return
            rows = connection.execute(statement.where(key > last, key <= end)).all()
        yield from rows
        last = end
