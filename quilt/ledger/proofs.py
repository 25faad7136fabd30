"""Inclusion and consistency proofs (RFC 9162, sections 2.1.3 and 2.1.4): how they are made and checked."""

from collections.abc import Sequence

from quilt.ledger.refusals import ProofRefused
from quilt.ledger.tree import EMPTY_ROOT, HASH_BYTES, ReadNode, compute_subtree, hash_node, split_size


def build_inclusion(index: int, size: int, read: ReadNode) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root of the first `size` leaves, the lowest first.

    `read(level, index)` gives a stored node; about log2(size) of them are read. Raises ValueError when there
    is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    path: list[bytes] = []
    begin = 0
    while size > 1:
        left = split_size(size)
        if index < left:
            path.append(compute_subtree(begin + left, size - left, read))
            size = left
        else:
            path.append(compute_subtree(begin, left, read))
            begin, index, size = begin + left, index - left, size - left
    return path[::-1]


def build_consistency(old: int, new: int, read: ReadNode) -> list[bytes]:
    """Return the hashes that show that the first `old` leaves are the beginning of the first `new`.

    Empty when `old` is 0 or equals `new`. Raises ValueError when `old` is larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"{old} leaves cannot be the beginning of {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    begin, size, is_left_edge = 0, new, True
    while old != size:
        left = split_size(size)
        if old <= left:
            path.append(compute_subtree(begin + left, size - left, read))
            size = left
        else:
            path.append(compute_subtree(begin, left, read))
            begin, old, size, is_left_edge = begin + left, old - left, size - left, False
    if not is_left_edge:
        path.append(compute_subtree(begin, size, read))
    return path[::-1]


def check_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise ProofRefused unless `path` leads from leaf `index` to the `root` of `size` leaves (2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused(f"there is no leaf {index} among {size}")
    _check_hashes([leaf_hash, root, *path])
    place, last, node = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if place & 1 or place == last:
            node = hash_node(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = hash_node(node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the proof is too short")
    if node != root:
        raise ProofRefused("the proof leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raise ProofRefused unless `path` shows that the tree of `old` leaves began the one of `new` (2.1.4.2)."""
    if not 0 <= old <= new:
        raise ProofRefused(f"{old} leaves cannot be the beginning of {new}")
    _check_hashes([old_root, new_root, *path])
    if old in (0, new):
        _check_trivial(old, new, old_root, new_root, path)
        return
    whole = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not path:
        raise ProofRefused("the proof is too short")
    if _climb(old - 1, new - 1, whole) != (old_root, new_root):
        raise ProofRefused("the proof leads to other roots")


def _climb(place: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if place & 1 or place == last:
            old, new = hash_node(sibling, old), hash_node(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = hash_node(new, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the proof is too short")
    return old, new


def _check_trivial(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    if path:
        raise ProofRefused("the proof is too long")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ProofRefused("an empty tree has another root")
    if old == new and old_root != new_root:
        raise ProofRefused("one tree has two roots")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(node) != HASH_BYTES for node in hashes):
        raise ProofRefused(f"a hash has {HASH_BYTES} bytes")
