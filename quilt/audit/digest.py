"""One hash for each table: whoever compares two of them knows whether any row was changed in between."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from quilt.database import Base

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class TableDigest:
    """A table's name, how many rows it has, and the SHA-256 of them in the order of their keys."""

    name: str
    rows: int
    digest: str


def digest_tables(connection: Connection) -> list[TableDigest]:
    """The digest of every table, by name. Equal rows give equal digests."""
    return [_digest(connection, name) for name in sorted(Base.metadata.tables)]


def spell_digests(digests: list[TableDigest]) -> Iterator[str]:
    """A line for each table, and one for all of them."""
    whole = hashlib.sha256()
    for table in digests:
        line = f"{table.name:<24}{table.rows:>10,} rows  {table.digest}"
        whole.update(f"{table.name} {table.rows} {table.digest}\n".encode())
        yield line
    yield f"{'all':<24}{sum(table.rows for table in digests):>10,} rows  {whole.hexdigest()}"


def _digest(connection: Connection, name: str) -> TableDigest:
    table = Base.metadata.tables[name]
    columns = sorted(table.columns, key=lambda column: column.name)
    statement = select(*columns).order_by(*table.primary_key.columns)
    rows = connection.execute(statement.execution_options(yield_per=ROWS_AT_ONCE))
    digest, count = hashlib.sha256(), 0
    for row in rows:
        digest.update(repr([_plain(value) for value in row]).encode())
        count += 1
    return TableDigest(name, count, digest.hexdigest())


def _plain(value: Any) -> Any:
    """The value as both databases would give it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, memoryview):
        return bytes(value)
    return value
