"""The fold's statements on SQLite, which has one writer: what it reads inside a transaction is of one instant."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from quilt.arrivals.bulk import (
    ADD_OWN,
    COUNT_STATS,
    DRAIN,
    IS_NOT_PLAIN,
    PUT_GENERATION,
    STAT_COLUMNS,
    TOUCHED,
    Links,
    StatOf,
    Touched,
    Waiting,
)  # fmt: skip

ROWS_AT_A_TIME = 500  # few enough to stay in the processor's cache


class SqliteBulk:
    """SQLite has one writer: what it reads inside its transaction is of one instant."""

    # Counting 1,000,000 anew takes 2.5 µs for each and 4 µs for each row that differs; a fold of 10,000 into them
    # takes 14 µs for each of the 29,000 that it touches (processor time, benchmarks/spread.py). 2.5 / (14 − 4):
    share = 0.2

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
        ids, parent_ids, channels = self._read_columns(
            "SELECT id, parent_id, CASE state WHEN 'live' THEN channel END"
            " FROM arrival WHERE entry_id = ?1 AND id NOT IN"
            " (SELECT arrival_id FROM arrival_inbox WHERE entry_id = ?1 AND is_new) ORDER BY id",
            entry_id,
            3,
        )
        excluded: set[int] = set()
        if None in channels:
            excluded.update(node for node, channel in zip(ids, channels, strict=True) if channel is None)
        return Links(ids, parent_ids, channels, excluded)

    def read_stats(self, entry_id: int) -> list[StatOf]:
        rows: list[StatOf] = self._raw.execute(
            "SELECT arrival_id, subtree_size, children_count, votes_self, votes_subtree"
            f" FROM arrival_stat WHERE entry_id = ? AND {IS_NOT_PLAIN} ORDER BY arrival_id",
            (entry_id,),
        ).fetchall()
        return rows

    def count_stats(self, entry_id: int) -> int:
        return int(self._raw.execute(COUNT_STATS.format("?"), (entry_id,)).fetchone()[0])

    def list_stats(self, entry_id: int) -> set[int]:
        rows = self._raw.execute("SELECT arrival_id FROM arrival_stat WHERE entry_id = ?", (entry_id,))
        return {row[0] for row in rows}

    def add_stats(self, entry_id: int, rows: Iterable[StatOf]) -> None:
        self._raw.executemany(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS}) VALUES (?1, {entry_id:d}, ?2, ?3, ?4, ?5, 0)", rows
        )

    def change_stats(self, rows: Iterable[StatOf]) -> None:
        self._raw.executemany(
            "UPDATE arrival_stat SET subtree_size = ?2, children_count = ?3, votes_self = ?4, votes_subtree = ?5"
            " WHERE arrival_id = ?1",
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

    def _read_columns(self, statement: str, entry_id: int, count: int) -> list[list[Any]]:
        columns: list[list[Any]] = [[] for _ in range(count)]
        rows = self._raw.execute(statement, (entry_id,))
        while some := list(islice(rows, ROWS_AT_A_TIME)):
            for column, values in zip(columns, zip(*some, strict=True), strict=True):
                column.extend(values)
        return columns
