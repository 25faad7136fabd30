import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.ledger.tree import EMPTY_ROOT, Edge, Levels, compute_root, hash_leaf, hash_node, split_size

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
LEAVES = [hash_leaf(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]


def root_by_definition(hashes: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    left = 1
    while left * 2 < len(hashes):
        left *= 2
    parts = root_by_definition(hashes[:left]) + root_by_definition(hashes[left:])
    return hashlib.sha256(b"\x01" + parts).digest()


def make_leaves(count: int) -> list[bytes]:
    return [hash_leaf(str(number).encode()) for number in range(count)]


def test_the_known_hashes() -> None:
    assert EMPTY_ROOT.hex() == VECTORS["empty_root"]
    assert hash_leaf(b"").hex() == VECTORS["empty_leaf"]
    for leaf, known in VECTORS["leaf_hashes"].items():
        assert hash_leaf(leaf.encode()).hex() == known
    for left, right, known in VECTORS["node_hashes"]:
        assert hash_node(left.encode(), right.encode()).hex() == known


@pytest.mark.parametrize("size", range(1, 9))
def test_the_known_roots(size: int) -> None:
    known = VECTORS["roots"][size - 1]
    assert root_by_definition(LEAVES[:size]).hex() == known
    assert Levels(LEAVES).root(size).hex() == known
    edge = Edge()
    for leaf in LEAVES[:size]:
        edge.append(leaf)
    assert edge.root().hex() == known


@pytest.mark.parametrize(
    ("size", "left"), [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8), (2**40 + 1, 2**40)]
)
def test_the_left_child_is_the_largest_power_of_two_below(size: int, left: int) -> None:
    assert split_size(size) == left


@given(st.lists(st.integers(0, 20), max_size=8))
def test_a_tree_in_pieces_is_the_tree_at_once(pieces: list[int]) -> None:
    leaves = make_leaves(sum(pieces))
    levels, rest = Levels(), list(leaves)
    for piece in pieces:
        levels.extend(rest[:piece])
        rest = rest[piece:]
    assert levels.size == len(leaves)
    for size in range(len(leaves) + 1):
        assert levels.root(size) == root_by_definition(leaves[:size])


@given(st.integers(0, 80), st.integers(0, 40))
def test_an_edge_goes_on_from_stored_nodes(before: int, more: int) -> None:
    leaves = make_leaves(before + more)
    stored = {}
    edge = Edge()
    for leaf in leaves[:before]:
        stored.update({(level, index): node for level, index, node in edge.append(leaf)})
    again = Edge.from_nodes(before, lambda level, index: stored[level, index])
    for leaf in leaves[before:]:
        stored.update({(level, index): node for level, index, node in again.append(leaf)})
    assert again.root() == root_by_definition(leaves)
    assert len(again.peaks) == len(leaves).bit_count()
    levels = Levels(leaves)
    assert all(levels.read(level, index) == node for (level, index), node in stored.items())
    assert compute_root(len(leaves), lambda level, index: stored[level, index]) == edge_root(leaves)


def edge_root(leaves: list[bytes]) -> bytes:
    edge = Edge()
    for leaf in leaves:
        edge.append(leaf)
    return edge.root()


@pytest.mark.parametrize(("size", "peaks"), [(0, [bytes(32)]), (3, [bytes(32)]), (1, [bytes(31)]), (-1, [])])
def test_peaks_that_do_not_belong_are_refused(size: int, peaks: list[bytes]) -> None:
    with pytest.raises(ValueError, match="do not belong"):
        Edge(size, peaks)


@pytest.mark.parametrize(("level", "index"), [(0, 5), (0, -1), (1, 2), (3, 0)])
def test_a_node_that_is_not_complete_is_not_read(level: int, index: int) -> None:
    with pytest.raises(IndexError):
        Levels(make_leaves(5)).read(level, index)
