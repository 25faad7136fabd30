"""The fold's own statements, run by the database's driver: many rows in, many rows out.

A million rows through SQLAlchemy take many seconds, through the driver about one. Each database has what it
does best: SQLite walks up the tree in one recursive query and takes rows one by one; PostgreSQL takes and
gives whole columns.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple, Protocol

LEFT_OUT = 0  # the stored subtree size of whoever counts for nothing: excluded, or below somebody who is
PLAIN = (1, 0, 0, 0)  # the figures of who has none stored, as most have: nobody came by their link, no vote

# Shared by both; {0} is the placeholder.
DRAIN = "DELETE FROM arrival_inbox WHERE entry_id = {0} RETURNING arrival_id, is_new, votes, returns"
IS_NOT_PLAIN = "(subtree_size <> 1 OR children_count <> 0 OR votes_self <> 0 OR votes_subtree <> 0)"
STAT_COLUMNS = "arrival_id, entry_id, subtree_size, children_count, votes_self, votes_subtree, returns_count"
PUT_STAT = (
    " ON CONFLICT (arrival_id) DO UPDATE SET subtree_size = excluded.subtree_size,"
    " children_count = excluded.children_count, votes_self = excluded.votes_self,"
    " votes_subtree = excluded.votes_subtree"
)
ADD_OWN = (
    " ON CONFLICT (arrival_id) DO UPDATE SET votes_self = arrival_stat.votes_self + excluded.votes_self,"
    " returns_count = arrival_stat.returns_count + excluded.returns_count"
)
PUT_GENERATION = (
    " ON CONFLICT (entry_id, generation) DO UPDATE"
    " SET people_count = excluded.people_count, votes_count = excluded.votes_count"
)
ADD_GENERATION = (
    " ON CONFLICT (entry_id, generation) DO UPDATE"
    " SET people_count = entry_generation.people_count + excluded.people_count,"
    " votes_count = entry_generation.votes_count + excluded.votes_count RETURNING people_count"
)
CHANNEL_COLUMNS = "entry_id, channel, people_count, votes_count, voters_count, brought_count"
ADD_CHANNEL = " ON CONFLICT (entry_id, channel) DO UPDATE SET " + ", ".join(
    f"{name} = entry_channel.{name} + excluded.{name}" for name in CHANNEL_COLUMNS.split(", ")[2:]
)
WAITING = "SELECT arrival_id FROM arrival_inbox WHERE entry_id = {0} AND is_new"

Waiting = tuple[int, bool, int, int]  # arrival id, is it new, votes, returns
StatOf = tuple[int, int, int, int, int]  # arrival id, subtree size, children, own votes, votes of the subtree
# An arrival that a fold touches: its id, parent's id and depth, the four figures, its channel and state. Plain, for
# a fold may read tens of thousands.
Touched = tuple[int, int | None, int, int, int, int, int, str, str]


@dataclass(frozen=True, slots=True)
class Links:
    """All arrivals of an entry but those that wait for the fold, by column, the oldest first."""

    ids: list[int]
    parent_ids: list[int | None]
    channels: list[str]
    excluded: set[int]

    def without(self, waiting: Collection[int]) -> "Links":
        """The same without these arrivals."""
        if not waiting:
            return self
        stays = [node_id not in waiting for node_id in self.ids]
        columns = (self.ids, self.parent_ids, self.channels)
        ids, parent_ids, channels = (list(compress(column, stays)) for column in columns)
        return Links(ids, parent_ids, channels, self.excluded)  # type: ignore[arg-type]


class Stats(NamedTuple):
    """Arrivals' figures by column: arrival ids, subtree sizes, children, own votes, votes of the subtrees."""

    ids: list[int]
    sizes: list[int]
    children: list[int]
    own: list[int]
    below: list[int]


class Bulk(Protocol):
    """What the fold asks of a database, always inside the caller's transaction."""

    share: float  # of a tree: where a fold touches more of it, counting all of it anew costs less

    def drain(self, entry_id: int) -> list[Waiting]:
        """Take everything out of the entry's inbox."""

    def climb(self, ids: Collection[int], most: int) -> list[Touched] | None:
        """These arrivals and all above them, the oldest first; None where there are more than `most`."""

    def read_links(self, entry_id: int) -> Links:
        """The entry's arrivals, and afterwards who of them waits, so that nobody is counted twice.

        Who comes in between is in neither; nobody leaves the inbox meanwhile, for the entry is locked.
        """

    def read_stats(self, entry_id: int) -> Stats:
        """The stored figures that are not PLAIN, the oldest arrival first."""

    def put_stats(self, entry_id: int, rows: Iterable[StatOf]) -> None:
        """Store figures, whatever stood there; returns stay as they are."""

    def add_own(self, entry_id: int, rows: Collection[tuple[int, int, int]], size: int = 1) -> None:
        """Add own votes and returns to (arrival id, votes, returns); of this size where nothing is stored."""

    def put_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> None:
        """Store (generation, people, votes), whatever stood there."""

    def add_generations(self, entry_id: int, rows: Iterable[tuple[int, int, int]]) -> int:
        """Add to (generation, people, votes); returns the people of the largest of these, 0 of none."""

    def add_channels(self, entry_id: int, rows: Iterable[tuple[str, int, int, int, int]]) -> None:
        """Add to (channel, people, votes, voters, those who brought somebody)."""


def in_order(columns: Sequence[list[Any]]) -> list[list[Any]]:
    """Columns of rows by the first column, in which nothing comes twice; they mostly stand so already."""
    keys = columns[0]
    if keys == sorted(keys):
        return list(columns)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [list(map(column.__getitem__, order)) for column in columns]
