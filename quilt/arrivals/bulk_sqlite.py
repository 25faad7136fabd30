"""The fold's statements on SQLite, which has one writer: what it reads inside a transaction is of one instant.

A million rows are read as a few long texts, one a column: making Python objects row by row takes three times as
long. The order in which SQLite puts such a text together is its own affair, hence `in_order`.
"""

import json
from collections.abc import Collection, Iterable
from itertools import compress
from typing import Any

from quilt.arrivals.bulk import (
    ADD_CHANNEL,
    ADD_GENERATION,
    ADD_OWN,
    CHANNEL_COLUMNS,
    DRAIN,
    IS_NOT_PLAIN,
    PUT_GENERATION,
    PUT_STAT,
    STAT_COLUMNS,
    WAITING,
    Links,
    StatOf,
    Stats,
    Touched,
    Waiting,
    in_order,
)  # fmt: skip

TOUCHED = (
    "a.id, a.parent_id, a.depth, coalesce(s.subtree_size, 1), coalesce(s.children_count, 0),"
    " coalesce(s.votes_self, 0), coalesce(s.votes_subtree, 0), a.channel, a.state"
)
NOT_LIVE = "!"  # in place of a channel, which is of a-z, 0-9 and "-"


class SqliteBulk:
    """SQLite has one writer: what it reads inside its transaction is of one instant."""

    # Counting 1,000,000 anew takes 1.1 µs for each and 2.5 µs for each row that differs; a fold of 10,000 into
    # them takes 9.9 µs for each of the 29,000 that it touches (benchmarks/spread.py). 1.1 / (9.9 − 2.5), less a
    # margin:
    share = 0.12

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def drain(self, entry_id: int) -> list[Waiting]:
        return [
            (arrival_id, bool(is_new), votes, returns)
            for arrival_id, is_new, votes, returns in self._raw.execute(DRAIN.format("?"), (entry_id,))
        ]

    def climb(self, ids: Collection[int], most: int) -> list[Touched] | None:
        # A join in the recursive step makes the planner read the whole table for a Bloom filter; CROSS JOIN keeps
        # the order of the tables, from the few to their rows. The last step up is NULL, hence one more.
        rows = self._raw.execute(
            "WITH RECURSIVE up(id) AS (SELECT value FROM json_each(?) UNION"
            " SELECT (SELECT parent_id FROM arrival WHERE arrival.id = up.id) FROM up"
            " WHERE up.id IS NOT NULL LIMIT ?)"
            f" SELECT {TOUCHED} FROM up CROSS JOIN arrival a ON a.id = up.id"
            " LEFT JOIN arrival_stat s ON s.arrival_id = a.id",
            (str(list(ids)), most + 2),
        ).fetchall()
        return None if len(rows) > most else sorted(rows)

    def read_links(self, entry_id: int) -> Links:
        columns = self._read_columns(
            "SELECT group_concat(id), group_concat(ifnull(parent_id, 'null')),"
            f" group_concat(CASE state WHEN 'live' THEN channel ELSE '{NOT_LIVE}' END)"
            " FROM arrival WHERE entry_id = ?",
            entry_id,
        )
        if columns is None:
            return Links([], [], [], set())
        ids, parent_ids, channels = in_order([*map(_parse, columns[:2]), columns[2].split(",")])
        excluded: set[int] = set()
        if NOT_LIVE in columns[2]:
            excluded.update(compress(ids, [channel == NOT_LIVE for channel in channels]))
        waiting = self._raw.execute(WAITING.format("?"), (entry_id,)).fetchall()
        return Links(ids, parent_ids, channels, excluded).without({row[0] for row in waiting})

    def read_stats(self, entry_id: int) -> Stats:
        stored = f"FROM arrival_stat WHERE entry_id = ? AND {IS_NOT_PLAIN}"
        columns = self._read_columns(
            "SELECT group_concat(arrival_id), group_concat(subtree_size), group_concat(children_count),"
            f" total(votes_self <> 0 OR votes_subtree <> 0) {stored}",
            entry_id,
        )
        if columns is None:
            return Stats([], [], [], [], [])
        ids, sizes, children = map(_parse, columns[:3])
        own = below = [0] * len(ids)
        if columns[3]:
            votes = f"SELECT group_concat(arrival_id), group_concat(votes_self), group_concat(votes_subtree) {stored}"
            _, own, below = in_order([*map(_parse, self._read_columns(votes, entry_id) or ())])
        ids, sizes, children = in_order([ids, sizes, children])
        return Stats(ids, sizes, children, own, below)

    def put_stats(self, entry_id: int, rows: Iterable[StatOf]) -> None:
        self._raw.executemany(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS}) VALUES (?, {entry_id:d}, ?, ?, ?, ?, 0){PUT_STAT}",
            rows,
        )

    def add_own(self, entry_id: int, rows: Collection[tuple[int, int, int]], size: int = 1) -> None:
        self._raw.executemany(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS}) VALUES (?1, {entry_id:d}, {size:d}, 0, ?2, 0, ?3){ADD_OWN}",
            rows,
        )

    def put_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> None:
        self._raw.executemany(
            "INSERT INTO entry_generation (entry_id, generation, people_count, votes_count)"
            f" VALUES ({entry_id:d}, ?, ?, ?){PUT_GENERATION}",
            rows,
        )

    def add_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> int:
        statement = (
            "INSERT INTO entry_generation (entry_id, generation, people_count, votes_count)"
            f" VALUES (?, ?, ?, ?){ADD_GENERATION}"
        )
        return max((self._raw.execute(statement, (entry_id, *row)).fetchone()[0] for row in rows), default=0)

    def add_channels(self, entry_id: int, rows: Iterable[tuple[str, int, int, int, int]]) -> None:
        self._raw.executemany(
            f"INSERT INTO entry_channel ({CHANNEL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?){ADD_CHANNEL}",
            ((entry_id, *row) for row in rows),
        )

    def _read_columns(self, statement: str, entry_id: int) -> tuple[Any, ...] | None:
        """One row of whole columns; None where there is nothing."""
        columns: tuple[Any, ...] = self._raw.execute(statement, (entry_id,)).fetchone()
        return None if columns[0] is None else columns


def _parse(text: str) -> list[Any]:
    """The numbers of a column, and None where it says null."""
    numbers: list[Any] = json.loads(f"[{text}]")
    return numbers
