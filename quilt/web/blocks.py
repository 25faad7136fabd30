"""The icicle of a spread and the dial beside it, made ready for SVG in the box of the charts."""

from dataclasses import dataclass

from quilt.spread.condense import MarkKind
from quilt.spread.dial import Dial, list_scale
from quilt.spread.icicle import Block, Icicle, Row
from quilt.web.charts import LEFT, RIGHT, Tick

TOP = 4.0
TALLEST_ROW, LOWEST_ROW = 34.0, 9.0
TALLEST = 470.0  # of the rows together, unless even the lowest need more
GAP = 1.2  # between rows, and between neighbours that are wide enough
LETTER = 8.4  # a digit of a label, as wide as on a phone
LEAST_ROW_WITH_WORDS = 16.0
LEAST_ROWS_APART = 18.0  # between the words beside the rows

DIAL_LEFT, DIAL_RIGHT = 20.0, 620.0


@dataclass(frozen=True, slots=True)
class Brick:
    """A block as a rectangle: `label` where it has room for its number, `title` in words."""

    x: float
    y: float
    width: float
    height: float
    kind: str  # entry | lone | person | run | more
    label: str
    title: str

    @property
    def middle(self) -> tuple[float, float]:
        return round(self.x + self.width / 2, 1), round(self.y + self.height / 2, 1)


@dataclass(frozen=True, slots=True)
class Wall:
    """All bricks of an icicle, the words beside its rows, and how high it is (WIDTH wide)."""

    bricks: list[Brick]
    rows: list[Tick]
    height: float
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gauge:
    """The dial as places along a line: the spread's own, and where most spreads of its size lie (or None).

    `scale` are structural viralities along it.
    """

    place: float
    typical: float | None
    high: float | None
    scale: list[Tick]


def lay_bricks(icicle: Icicle) -> Wall:
    """The icicle as rectangles, the entry on top."""
    height = max(LOWEST_ROW, min(TALLEST_ROW, TALLEST / len(icicle.rows)))
    bricks = [_lay(block, height) for block in icicle.blocks]
    return Wall(
        bricks=bricks,
        rows=_name_rows(icicle.rows, height),
        height=round(TOP + height * len(icicle.rows) + TOP, 1),
        kinds=frozenset(brick.kind for brick in bricks),
    )


def build_gauge(dial: Dial) -> Gauge:
    """The dial along its line."""
    scale = [Tick(_along(place), _name_steps(steps)) for steps, place in list_scale(dial.size)]
    if dial.typical is None:
        return Gauge(_along(dial.place), None, None, scale)
    return Gauge(_along(dial.place), _along(dial.typical_place), _along(dial.high_place), scale)


def _lay(block: Block, height: float) -> Brick:
    x, width = LEFT + block.start * (RIGHT - LEFT), block.width * (RIGHT - LEFT)
    label = f"{block.reach:,}" if block.row else f"{block.reach - 1:,}"
    has_room = height >= LEAST_ROW_WITH_WORDS and width >= LETTER * (len(label) + 1)
    return Brick(
        x=round(x, 1),
        y=round(TOP + block.row * height, 1),
        width=round(width - GAP if width > 3 * GAP else width, 2),
        height=round(height - GAP, 1),
        kind="lone" if block.is_lone else block.kind.value,
        label=label if has_room else "",
        title=_describe(block),
    )


def _describe(block: Block) -> str:
    where = f"Generation {block.generation}"
    match block.kind:
        case MarkKind.ENTRY:
            return f"The film: {block.reach - 1:,} people in all"
        case MarkKind.RUN:
            return f"Generations {block.generation} to {block.last_generation}: each brought one other"
        case MarkKind.MORE if block.is_lone:
            return f"{where}: {block.reach:,} people by one link who brought nobody"
        case MarkKind.MORE:
            return f"{where} and below: {block.reach:,} people of smaller branches"
        case _ if block.reach == 1:
            return f"{where}: one person"
        case _:
            return f"{where}: somebody and the {block.reach - 1:,} who came through them"


def _name_rows(rows: list[Row], height: float) -> list[Tick]:
    """The generations beside the rows, as many as have room; the last always has."""
    names, lowest = [], float("inf")
    for place in range(len(rows) - 1, 0, -1):
        at = round(TOP + (place + 0.5) * height, 1)
        if lowest - at >= LEAST_ROWS_APART:
            row = rows[place]
            names.append(Tick(at, f"{row.first}" if row.first == row.last else f"{row.first}–{row.last}"))
            lowest = at
    return names[::-1]


def _name_steps(steps: float) -> str:
    """A number of steps, to a tenth where it is small."""
    return f"{round(steps, 1):g}" if steps < 10 else f"{steps:,.0f}"


def _along(share: float) -> float:
    return round(DIAL_LEFT + share * (DIAL_RIGHT - DIAL_LEFT), 1)
