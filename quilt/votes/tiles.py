"""The Merkle tree in the database: hashes in tiles of 256, so that a batch writes few rows and a proof reads few.

Every eighth level of the tree is stored (0: the leaves' hashes, 8, 16, …); the nodes between two stored levels
are computed from one tile, of at most 256 hashes, when they are asked for.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from quilt.database import insert_or_change
from quilt.ledger.tree import HASH_BYTES, Edge, compute_root, hash_node
from quilt.votes.ledger_models import LedgerTile

HEIGHT = 8  # levels between two that are stored
WIDTH = 1 << HEIGHT  # hashes in a tile
_tile = LedgerTile.__table__
_Place = tuple[int, int]  # stored level, number of the tile


class Tiles:
    """The tree of one contest: reads nodes, takes new leaves, and writes the tiles that have changed.

    Appending is for the one who holds the ledger's lock.
    """

    def __init__(self, connection: Connection, contest_id: int) -> None:
        self._connection = connection
        self._contest_id = contest_id
        self._kept: dict[_Place, bytearray] = {}
        self._changed: set[_Place] = set()

    def read(self, level: int, index: int) -> bytes:
        """The complete node `index` of a level. Raises LookupError where there is none."""
        stored, above = divmod(level, HEIGHT)
        number, first = divmod(index << above, WIDTH)
        tile = self._get((stored, number))
        nodes = bytes(tile[first * HASH_BYTES : (first + (1 << above)) * HASH_BYTES])
        if len(nodes) != HASH_BYTES << above:
            raise LookupError(f"the tree of contest {self._contest_id} has no node {index} at level {level}")
        return _climb(nodes)

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        return compute_root(size, self.read)

    def append(self, size: int, leaf_hashes: Iterable[bytes]) -> int:
        """Add leaves behind the first `size`, in memory, and return the new size; `store` writes them."""
        edge = Edge.from_nodes(size, self.read)
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
        tile = self._kept.get(place)
        if tile is None:
            statement = select(_tile.c.hashes).where(
                _tile.c.contest_id == self._contest_id, _tile.c.level == place[0], _tile.c.number == place[1]
            )
            tile = self._kept[place] = bytearray(self._connection.execute(statement).scalar() or b"")
        return tile


def _climb(nodes: bytes) -> bytes:
    """The one hash over 2^n hashes side by side."""
    while len(nodes) > HASH_BYTES:
        nodes = b"".join(
            hash_node(nodes[at : at + HASH_BYTES], nodes[at + HASH_BYTES : at + 2 * HASH_BYTES])
            for at in range(0, len(nodes), 2 * HASH_BYTES)
        )
    return nodes
