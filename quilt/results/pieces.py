"""Reading tables of any length a piece at a time: while somebody downloads, no connection and no transaction is held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select
from sqlalchemy.orm import InstrumentedAttribute

from quilt.database import get_engine

PIECE = 2_000  # rows that are in memory at once

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
    """The rows of a SELECT in the order of `key`, which no two rows share and which only newer rows have higher.

    To be called within an application; the rows can be read after its context has gone. A row that changes meanwhile
    is told as it is when its piece is read.
    """
    return _read(get_engine(), key, statement.add_columns(key).order_by(key).limit(PIECE))


def _read(engine: Engine, key: Key, statement: Select[*tuple[Any, ...]]) -> Iterator[Row]:
    asked = statement
    while True:
        with engine.connect() as connection:
            rows = connection.execute(asked).all()
        for row in rows:
            yield row[:-1]
        if len(rows) < PIECE:
            return
        asked = statement.where(key > rows[-1][-1])
