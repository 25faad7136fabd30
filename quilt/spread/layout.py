"""The picture of a spread tree as geometry: the entry in the middle, one ring per generation.

Everybody who came by somebody's link stands in that person's sector, one ring further out. The area of a
mark grows evenly with how many people it stands for or led to. Where many people came by one link they
are sown in rows within their ring's band, on a fan instead of a line each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, cos, pi, sin, sqrt
from typing import NamedTuple

from quilt.spread.condense import FoldedTree, Item, MarkKind, condense, rank_nodes
from quilt.spread.picture import Fan, Link, Mark, Picture, Ring

CANVAS = 1000.0
MAX_MARKS = 2000
FEWEST_MARKS = 200

# Lengths, as shares of the picture's side.
RIM = 0.47
CENTRE = 0.045
ENTRY_RADIUS = 0.032
LARGEST_RADIUS = 0.045
LEAST_RADIUS = 0.0008
LEAST_LABELLED_RADIUS = 0.011
LARGEST_CELL = 0.044
LEAST_CELL = 0.004

# Proportions. A cell is the place that a lone person's dot is given.
DOT_TO_CELL = 0.4
LARGEST_TO_DOT = 5.0
CLEARANCE = 1.15
EVEN_SHARE = 0.2
# How finely the size of a cell is found: to a hundredth of itself, down to this part of the largest.
CELL_HALVINGS = 9
SMALLEST_CELL = 1 / 100

# Small marks next to one another take turns in up to so many rows; larger ones stay on their ring.
MOST_ROWS_OF_LIMBS = 6
LARGEST_IN_ROWS = 1.7
# Fewer than a full row each, and rows keep within this part of the ring's radius.
FULL_ROW = 8
BAND_OF_FEW = 0.35

# Angles, in radians: where the first sector starts, the seam before it, in which the rings' numbers have room, and
# what a person's children spread over at most unless they need more.
SEAM = 0.2
FIRST_ANGLE = (pi + SEAM) / 2
WHOLE = 2 * pi - SEAM
WIDEST_FAN = 1.6


class _Band(NamedTuple):
    """The space of one generation: its ring and how far the marks may spread to both sides of it."""

    generation: int
    ring: float
    width: float


@dataclass(slots=True)
class _Branch:
    """An item's children: those with a sector of their own, and the lone people sown in rows."""

    limbs: list[int]
    leaves: list[int]


class _Limb(NamedTuple):
    """All that the room of a limb depends on: many people of few others each take up the same."""

    generation: int
    reach: int
    siblings: int  # with itself, as far as they may take turns in rows


_NO_LIMB = _Limb(0, 0, 0)


class _Room(NamedTuple):
    """What each item takes up, by its place: the angle and the radius of its mark, and the rows that it and its
    siblings stand in. Lone people are not among them.
    """

    widths: list[float]
    rows: list[int]
    radii: list[float]


class _Sector(NamedTuple):
    start: float
    span: float

    @property
    def middle(self) -> float:
        return self.start + self.span / 2


class _Seat(NamedTuple):
    """A place in polar coordinates round the middle of the picture."""

    angle: float
    distance: float


def draw_folded(
    tree: FoldedTree,
    size: float = CANVAS,
    max_marks: int = MAX_MARKS,
    least_cell: float = LEAST_CELL,
) -> Picture:
    """Return the radial picture of a tree whose runs are folded.

    `least_cell` is the smallest place of a lone person, as a share of the side: rather fewer marks that can be
    seen than all that are allowed.
    """
    ranked = rank_nodes(tree, max_marks)
    while True:
        drawing = _Drawing(condense(tree, max_marks, ranked), size)
        if max_marks <= FEWEST_MARKS or drawing.has_room_for(size * least_cell):
            return drawing.draw()
        max_marks = max(FEWEST_MARKS, max_marks * 3 // 5)


class _Drawing:
    """The working state of one picture."""

    def __init__(self, items: list[Item], size: float) -> None:
        self.items = items
        self.size = size
        self.bands = _list_bands(items, size)
        self.branches = _list_branches(items)
        self.inner = [
            place
            for place in range(len(items) - 1, -1, -1)
            if self.branches[place].limbs or self.branches[place].leaves
        ]
        self.turns = {place: turn for branch in self.branches for turn, place in enumerate(branch.limbs)}
        self.largest = max((item.reach for item in items[1:]), default=1)
        limbs = [_NO_LIMB] * len(items)
        for branch in self.branches:
            siblings = min(len(branch.limbs), MOST_ROWS_OF_LIMBS)
            for place in branch.limbs:
                limbs[place] = _Limb(items[place].generation, items[place].reach, siblings)
        kinds = {limb: number for number, limb in enumerate(dict.fromkeys([_NO_LIMB, *limbs]))}
        self.limbs = list(kinds)[1:]
        self.limb_of = list(map(kinds.__getitem__, limbs))
        self.cell = 0.0
        self.room = _Room([], [], [])
        self.seats: list[_Seat] = [_Seat(0.0, 0.0)] * len(items)
        self.fans: list[Fan] = []
        self.sown: set[int] = set()

    def has_room_for(self, cell: float) -> bool:
        """Whether everybody fits round the circle when a lone person's place has this side."""
        return self._list_needs(cell)[0] <= WHOLE

    def draw(self) -> Picture:
        self.cell = self._find_cell()
        self.room = self._measure(self.cell)
        self._seat_everybody()
        return Picture(
            size=self.size,
            marks=[self._mark(place) for place in range(len(self.items))],
            links=[self._link(place) for place in range(1, len(self.items)) if place not in self.sown],
            fans=self.fans,
            rings=[Ring(band.generation, round(band.ring, 2)) for band in self.bands.values()],
        )

    def _find_cell(self) -> float:
        """Return the largest side of a lone person's place with which everybody fits round the circle."""
        most = self.size * LARGEST_CELL
        if self.has_room_for(most):
            return most
        least = most * SMALLEST_CELL
        if not self.has_room_for(least):
            return least / 2
        for _ in range(CELL_HALVINGS):
            middle = sqrt(least * most)
            if self.has_room_for(middle):
                least = middle
            else:
                most = middle
        return least

    def _list_needs(self, cell: float) -> list[float]:
        """Return the angle that each item's children need; index 0 is the whole picture's."""
        widths = self._measure(cell).widths
        needs = [0.0] * len(self.items)
        for place in self.inner:
            branch = self.branches[place]
            own = 0.0
            for limb in branch.limbs:
                own += max(needs[limb], widths[limb])
            needs[place] = own + self._need_of_leaves(branch.leaves, cell)
        return needs

    def _measure(self, cell: float) -> "_Room":
        """Return how much room each limb takes up when a lone person's place has this side."""
        widths, rows_of, radii = [0.0], [1], [0.0]
        dot, most = self._list_radii(cell)
        least_area, more_area = dot**2, (most**2 - dot**2) / max(1, self.largest - 1)
        for limb in self.limbs:
            band = self.bands[limb.generation]
            radius = min(sqrt(least_area + more_area * (limb.reach - 1)), 0.46 * band.width)
            rows = 1
            if 0 < radius < LARGEST_IN_ROWS * dot:
                fits = int(band.width / (2 * CLEARANCE * radius))
                rows = max(1, min(fits, limb.siblings))
            breadth = 2 * CLEARANCE * radius
            radii.append(radius)
            rows_of.append(rows)
            widths.append(breadth / (band.ring - (rows - 1) / 2 * breadth) / rows)
        room = _Room(*(list(map(column.__getitem__, self.limb_of)) for column in (widths, rows_of, radii)))  # type: ignore[arg-type]
        room.radii[0] = self.size * ENTRY_RADIUS
        return room

    def _list_radii(self, cell: float) -> tuple[float, float]:
        """Return the radius of a lone person's dot and that of the largest mark."""
        dot = cell * DOT_TO_CELL
        return dot, min(LARGEST_TO_DOT * dot, max(dot, self.size * LARGEST_RADIUS))

    def _need_of_leaves(self, leaves: list[int], cell: float) -> float:
        if not leaves:
            return 0.0
        band = self._band(leaves[0])
        # Rows further out hold more, so on the whole they hold as much as the middle one does.
        return ceil(len(leaves) / _count_rows(band, cell, len(leaves))) * cell / band.ring

    def _radius(self, place: int) -> float:
        """Return a mark's radius; a lone person's is the same for all on a ring."""
        if self.items[place].reach > 1 or place == 0:
            return self.room.radii[place]
        return min(self._list_radii(self.cell)[0], 0.46 * self._band(place).width)

    def _band(self, place: int) -> _Band:
        return self.bands[self.items[place].generation]

    def _seat_everybody(self) -> None:
        needs = self._list_needs(self.cell)
        sectors = {0: _Sector(FIRST_ANGLE, WHOLE)}
        for place, branch in enumerate(self.branches):
            if not (branch.limbs or branch.leaves):
                continue
            sector = sectors.pop(place)
            if place:
                sector = _narrow(sector, max(needs[place], WIDEST_FAN))
            for child, part in self._divide(branch, sector, needs):
                if child is None:
                    self._sow(place, branch.leaves, part)
                    continue
                self.seats[child] = _Seat(part.middle, self._distance(child))
                sectors[child] = part

    def _divide(
        self, branch: _Branch, sector: _Sector, needs: list[float]
    ) -> Iterator[tuple[int | None, _Sector]]:
        """Yield each limb's sector and, last, that of the leaves (None), in proportion to the needs."""
        wanted: list[tuple[int | None, float]] = [
            (place, max(needs[place], self.room.widths[place])) for place in branch.limbs
        ]
        if branch.leaves:
            wanted.append((None, self._need_of_leaves(branch.leaves, self.cell)))
        stretch = sector.span / sum(need for _, need in wanted)
        start = sector.start
        for place, need in wanted:
            yield place, _Sector(start, need * stretch)
            start += need * stretch

    def _distance(self, place: int) -> float:
        """Return how far out a limb stands: on its ring, or near it where small ones take turns in rows."""
        rows = self.room.rows[place]
        row = self.turns[place] % rows
        return self._band(place).ring + (row - (rows - 1) / 2) * 2 * CLEARANCE * self.room.radii[place]

    def _sow(self, source: int, leaves: list[int], sector: _Sector) -> None:
        """Seat lone people of one parent in as few rows as they fit into, the nearest row first."""
        band = self._band(leaves[0])
        rows = self._choose_rows(band, len(leaves), sector.span)
        step = min(band.width / rows, CLEARANCE * self.cell)
        distances = [band.ring + (row - (rows - 1) / 2) * step for row in range(rows)]
        waiting = iter(leaves)
        for distance, count in zip(distances, _share_out(len(leaves), distances), strict=True):
            for turn in range(count):
                angle = sector.start + (turn + 0.5) * sector.span / count
                self.seats[next(waiting)] = _Seat(angle, distance)
        if rows > 1:
            self.sown.update(leaves)
            path = self._fan_path(self.seats[source], sector, distances[-1] + step / 2)
            self.fans.append(Fan(source, len(leaves), path))

    def _choose_rows(self, band: _Band, count: int, span: float) -> int:
        most = _count_rows(band, self.cell, count)
        room = span * band.ring / self.cell
        return min(most, max(1, ceil(count / room))) if room > 0 else most

    def _mark(self, place: int) -> Mark:
        item = self.items[place]
        x, y = self._point(self.seats[place])
        radius = self._radius(place)
        has_label = item.people > 1 and radius >= self.size * LEAST_LABELLED_RADIUS
        return Mark(
            x=round(x, 2),
            y=round(y, 2),
            radius=round(max(radius, self.size * LEAST_RADIUS), 2),
            kind=item.kind,
            node=item.node,
            generation=item.generation,
            last_generation=item.last_generation,
            people=item.people,
            reach=item.reach,
            label=f"+{item.people:,}" if has_label else "",
        )

    def _link(self, place: int) -> Link:
        item = self.items[place]
        start, end = self.seats[item.parent], self.seats[place]
        is_run = MarkKind.RUN in (item.kind, self.items[item.parent].kind)
        if item.parent == 0:  # from the middle there is no angle to keep to
            return Link(item.parent, place, f"M{self._spell(start)}L{self._spell(end)}", is_run)
        halfway = (start.distance + end.distance) / 2
        turn = f"{self._spell(_Seat(start.angle, halfway))} {self._spell(_Seat(end.angle, halfway))}"
        return Link(item.parent, place, f"M{self._spell(start)}C{turn} {self._spell(end)}", is_run)

    def _fan_path(self, source: _Seat, sector: _Sector, distance: float) -> str:
        corners = [_Seat(sector.start + sector.span * part / 2, distance) for part in (0, 1, 2)]
        arc = f"A{distance:.2f} {distance:.2f} 0 0 1 "
        first, *rest = (self._spell(corner) for corner in corners)
        return f"M{self._spell(source)}L{first}{''.join(arc + corner for corner in rest)}Z"

    def _point(self, seat: _Seat) -> tuple[float, float]:
        middle = self.size / 2
        return middle + seat.distance * cos(seat.angle), middle + seat.distance * sin(seat.angle)

    def _spell(self, seat: _Seat) -> str:
        return "{:.1f},{:.1f}".format(*self._point(seat))


def _list_bands(items: list[Item], size: float) -> dict[int, _Band]:
    """Share the disc out among the generations that have a mark.

    A band's area follows the root of the number of its marks, which lets the most people fit in, mixed
    with an even share so that no ring disappears.
    """
    weights: dict[int, int] = {}
    for item in items[1:]:
        weights[item.generation] = weights.get(item.generation, 0) + 1
    generations = sorted(weights)
    whole = sum(sqrt(weights[generation]) for generation in generations)
    bands, inner, so_far = {}, size * CENTRE, 0.0
    for place, generation in enumerate(generations, 1):
        so_far += sqrt(weights[generation])
        outer = _find_edge(so_far / whole, place / len(generations), size)
        bands[generation] = _Band(generation, (inner + outer) / 2, outer - inner)
        inner = outer
    return bands


def _find_edge(area_share: float, even_share: float, size: float) -> float:
    centre, rim = size * CENTRE, size * RIM
    by_area = sqrt(centre**2 + (rim**2 - centre**2) * area_share)
    evenly = centre + (rim - centre) * even_share
    return EVEN_SHARE * evenly + (1 - EVEN_SHARE) * by_area


def _list_branches(items: list[Item]) -> list[_Branch]:
    branches = [_Branch([], []) for _ in items]
    for place, item in enumerate(items[1:], 1):
        branch = branches[item.parent]
        (branch.leaves if item.reach == 1 else branch.limbs).append(place)
    for branch in branches:
        # Neighbours of like size can take turns in rows without touching.
        branch.limbs.sort(key=lambda place: -items[place].reach)
    return branches


def _count_rows(band: _Band, cell: float, people: int) -> int:
    """Return the most rows that so many people may stand in: a few keep close to their ring."""
    if cell <= 0:
        return 1
    rows = min(people, int(band.width / cell))
    if people < FULL_ROW * rows:
        rows = min(rows, int(BAND_OF_FEW * band.ring / cell) + 1)
    return max(1, rows)


def _share_out(people: int, distances: list[float]) -> list[int]:
    """Return how many people stand in each row, in proportion to the rows' lengths."""
    counts, taken, so_far = [], 0, 0.0
    for distance in distances:
        so_far += distance
        upto = round(people * so_far / sum(distances))
        counts.append(upto - taken)
        taken = upto
    return counts


def _narrow(sector: _Sector, span: float) -> _Sector:
    span = min(span, sector.span)
    return _Sector(sector.middle - span / 2, span)
