"""The fold's statements on PostgreSQL, which takes and gives whole columns.

Each statement sees the tables as of its own start, while others go on writing.
"""

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator
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

SENT_AT_A_TIME = 50_000
STEPS_UP = 40  # generations that are climbed with a query each; few people stand above that
COLUMNS_OF_STATS = (
    "unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::bigint[])"
    " AS new(id, size, children, own, below)"
)


class PostgresqlBulk:
    """PostgreSQL answers each statement as of its own start, while others go on writing."""

    # Counting 1,000,000 anew takes 1.5 µs for each and 30 µs for each row that differs, few rows or many; a fold
    # of 10,000 into them takes 60 µs for each of the 29,000 that it touches (clock, for half of the work is the
    # server's; benchmarks/spread.py). 1.5 / (60 − 30):
    share = 0.05

    def __init__(self, raw: Any) -> None:
        self._cursor = raw.cursor(binary=True)

    def drain(self, entry_id: int) -> list[Waiting]:
        return self._fetch(DRAIN.format("%s"), entry_id)

    def climb(self, ids: Collection[int], most: int) -> list[Touched] | None:
        found: dict[int, Touched] = {}
        wanted = set(ids)
        for _ in range(STEPS_UP):
            if not wanted or len(found) + len(wanted) > most:
                break
            wanted = self._step_up(wanted, found)
        if wanted and len(found) + len(wanted) <= most:
            above = self._list_above(wanted, most - len(found) + 1)
            if len(found) + len(above) <= most:
                self._step_up(above, found)
                wanted = set()
        return None if wanted else [found[node_id] for node_id in sorted(found)]

    def read_links(self, entry_id: int) -> Links:
        # Packed columns are the fastest way out.
        ids, parents, channels, excluded = self._fetch(
            "SELECT string_agg(int8send(id), ''), string_agg(int8send(coalesce(parent_id, 0)), ''),"
            " string_agg(channel, ','), array_agg(id) FILTER (WHERE state <> 'live') FROM ("
            "SELECT id, parent_id, channel, state FROM arrival a WHERE entry_id = %s AND NOT EXISTS ("
            "SELECT FROM arrival_inbox i WHERE i.entry_id = a.entry_id AND i.arrival_id = a.id AND i.is_new)"
            " ORDER BY id) AS arrival",
            entry_id,
        )[0]
        if ids is None:
            return Links([], [], [], set())
        parent_ids = [parent_id or None for parent_id in _unpack("q", parents)]
        return Links(_unpack("q", ids), parent_ids, channels.split(","), set(excluded or ()))

    def read_stats(self, entry_id: int) -> list[StatOf]:
        packed = self._fetch(
            "SELECT string_agg(int8send(arrival_id), ''), string_agg(int8send(subtree_size), ''),"
            " string_agg(int4send(children_count), ''), string_agg(int4send(votes_self), ''),"
            " string_agg(int8send(votes_subtree), '') FROM ("
            f"SELECT * FROM arrival_stat WHERE entry_id = %s AND {IS_NOT_PLAIN} ORDER BY arrival_id) AS stat",
            entry_id,
        )[0]
        if packed[0] is None:
            return []
        return list(zip(*map(_unpack, "qqiiq", packed), strict=True))

    def count_stats(self, entry_id: int) -> int:
        return int(self._fetch(COUNT_STATS.format("%s"), entry_id)[0][0])

    def list_stats(self, entry_id: int) -> set[int]:
        packed = self._fetch(
            "SELECT string_agg(int8send(arrival_id), '') FROM arrival_stat WHERE entry_id = %s", entry_id
        )[0][0]
        return set(_unpack("q", packed or b""))

    def add_stats(self, entry_id: int, rows: Iterable[StatOf]) -> None:
        self._send(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS}) SELECT id, {entry_id:d}, size, children, own, below, 0"
            f" FROM {COLUMNS_OF_STATS}",
            rows,
        )

    def change_stats(self, rows: Iterable[StatOf]) -> None:
        self._send(
            "UPDATE arrival_stat SET subtree_size = size, children_count = children, votes_self = own,"
            f" votes_subtree = below FROM {COLUMNS_OF_STATS} WHERE arrival_id = id",
            rows,
        )

    def add_own(self, entry_id: int, rows: Collection[tuple[int, int, int]], size: int = 1) -> None:
        self._send(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS}) SELECT id, {entry_id:d}, {size:d}, 0, votes, 0, returns"
            f" FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS own(id, votes, returns){ADD_OWN}",
            rows,
        )

    def put_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> None:
        self._send(
            "INSERT INTO entry_generation (entry_id, generation, people_count, votes_count)"
            f" SELECT {entry_id:d}, * FROM unnest(%s::int[], %s::bigint[], %s::bigint[]){PUT_GENERATION}",
            rows,
        )

    def _step_up(self, ids: Collection[int], found: dict[int, Touched]) -> set[int]:
        """Fetch these arrivals; returns whose parents are still to be fetched."""
        rows = self._fetch(
            f"SELECT {TOUCHED} FROM arrival a LEFT JOIN arrival_stat s ON s.arrival_id = a.id"
            " WHERE a.id = ANY(%s)",
            sorted(ids),  # as they lie in the table
        )
        found.update((row[0], row) for row in rows)
        return {row[1] for row in rows if row[1] is not None and row[1] not in found}

    def _list_above(self, ids: Collection[int], most: int) -> set[int]:
        """These arrivals and all above them, at most so many: one query however deep the tree is.

        The parent is asked for by a subquery because a join makes the planner read the whole table.
        """
        rows = self._fetch(
            "WITH RECURSIVE up(id) AS (SELECT unnest(%s::bigint[]) UNION"
            " SELECT (SELECT parent_id FROM arrival WHERE arrival.id = up.id) FROM up WHERE up.id IS NOT NULL)"
            " SELECT id FROM up LIMIT %s",
            list(ids),
            most + 1,
        )
        return {row[0] for row in rows if row[0] is not None}

    def _fetch(self, statement: str, *values: Any) -> list[Any]:
        rows: list[Any] = self._cursor.execute(statement, values).fetchall()
        return rows

    def _send(self, statement: str, rows: Iterable[tuple[int, ...]]) -> None:
        for some in _cut(rows):
            self._cursor.execute(statement, [list(column) for column in zip(*some, strict=True)])


def _unpack(kind: str, packed: bytes) -> list[int]:
    """The integers of a packed column, which come in network byte order."""
    values = array(kind, packed)
    if sys.byteorder == "little":
        values.byteswap()
    return values.tolist()


def _cut(rows: Iterable[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
    rest = iter(rows)
    while some := list(islice(rest, SENT_AT_A_TIME)):
        yield some
