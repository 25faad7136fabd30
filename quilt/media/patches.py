"""The fabric patch of a cause: a traditional quilt block, the same for ever for the same name.

A block is drafted as quilters draft it, on squared paper: a grid of cells, one sign a cell, laid in layers.

    .  bare ground          #  a square              o  a square of the accent
    ◤◥◢◣  half of the square (figure)                 ◸◹◿◺  the same in the accent
    ▲▶▼◀  a quarter of it, pointing that way          △▷▽◁  the same in the accent
    ⧓ ⧗  the quarters left and right, top and bottom  ⋈ ⧖  the same in the accent
    ●  a round piece                                  ○  the same in the accent
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Literal

Role = Literal["ground", "figure", "accent"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Fabric:
    """Three dyes as #rrggbb; each pair is at least 3:1 apart, so a patch reads without colour."""

    name: str
    ground: str
    figure: str
    accent: str

    def colour_of(self, role: Role) -> str:
        """The dye of a role, as #rrggbb."""
        return {"ground": self.ground, "figure": self.figure, "accent": self.accent}[role]


@dataclass(frozen=True)
class Polygon:
    """A piece with straight sides; its corners run clockwise, in cells of the block's grid."""

    role: Role
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Circle:
    """A round piece, centre and radius in cells of the block's grid."""

    role: Role
    x: float
    y: float
    radius: float


Shape = Polygon | Circle


@dataclass(frozen=True)
class Patch:
    """One block in one fabric: the shapes of `grid` × `grid` cells in painting order, ground first."""

    block: str
    fabric: Fabric
    grid: int
    shapes: tuple[Shape, ...]


FABRICS = (
    Fabric("indigo", "#f1ead9", "#1f335c", "#b9762a"),
    Fabric("madder", "#f9ecdd", "#6b1c11", "#5f8c8a"),
    Fabric("ochre", "#f8efd9", "#55350a", "#b87a1f"),
    Fabric("sage", "#f0f2e3", "#213f28", "#b8764a"),
    Fabric("plum", "#f6eaed", "#50244a", "#b77a35"),
    Fabric("slate", "#ebeef0", "#263846", "#bd6f52"),
    Fabric("teal", "#e6f0ec", "#0d4143", "#c46f5a"),
    Fabric("rose", "#fcece7", "#5e2038", "#6f8b62"),
)

BLOCKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "nine patch": (("#.#", ".o.", "#.#"),),
    "double four-patch": (("#.oo", ".#oo", "oo#.", "oo.#"),),
    "pinwheel": (("◣◤", "◢◥"), ("◁△", "▽▷")),
    "broken dishes": (("◣◢◹◸", "◤◥◿◺", "◹◸◣◢", "◿◺◤◥"),),
    "flying geese": (("◢◣◹◸", "◢◣◹◸", "◢◣◹◸", "◢◣◹◸"),),
    "dutchman's puzzle": (("◢◣◣◺", "◿◺◤◸", "◿◢◹◸", "◹◥◥◤"),),
    "hourglass": (("⧗.⧗", ".⋈.", "⧗.⧗"),),
    "ohio star": ((".⧓.", "⧗o⧗", ".⧓."),),
    "sawtooth star": ((".◣◢.", "◥oo◤", "◢oo◣", ".◤◥."),),
    "friendship star": (("◿◣◺", "◢#◤", "◹◥◸"),),
    "shoo fly": (("◢.◣", ".o.", "◥.◤"),),
    "churn dash": ((".◢..◣.", "◢####◣", ".#oo#.", ".#oo#.", "◥####◤", ".◥..◤."),),
    "bear's paw": ((".◢◢.◣◣.", "◢##.##◣", "◢##.##◣", "...o...", "◥##.##◤", "◥##.##◤", ".◥◥.◤◤."),),
    "card trick": (("◢◣.", "▼⧗▲", ".◥◤"), (".◁◺", "◿⋈◸", "◹▷.")),
    "log cabin": (
        (
            "#########",
            "#.......o",
            "#.#####.o",
            "#.#...o.o",
            "#.#.o.o.o",
            "#.#...o.o",
            "#.ooooo.o",
            "#.......o",
            "ooooooooo",
        ),
    ),
    "rail fence": (("####o.", "ooo#o.", "...#o.", "#o.###", "#o.ooo", "#o...."),),
    "sugar bowl": (("◤◥.◤◥", "◣◢.◣◢", "..o..", "◤◥.◤◥", "◣◢.◣◢"),),
    "sweetheart": (("◢◣◢◣", "####", "◥##◤", ".◥◤."),),
    "sailboat": ((".◢◺.", "◢#o◺", "....", "◥##◤"),),
    "yo-yo": (("●○●", "○●○", "●○●"),),
}

PIECES: dict[str, tuple[tuple[Role, tuple[Point, ...]], ...]] = {
    "◤": (("figure", ((0, 0), (1, 0), (0, 1))),),
    "◥": (("figure", ((0, 0), (1, 0), (1, 1))),),
    "◢": (("figure", ((1, 0), (1, 1), (0, 1))),),
    "◣": (("figure", ((0, 0), (1, 1), (0, 1))),),
    "▲": (("figure", ((0, 1), (0.5, 0.5), (1, 1))),),
    "▶": (("figure", ((0, 0), (0.5, 0.5), (0, 1))),),
    "▼": (("figure", ((0, 0), (1, 0), (0.5, 0.5))),),
    "◀": (("figure", ((1, 0), (1, 1), (0.5, 0.5))),),
}
PIECES |= {"⧓": PIECES["▶"] + PIECES["◀"], "⧗": PIECES["▼"] + PIECES["▲"]}
PIECES |= {
    outline: tuple(("accent", points) for _, points in PIECES[solid])
    for outline, solid in zip("◸◹◿◺△▷▽◁⋈⧖", "◤◥◢◣▲▶▼◀⧓⧗", strict=True)
}
SQUARES: dict[str, Role] = {"#": "figure", "o": "accent"}
ROUNDS: dict[str, Role] = {"●": "figure", "○": "accent"}
ROUND_RADIUS = 0.42


def fabric_of(name: str) -> Fabric:
    """The fabric of the cause called `name`; capitals, spacing and Unicode spellings make no difference."""
    return FABRICS[_digest(name)[0] % len(FABRICS)]


@lru_cache(maxsize=1024)
def build_patch(name: str) -> Patch:
    """The patch of the cause called `name`: any text, the empty one too, gets one, always the same."""
    digest = _digest(name)
    block = tuple(BLOCKS)[int.from_bytes(digest[1:3], "big") % len(BLOCKS)]
    return draw_block(block, fabric_of(name), swapped=digest[3] % 2 == 1)


def draw_block(block: str, fabric: Fabric, *, swapped: bool = False) -> Patch:
    """The block of that name (a key of BLOCKS) in a fabric; `swapped` exchanges figure and accent."""
    layers = BLOCKS[block]
    grid = len(layers[0])
    cloth: Shape = Polygon("ground", ((0, 0), (grid, 0), (grid, grid), (0, grid)))
    pieces = [_exchange(piece) if swapped else piece for rows in layers for piece in _cut(rows)]
    return Patch(block, fabric, grid, (cloth, *pieces))


@lru_cache(maxsize=1024)
def patch_svg(name: str, *, size: int | None = None) -> str:
    """The patch of a cause as a small SVG element, decorative for screen readers.

    Shapes carry their role as class and their dye as `fill`: a page's style sheet recolours them through
    `.fabric-…`, and without one the picture still stands alone. `size` is the side in pixels; without it
    the picture fills its container.
    """
    patch = build_patch(name)
    side = f' width="{size}" height="{size}"' if size is not None else ""
    paths = "".join(
        f'<path class="{role}" fill="{patch.fabric.colour_of(role)}" d="{"".join(map(_outline, run))}"/>'
        for role, run in groupby(patch.shapes, key=lambda shape: shape.role)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="patch fabric-{patch.fabric.name}"{side}'
        f' viewBox="0 0 {patch.grid} {patch.grid}" aria-hidden="true">{paths}</svg>'
    )


def _digest(name: str) -> bytes:
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


def _exchange(shape: Shape) -> Shape:
    other: dict[Role, Role] = {"ground": "ground", "figure": "accent", "accent": "figure"}
    return replace(shape, role=other[shape.role])


def _cut(rows: tuple[str, ...]) -> list[Shape]:
    """The pieces of one layer; those of the figure first, so that each dye becomes one path."""
    pieces: list[Shape] = [*_cut_squares(rows)]
    for y, row in enumerate(rows):
        for x, sign in enumerate(row):
            for role, corners in PIECES.get(sign, ()):
                pieces.append(Polygon(role, tuple((x + u, y + v) for u, v in corners)))
            if sign in ROUNDS:
                pieces.append(Circle(ROUNDS[sign], x + 0.5, y + 0.5, ROUND_RADIUS))
    return sorted(pieces, key=lambda piece: piece.role, reverse=True)


def _cut_squares(rows: tuple[str, ...]) -> Iterator[Polygon]:
    """Neighbouring squares of one dye are cut as one rectangle: fewer pieces, no seams to see."""
    done: set[tuple[int, int]] = set()
    for y, row in enumerate(rows):
        for x, sign in enumerate(row):
            if sign not in SQUARES or (x, y) in done:
                continue
            right = x
            while right < len(row) and row[right] == sign and (right, y) not in done:
                right += 1
            bottom = y + 1
            while bottom < len(rows) and rows[bottom][x:right] == sign * (right - x):
                bottom += 1
            done |= {(u, v) for u in range(x, right) for v in range(y, bottom)}
            yield Polygon(SQUARES[sign], ((x, y), (right, y), (right, bottom), (x, bottom)))


def _outline(shape: Shape) -> str:
    """A shape as the commands of an SVG path, relative, as short as they come."""
    if isinstance(shape, Circle):
        across = f"{2 * shape.radius:g}"
        arc = f"{shape.radius:g} {shape.radius:g} 0 1 0"
        return f"M{shape.x - shape.radius:g} {shape.y:g}a{arc} {across} 0a{arc} -{across} 0z"
    (x, y), *others = shape.points
    commands = [f"M{x:g} {y:g}"]
    for to_x, to_y in others:
        commands.append(_step(to_x - x, to_y - y))
        x, y = to_x, to_y
    return "".join(commands) + "z"


def _step(dx: float, dy: float) -> str:
    if dy == 0:
        return f"h{dx:g}"
    if dx == 0:
        return f"v{dy:g}"
    return f"l{dx:g} {dy:g}"
