from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.ledger.proofs import build_consistency, build_inclusion, check_consistency, check_inclusion
from quilt.ledger.refusals import ProofRefused
from quilt.ledger.tree import EMPTY_ROOT, Levels, hash_leaf
from tests.ledger.books import load_verifier
from tests.ledger.test_tree import LEAVES, VECTORS, make_leaves

SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
VERIFIER = load_verifier()
Path = Sequence[bytes]
Inclusion = tuple[bytes, int, int, Path, bytes]
Consistency = tuple[int, int, bytes, bytes, Path]


def mutate_path(path: Path, extra: Path) -> Iterator[list[bytes]]:
    for node in (b"", SOME, *extra):
        yield [*path, node]
        yield [node, *path]
    for place, node in enumerate(path):
        yield [*path[:place], *path[place + 1 :]]
        for bit in (0, 3, 4, 255):
            flipped = (int.from_bytes(node, "big") ^ 1 << bit).to_bytes(32, "big")
            yield [*path[:place], flipped, *path[place + 1 :]]
        yield [*path[:place], node[:-1], *path[place + 1 :]]
    for place in range(len(path) - 1):
        yield [*path[:place], path[place + 1], path[place], *path[place + 2 :]]


def mutate_inclusion(proof: Inclusion) -> Iterator[Inclusion]:
    leaf, index, size, path, root = proof
    for other in {index - 1, index + 1, index ^ 2, -1, size, size + index} - {index}:
        yield leaf, other, size, path, root
    for other in {size * 2, size // 2, 0, -size} - {size}:
        yield leaf, index, other, path, root
    for wrong in (b"WrongLeaf", SOME, leaf[:-1]):
        yield wrong, index, size, path, root
    for wrong in (b"", EMPTY_ROOT, SOME, root[:-1]):
        yield leaf, index, size, path, wrong
    for other_path in mutate_path(path, [root, leaf]):
        yield leaf, index, size, other_path, root


def mutate_consistency(proof: Consistency) -> Iterator[Consistency]:
    old, new, old_root, new_root, path = proof
    for other in {old - 1, old + 1, old ^ 2, new + 1} - {old}:
        yield other, new, old_root, new_root, path
    for other in {new * 2, new // 2, old - 1} - {new}:
        yield old, other, old_root, new_root, path
    for wrong in (b"WrongRoot", SOME, EMPTY_ROOT):
        yield old, new, wrong, new_root, path
        yield old, new, old_root, wrong, path
    yield old, new, new_root, old_root, path
    yield old, new, old_root, new_root, []
    for other_path in mutate_path(path, [old_root, new_root]):
        yield old, new, old_root, new_root, other_path


@pytest.mark.parametrize("vector", VECTORS["inclusion"])
def test_the_known_inclusion_proofs(vector: dict) -> None:
    index, size = vector["index"], vector["size"]
    path = [bytes.fromhex(node) for node in vector["path"]]
    proof = LEAVES[index], index, size, path, bytes.fromhex(VECTORS["roots"][size - 1])
    assert build_inclusion(index, size, Levels(LEAVES).read) == path
    check_inclusion(*proof)
    assert VERIFIER.follow_path(LEAVES[index], index, size, path) == proof[4]
    refuse_all_inclusion(proof)


@pytest.mark.parametrize("vector", VECTORS["consistency"])
def test_the_known_consistency_proofs(vector: dict) -> None:
    old, new = vector["old"], vector["new"]
    path = [bytes.fromhex(node) for node in vector["path"]]
    roots = [bytes.fromhex(VECTORS["roots"][size - 1]) for size in (old, new)]
    assert build_consistency(old, new, Levels(LEAVES).read) == path
    check_consistency(old, new, roots[0], roots[1], path)
    if old != new:
        refuse_all_consistency((old, new, roots[0], roots[1], path))


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proven_and_no_mutation_is(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = make_leaves(size + 3)
    tree = Levels(leaves)
    path = build_inclusion(index, size, tree.read)
    check_inclusion(leaves[index], index, size, path, tree.root(size))
    refuse_all_inclusion((leaves[index], index, size, path, tree.root(size)))


@given(st.integers(1, 60), st.integers(1, 60))
def test_every_beginning_is_proven_and_no_mutation_is(old: int, more: int) -> None:
    tree = Levels(make_leaves(old + more))
    path = build_consistency(old, old + more, tree.read)
    check_consistency(old, old + more, tree.root(old), tree.root(), path)
    refuse_all_consistency((old, old + more, tree.root(old), tree.root(), path))


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_a_changed_beginning_cannot_be_proven(old: int, more: int, data: st.DataObject) -> None:
    leaves = make_leaves(old + more)
    honest = Levels(leaves)
    leaves[data.draw(st.integers(0, old - 1))] = hash_leaf(b"another vote")
    changed = Levels(leaves)
    path = build_consistency(old, old + more, changed.read)
    with pytest.raises(ProofRefused):
        check_consistency(old, old + more, honest.root(old), changed.root(), path)


@pytest.mark.parametrize(
    ("old", "new", "old_root", "new_root", "path", "is_right"),
    [
        (0, 0, EMPTY_ROOT, EMPTY_ROOT, [], True),
        (0, 1, EMPTY_ROOT, SOME, [], True),
        (1, 1, SOME, SOME, [], True),
        (0, 0, EMPTY_ROOT, SOME, [], False),
        (0, 1, SOME, SOME, [], False),
        (1, 1, EMPTY_ROOT, SOME, [], False),
        (1, 0, SOME, EMPTY_ROOT, [], False),
        (2, 1, SOME, SOME, [], False),
        (1, 2, SOME, SOME, [], False),
        (0, 1, EMPTY_ROOT, SOME, [SOME], False),
        (1, 1, SOME, SOME, [SOME], False),
        (-1, 1, EMPTY_ROOT, SOME, [], False),
    ],
)
def test_trees_without_a_path(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Path, is_right: bool
) -> None:
    if is_right:
        check_consistency(old, new, old_root, new_root, path)
        return
    with pytest.raises(ProofRefused):
        check_consistency(old, new, old_root, new_root, path)


def test_what_is_not_there_has_no_proof() -> None:
    tree = Levels(make_leaves(4))
    for index, size in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            build_inclusion(index, size, tree.read)
    for old, new in ((5, 4), (-1, 4)):
        with pytest.raises(ValueError, match="beginning"):
            build_consistency(old, new, tree.read)


def refuse_all_inclusion(proof: Inclusion) -> None:
    tried = 0
    for leaf, index, size, path, root in mutate_inclusion(proof):
        tried += 1
        with pytest.raises(ProofRefused):
            check_inclusion(leaf, index, size, path, root)
        if 0 <= index < size and all(len(node) == 32 for node in (leaf, root, *path)):
            assert VERIFIER.follow_path(leaf, index, size, list(path)) != root
    assert tried >= 20


def refuse_all_consistency(proof: Consistency) -> None:
    tried = 0
    for mutated in mutate_consistency(proof):
        tried += 1
        with pytest.raises(ProofRefused):
            check_consistency(*mutated)
    assert tried >= 20


def test_a_leaf_of_a_larger_tree_is_not_in_the_smaller_one() -> None:
    tree = Levels(make_leaves(2))
    with pytest.raises(ProofRefused, match="too long"):
        check_inclusion(tree.read(0, 1), 0, 1, [tree.read(0, 0)], tree.root())


def test_bytes_cannot_be_moved_between_neighbours() -> None:
    tree = Levels(make_leaves(2))
    left, right = tree.read(0, 0), tree.read(0, 1)
    check_inclusion(left, 0, 2, [right], tree.root())
    with pytest.raises(ProofRefused, match="32 bytes"):
        check_inclusion(left[:-1], 0, 2, [left[-1:] + right], tree.root())
    with pytest.raises(ProofRefused, match="32 bytes"):
        check_consistency(1, 2, left[:-1], tree.root(), [left[-1:] + right])
