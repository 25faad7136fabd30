"""Many rows at once: statements whose text does not grow with how many there are.

A list of a few hundred values written out in the SQL is parsed again each time, by the driver and by the database;
as one array (PostgreSQL) or one JSON text (SQLite) it is not.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

_ADD_LEAVES = {
    "sqlite": "INSERT INTO ledger_leaf (contest_id, number, line, vote_id) VALUES (?, ?, ?, ?)",
    "postgresql": (
        # Lines go as bytes (%b): to quote them for an array's text cost a third of a batch.
        "INSERT INTO ledger_leaf (contest_id, number, line, vote_id) SELECT %s, %s + place - 1, line, vote_id"
        " FROM unnest(%b::text[], %b::bigint[]) WITH ORDINALITY AS given(line, vote_id, place)"
    ),
}


def among(column: ColumnElement[int], ids: Sequence[int], dialect: str) -> ColumnElement[bool]:
    """`column IN ids`, for a WHERE on the database of this dialect."""
    if dialect == "sqlite":
        values = func.json_each(json.dumps(list(ids))).table_valued("value")
        return column.in_(select(values.c.value))
    return column == any_(bindparam(None, list(ids), type_=ARRAY(BigInteger)))


def add_leaves(
    connection: Connection,
    contest_id: int,
    first: int,
    lines: Sequence[bytes],
    vote_ids: Sequence[int | None],
) -> None:
    """Insert these lines as the leaves from number `first` on; `vote_ids` names the vote of each, if any."""
    texts = [line.decode() for line in lines]
    dialect = connection.dialect.name
    values: Any
    if dialect == "sqlite":
        values = [
            (contest_id, number, text, vote_id)
            for number, (text, vote_id) in enumerate(zip(texts, vote_ids, strict=True), first)
        ]
    else:
        values = (contest_id, first, texts, list(vote_ids))
    connection.exec_driver_sql(_ADD_LEAVES[dialect], values)
