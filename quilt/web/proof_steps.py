"""A proof step by step, so that a reader can follow how a leaf leads to a signed head."""

from collections.abc import Sequence
from dataclasses import dataclass

from quilt.ledger.tree import hash_node, split_size


@dataclass(frozen=True, slots=True)
class Step:
    """Two hashes become one: the other one stands left or right of ours."""

    other: str
    is_left: bool
    result: str


def list_steps(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> list[Step]:
    """The steps from a leaf's hash to the root of `size` leaves, by the definition of RFC 9162, section 2.1.3.

    Raises ValueError when the path has another length than such a proof has.
    """
    sides = _list_sides(index, size)
    if len(sides) != len(path):
        raise ValueError(f"{len(path)} steps do not lead from leaf {index} to the root of {size}")
    steps, node = [], leaf_hash
    for other, is_left in zip(path, sides, strict=True):
        node = hash_node(other, node) if is_left else hash_node(node, other)
        steps.append(Step(other.hex(), is_left, node.hex()))
    return steps


def _list_sides(index: int, size: int) -> list[bool]:
    """Whether the other subtree is the left one, from the leaf upwards."""
    sides = []
    while size > 1:
        left = split_size(size)
        sides.append(index >= left)
        index, size = (index - left, size - left) if index >= left else (index, left)
    return sides[::-1]
