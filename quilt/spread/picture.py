"""The parts of a drawn spread tree, in plain numbers that a template can put into SVG."""

from dataclasses import dataclass
from typing import NamedTuple

from quilt.spread.condense import MarkKind


class Mark(NamedTuple):
    """One circle. It stands for `people` nodes (a person: 1) of `generation` to `last_generation`.

    `node` is the index of the first of them in the tree; `reach` counts them and everybody below.
    `label` is "+N" on marks that stand for several people and have room for it, else "".
    """

    x: float
    y: float
    radius: float
    kind: MarkKind
    node: int
    generation: int
    last_generation: int
    people: int
    reach: int
    label: str


class Link(NamedTuple):
    """A line between two marks, given by their positions in the picture's marks; `path` is SVG path data.

    `is_run` is true where it leads to or from people who came one after another and share a mark.
    """

    source: int
    target: int
    path: str
    is_run: bool


@dataclass(frozen=True, slots=True)
class Fan:
    """The sector from the mark `source` to the many people who came by that one link, as SVG path data."""

    source: int
    people: int
    path: str


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle round the middle on which a generation stands."""

    generation: int
    radius: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw, in a square from (0, 0) to (size, size) with the entry in its middle."""

    size: float
    marks: list[Mark]
    links: list[Link]
    fans: list[Fan]
    rings: list[Ring]
