"""The fold's statements on PostgreSQL, which takes and gives whole columns.

Each statement sees the tables as of its own start, while others go on writing.
"""

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from quilt.arrivals.bulk import (
    ADD_CHANNEL,
    ADD_GENERATION,
    ADD_OWN,
    CHANNEL_COLUMNS,
    DRAIN,
    IS_NOT_PLAIN,
    PLAIN,
    PUT_GENERATION,
    PUT_STAT,
    STAT_COLUMNS,
    WAITING,
    Links,
    StatOf,
    Stats,
    Touched,
    Waiting,
)  # fmt: skip

SENT_AT_A_TIME = 50_000
ROOM_TO_SORT = "64MB"  # a million rows; with the server's 4 MB they are sorted on its disk
NODE = "id, parent_id, depth, channel, state"
STORED = (
    "FROM (SELECT arrival_id, subtree_size, children_count, votes_self, votes_subtree FROM arrival_stat"
    f" WHERE entry_id = %s AND {IS_NOT_PLAIN} ORDER BY arrival_id) AS stat"
)
COLUMNS_OF_STATS = (
    "unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::bigint[])"
    " AS new(id, size, children, own, below)"
)
INSERT_GENERATIONS = (
    "INSERT INTO entry_generation (entry_id, generation, people_count, votes_count)"
    " SELECT %s::bigint, * FROM unnest(%s::int[], %s::bigint[], %s::bigint[])"
)


class PostgresqlBulk:
    """PostgreSQL answers each statement as of its own start, while others go on writing."""

    # Counting 1,000,000 anew takes 1.1 µs for each and 4 µs for each row that differs; a fold of 10,000 into
    # them takes 13 µs for each of the 29,000 that it touches (clock, for half of the work is the server's;
    # benchmarks/spread.py). 1.1 / (13 − 4), less a margin:
    share = 0.11

    def __init__(self, raw: Any) -> None:
        self._cursor = raw.cursor(binary=True)

    def drain(self, entry_id: int) -> list[Waiting]:
        return self._fetch(DRAIN.format("%s"), entry_id)

    def climb(self, ids: Collection[int], most: int) -> list[Touched] | None:
        # One query however deep the tree is. LATERAL with OFFSET keeps to the way from the few to their rows: a
        # plain join makes the planner read the whole table. What is stored of them is asked for by their ids,
        # in their order, for the same reason.
        nodes = self._fetch(
            f"WITH RECURSIVE up AS (SELECT {NODE} FROM arrival WHERE id = ANY(%s::bigint[]) UNION"
            f" SELECT above.* FROM up CROSS JOIN LATERAL (SELECT {NODE} FROM arrival WHERE id = up.parent_id"
            " OFFSET 0) AS above) SELECT * FROM up LIMIT %s",
            _as_array(ids),
            most + 1,
        )
        if len(nodes) > most:
            return None
        nodes.sort()
        found = self._fetch(
            "SELECT arrival_id, subtree_size, children_count, votes_self, votes_subtree FROM arrival_stat"
            " WHERE arrival_id = ANY(%s::bigint[])",
            _as_array(node[0] for node in nodes),
        )
        stats = {row[0]: row[1:] for row in found}
        return [
            (node_id, parent_id, depth, *stats.get(node_id, PLAIN), channel, state)
            for node_id, parent_id, depth, channel, state in nodes
        ]

    def read_links(self, entry_id: int) -> Links:
        # Packed columns are the fastest way out.
        ids, parents, channels, excluded = self._fetch(
            "SELECT string_agg(int8send(id), ''), string_agg(int8send(coalesce(parent_id, 0)), ''),"
            " string_agg(channel, ','), array_agg(id) FILTER (WHERE state <> 'live') FROM ("
            "SELECT id, parent_id, channel, state FROM arrival WHERE entry_id = %s ORDER BY id) AS arrival",
            entry_id,
        )[0]
        if ids is None:
            return Links([], [], [], set())
        parent_ids = [parent_id or None for parent_id in _unpack("q", parents)]
        links = Links(_unpack("q", ids), parent_ids, channels.split(","), set(excluded or ()))
        return links.without({row[0] for row in self._fetch(WAITING.format("%s"), entry_id)})

    def read_stats(self, entry_id: int) -> Stats:
        self._make_room()
        packed = self._fetch(
            "SELECT string_agg(int8send(arrival_id), ''), string_agg(int8send(subtree_size), ''),"
            " string_agg(int4send(children_count), ''), bool_or(votes_self <> 0 OR votes_subtree <> 0)"
            f" {STORED}",
            entry_id,
        )[0]
        if packed[0] is None:
            return Stats([], [], [], [], [])
        ids, sizes, children = map(_unpack, "qqi", packed)
        own = below = [0] * len(ids)
        if packed[3]:
            votes = f"SELECT string_agg(int4send(votes_self), ''), string_agg(int8send(votes_subtree), '') {STORED}"
            own, below = map(_unpack, "iq", self._fetch(votes, entry_id)[0])
        return Stats(ids, sizes, children, own, below)

    def put_stats(self, entry_id: int, rows: Iterable[StatOf]) -> None:
        self._send(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS}) SELECT id, %s::bigint, size, children, own, below, 0"
            f" FROM {COLUMNS_OF_STATS}{PUT_STAT}",
            (entry_id,),
            rows,
        )

    def add_own(self, entry_id: int, rows: Collection[tuple[int, int, int]], size: int = 1) -> None:
        self._send(
            f"INSERT INTO arrival_stat ({STAT_COLUMNS})"
            " SELECT id, %s::bigint, %s::bigint, 0, votes, 0, returns"
            f" FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS own(id, votes, returns){ADD_OWN}",
            (entry_id, size),
            rows,
        )

    def put_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> None:
        self._send(
            f"{INSERT_GENERATIONS}{PUT_GENERATION}",
            (entry_id,),
            rows,
        )

    def add_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> int:
        columns = [_as_array(column) for column in zip(*rows, strict=True)]
        if not columns:
            return 0
        grown = self._fetch(
            f"WITH put AS ({INSERT_GENERATIONS}{ADD_GENERATION}) SELECT max(people_count) FROM put",
            entry_id,
            *columns,
        )
        return int(grown[0][0])

    def add_channels(self, entry_id: int, rows: Iterable[tuple[str, int, int, int, int]]) -> None:
        columns = [list(column) for column in zip(*rows, strict=True)]
        if columns:
            self._cursor.execute(
                f"INSERT INTO entry_channel ({CHANNEL_COLUMNS}) SELECT %s::bigint, * FROM"
                " unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
                f"{ADD_CHANNEL}",
                [entry_id, *columns],
            )

    def _make_room(self) -> None:
        """Until the end of this transaction."""
        self._cursor.execute(f"SET LOCAL work_mem = '{ROOM_TO_SORT}'")

    def _fetch(self, statement: str, *values: Any) -> list[Any]:
        rows: list[Any] = self._cursor.execute(statement, values).fetchall()
        return rows

    def _send(self, statement: str, first: tuple[int, ...], rows: Iterable[tuple[int, ...]]) -> None:
        for some in _cut(rows):
            self._cursor.execute(
                statement, [*first, *(_as_array(column) for column in zip(*some, strict=True))]
            )


def _as_array(numbers: Iterable[int]) -> str:
    """An array as PostgreSQL writes it: a quarter of the time that the driver takes for a list."""
    return "{" + ",".join(map(str, numbers)) + "}"


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
