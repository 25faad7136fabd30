"""The Merkle tree in the database: hashes in tiles of 256, so that a batch writes few rows and a proof reads few.

Every eighth level of the tree is stored (0: the leaves' hashes, 8, 16, …); the nodes between two stored levels
are computed from one tile, of at most 256 hashes, when they are asked for.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import Connection, and_, select

from quilt.database import insert_or_change
from quilt.ledger.tree import HASH_BYTES, Edge, ReadNode, compute_root, hash_row
from quilt.prepared import PreparedRows
from quilt.votes.ledger_models import LedgerTile

HEIGHT = 8  # levels between two that are stored
WIDTH = 1 << HEIGHT  # hashes in a tile
_tile = LedgerTile.__table__
Made = TypeVar("Made")
_Place = tuple[int, int]  # stored level, number of the tile
_NO_HASH = bytes(HASH_BYTES)
_TILES = PreparedRows(
    {name: _tile.c[name] for name in ("contest_id", "level", "number")},
    lambda _dialect, asked: select(_tile.c.level, _tile.c.number, _tile.c.hashes).join_from(
        asked, _tile, and_(*(_tile.c[name] == asked.c[name] for name in ("contest_id", "level", "number")))
    ),
)


class Tiles:
    """The tree of one contest: reads nodes, takes new leaves, and writes the tiles that have changed.

    Appending is for the one who holds the ledger's lock.
    """

    def __init__(self, connection: Connection, contest_id: int) -> None:
        self._connection = connection
        self._contest_id = contest_id
        self._kept: dict[_Place, bytearray] = {}
        self._changed: set[_Place] = set()

    def build(self, make: Callable[[ReadNode], Made]) -> Made:
        """What `make` makes of the nodes that it reads; all tiles that it needs are asked for in one statement.

        Which ones must not depend on what the nodes are: `make` is called twice, first with zeros.
        """
        asked: set[_Place] = set()

        def note(level: int, index: int) -> bytes:
            asked.add(_find_place(level, index)[0])
            return _NO_HASH

        make(note)
        self._fetch(asked - self._kept.keys())
        return make(self.read)

    def read(self, level: int, index: int) -> bytes:
        """The complete node `index` of a level. Raises LookupError where there is none."""
        place, first = _find_place(level, index)
        above = level % HEIGHT
        tile = self._get(place)
        nodes = bytes(tile[first * HASH_BYTES : (first + (1 << above)) * HASH_BYTES])
        if len(nodes) != HASH_BYTES << above:
            raise LookupError(f"the tree of contest {self._contest_id} has no node {index} at level {level}")
        return _climb(nodes)

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        return self.build(lambda read: compute_root(size, read))

    def append(self, size: int, leaf_hashes: Iterable[bytes]) -> int:
        """Add leaves behind the first `size`, in memory, and return the new size; `store` writes them."""
        edge = self.build(lambda read: Edge.from_nodes(size, read))
        for leaf_hash in leaf_hashes:
            for level, index, node in edge.append(leaf_hash):
                if level % HEIGHT == 0:
                    place = (level // HEIGHT, index // WIDTH)
                    self._get(place).extend(node)
                    self._changed.add(place)
        return edge.size

    def store(self) -> None:
        """Write every tile that `append` has changed."""
        if not self._changed:
            return
        rows = [
            {
                "contest_id": self._contest_id,
                "level": level,
                "number": number,
                "hashes": bytes(self._kept[level, number]),
            }
            for level, number in sorted(self._changed)
        ]
        put = insert_or_change(_tile, self._connection.dialect.name, put=("hashes",))
        self._connection.execute(put, rows)
        self._changed.clear()

    def _get(self, place: _Place) -> bytearray:
        if place not in self._kept:
            self._fetch({place})
        return self._kept[place]

    def _fetch(self, places: set[_Place]) -> None:
        """Keep these tiles, each of which may not be there yet."""
        asked = [
            {"contest_id": self._contest_id, "level": level, "number": number}
            for level, number in sorted(places)
        ]
        self._kept.update((place, bytearray()) for place in places)
        for row in _TILES.rows(self._connection, asked):
            self._kept[row.level, row.number] = bytearray(row.hashes)


def _find_place(level: int, index: int) -> tuple[_Place, int]:
    """The tile in which a node is stored, or those that it follows from, and the first of them within it."""
    stored, above = divmod(level, HEIGHT)
    number, first = divmod(index << above, WIDTH)
    return (stored, number), first


def _climb(nodes: bytes) -> bytes:
    """The one hash over 2^n hashes side by side."""
    while len(nodes) > HASH_BYTES:
        nodes = hash_row(nodes)
    return nodes
