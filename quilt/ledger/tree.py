"""The Merkle tree of RFC 9162, section 2.1: its hashes, a builder that keeps the right edge only, and one that
keeps every complete subtree.

A node is named by its level (0: leaves) and its index from the left; it stands for the leaves from
index · 2^level to (index + 1) · 2^level. Only complete subtrees are stored, and a stored one never changes.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

ReadNode = Callable[[int, int], bytes]
Node = tuple[int, int, bytes]

_LEAF, _NODE = b"\x00", b"\x01"


def hash_leaf(leaf: bytes) -> bytes:
    """Return the 32 bytes that stand for a leaf in the tree."""
    return hashlib.sha256(_LEAF + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from those of its two children."""
    return hashlib.sha256(_NODE + left + right).digest()


def hash_row(nodes: bytes) -> bytes:
    """Return the hashes of the parents of nodes that stand side by side, 32 bytes each; an odd one out has none."""
    sha256, pair = hashlib.sha256, 2 * HASH_BYTES
    whole = range(0, len(nodes) // pair * pair, pair)
    return b"".join([sha256(_NODE + nodes[start : start + pair]).digest() for start in whole])


def split_size(size: int) -> int:
    """Return the largest power of two below `size` (two or more): how many leaves are in the left child."""
    return 1 << ((size - 1).bit_length() - 1)


def compute_root(size: int, read: ReadNode) -> bytes:
    """Return the root of the first `size` leaves, from stored nodes; `read(level, index)` gives one."""
    return compute_subtree(0, size, read) if size else EMPTY_ROOT


def compute_subtree(begin: int, size: int, read: ReadNode) -> bytes:
    """Return the hash over the leaves begin … begin + size − 1, where `begin` is a multiple of a power of two
    that is at least `size` (as every subtree of RFC 9162 has it). It reads at most log2(size) + 1 nodes."""
    level = size.bit_length() - 1
    if size == 1 << level:
        return read(level, begin >> level)
    left = split_size(size)
    return hash_node(compute_subtree(begin, left, read), compute_subtree(begin + left, size - left, read))


class Edge:
    """The right edge of a growing tree: at most one complete subtree a level, the largest first.

    It is all that is needed to append and to know the root. Restore it by `Edge.from_nodes`.
    """

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Raises ValueError when the number of `peaks` does not belong to `size`."""
        if size < 0 or len(peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in peaks):
            raise ValueError(f"{len(peaks)} peaks do not belong to a tree of {size} leaves")
        self.size = size
        self.peaks = list(peaks)

    @classmethod
    def from_nodes(cls, size: int, read: ReadNode) -> "Edge":
        """Return the edge of the first `size` leaves from stored nodes."""
        peaks, begin = [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                peaks.append(read(level, begin >> level))
                begin += 1 << level
        return cls(size, peaks)

    def append(self, leaf_hash: bytes) -> list[Node]:
        """Add one leaf and return every node that it completes: the leaf's own first, then its parents'."""
        node, level = leaf_hash, 0
        completed = [(0, self.size, node)]
        while self.size >> level & 1:
            node = hash_node(self.peaks.pop(), node)
            level += 1
            completed.append((level, self.size >> level, node))
        self.peaks.append(node)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root of all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = hash_node(peak, root)
        return root


class Levels:
    """A whole tree in memory, 64 bytes a leaf: a row of hashes for each level. Answers proofs of any size."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._rows = [bytearray()]
        self.extend(leaf_hashes)

    @property
    def size(self) -> int:
        return len(self._rows[0]) // HASH_BYTES

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves at the right end, level by level."""
        self._rows[0] += b"".join(leaf_hashes)
        level = 0
        while len(self._rows[level]) >= 2 * HASH_BYTES:
            if level + 1 == len(self._rows):
                self._rows.append(bytearray())
            _grow(self._rows[level], self._rows[level + 1])
            level += 1

    def read(self, level: int, index: int) -> bytes:
        """Return a complete node. Raises IndexError where there is none."""
        row = self._rows[level]
        if not 0 <= index < len(row) // HASH_BYTES:
            raise IndexError(f"no node {index} at level {level}")
        return bytes(row[index * HASH_BYTES : (index + 1) * HASH_BYTES])

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, of all when not given."""
        return compute_root(self.size if size is None else size, self.read)


def _grow(below: bytearray, above: bytearray) -> None:
    above += hash_row(bytes(memoryview(below)[2 * len(above) :]))
