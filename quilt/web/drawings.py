"""The picture of a spread tree, made ready for SVG."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from quilt.spread.condense import FoldedTree, MarkKind
from quilt.spread.layout import LEAST_CELL, draw_folded
from quilt.spread.picture import Link, Mark, Picture, Ring

LEAST_LETTERS = 9.0  # high, in the units of the drawing
LABEL_GAP = 0.034  # between the numbers of two rings, as a share of the drawing
MOST_TITLED = 160  # people who say under the pointer how many came through them; the others are dots alone


@dataclass(frozen=True, slots=True)
class Dots:
    """Circles of one radius and kind as a single line: round caps on strokes without length."""

    kind: str  # lone | person
    width: float
    path: str


@dataclass(frozen=True, slots=True)
class LabelledRing:
    """A circle round the middle; `label` names the generation on it ("" where there is no room)."""

    radius: float
    label: str


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle that stands out, and what it says."""

    x: float
    y: float
    radius: float
    kind: str  # person | run | more
    label: str  # "" where there is no room
    label_size: float
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A tree in a square of `size`: `threads` join people, `runs` lead along people one after another."""

    size: float
    rings: list[LabelledRing]
    threads: str
    runs: str
    fans: list[str]
    dots: list[Dots]
    discs: list[Disc]
    entry_radius: float
    kinds: frozenset[str]

    @property
    def middle(self) -> float:
        return self.size / 2


def make_drawing(
    tree: FoldedTree, max_marks: int, least_cell: float = LEAST_CELL, least_letters: float = LEAST_LETTERS
) -> Drawing:
    """The drawing of the tree with at most so many marks, each with so much room (a share of the side).

    Marks are labelled in letters that are at least so high.
    """
    return prepare(draw_folded(tree, max_marks=max_marks, least_cell=least_cell), least_letters)


def prepare(picture: Picture, least_letters: float = LEAST_LETTERS) -> Drawing:
    """Bring a picture into few elements: lone people of one size are one path, so are all threads."""
    entry, *others = picture.marks
    lone = [mark for mark in others if mark.reach == 1]
    people = [mark for mark in others if mark.reach > 1 and mark.kind is MarkKind.PERSON]
    people.sort(key=lambda mark: -mark.reach)
    several = [mark for mark in others if mark.reach > 1 and mark.kind is not MarkKind.PERSON]
    discs = [_describe(mark, least_letters) for mark in several + people[:MOST_TITLED]]
    dots = _collect(lone, "lone") + _collect(people[MOST_TITLED:], "person")
    kinds = {disc.kind for disc in discs} | {line.kind for line in dots}
    return Drawing(
        size=picture.size,
        rings=_label_rings(picture),
        threads=_join(link for link in picture.links if not link.is_run),
        runs=_join(link for link in picture.links if link.is_run),
        fans=[fan.path for fan in picture.fans],
        dots=dots,
        discs=sorted(discs, key=lambda disc: -disc.radius),
        entry_radius=entry.radius,
        kinds=frozenset(kinds),
    )


def _label_rings(picture: Picture) -> list[LabelledRing]:
    """Number the rings from the outermost inwards, as far as the numbers have room on a phone."""
    on_ring: dict[int, list[Mark]] = {}
    for mark in picture.marks:
        on_ring.setdefault(mark.generation, []).append(mark)
    rings, last = [], picture.size
    for ring in reversed(picture.rings):
        has_room = last - ring.radius >= LABEL_GAP * picture.size
        last = ring.radius if has_room else last
        rings.append(LabelledRing(ring.radius, _name_ring(ring, on_ring) if has_room else ""))
    return rings[::-1]


def _name_ring(ring: Ring, on_ring: dict[int, list[Mark]]) -> str:
    """The generation's number; where chains alone stand on a ring, from their first to their last."""
    marks = on_ring.get(ring.generation, [])
    if marks and all(mark.kind is MarkKind.RUN for mark in marks):
        return f"{ring.generation}–{max(mark.last_generation for mark in marks)}"
    return f"{ring.generation}"


def _describe(mark: Mark, least_letters: float) -> Disc:
    match mark.kind:
        case MarkKind.MORE:
            title = f"{mark.people:,} more people"
        case MarkKind.RUN:
            title = f"{mark.people:,} people, each by the link of the one before"
        case _:
            below = mark.reach - 1
            title = f"{below:,} {'person' if below == 1 else 'people'} came through this one"
    # A digit is a little more than half as wide as it is high.
    size = round(min(mark.radius, 1.75 * mark.radius / (0.56 * max(1, len(mark.label)))), 1)
    label = mark.label if size >= least_letters else ""
    return Disc(mark.x, mark.y, mark.radius, mark.kind.value, label, size, title)


def _collect(marks: list[Mark], kind: str) -> list[Dots]:
    by_radius = sorted(marks, key=_dot_radius)
    return [
        Dots(kind, round(2 * radius, 1), "".join(f"M{mark.x:.1f} {mark.y:.1f}h0" for mark in group))
        for radius, group in groupby(by_radius, key=_dot_radius)
    ]


def _dot_radius(mark: Mark) -> float:
    return round(mark.radius, 1)


def _join(links: Iterable[Link]) -> str:
    return "".join(link.path for link in links)
