"""What a shared link shows: poster, cause, title and a line of truth, sewn together by the cause's patch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from quilt.media.patches import Fabric, build_patch
from quilt.media.pictures import open_picture, patch_picture, save_jpeg
from quilt.media.typesetting import Colour, Letters, drawable, fit_text, write_line

WIDTH, HEIGHT = 1200, 630
MAX_BYTES = 300_000
TILE = 70  # nine patches make the seam from top to bottom
POSTER_WIDTH = HEIGHT - TILE
TEXT_LEFT, TEXT_RIGHT = HEIGHT + 56, WIDTH - 56
TITLE_SIZES = (80, 72, 66, 60, 54, 48, 43, 38, 34)
LINE_SIZES = (34, 31, 28)
LEADING = 1.14
STITCH, GAP = 14, 10


@dataclass(frozen=True)
class Card:
    """What a card says. `line` is ready to read, such as "412 people voted · reached 1,240"."""

    title: str
    cause: str
    line: str
    site_name: str


def draw_card(card: Card, target: Path, *, poster: Path | bytes | None = None) -> None:
    """Writes the card as a JPEG of 1200×630 pixels and less than 300 kB to `target`.

    Without a poster the cause's patch fills its place. Raises NotAPicture or PictureTooLarge.
    """
    patch = build_patch(card.cause)
    picture = Image.new("RGB", (WIDTH, HEIGHT), patch.fabric.ground)
    if poster is None:
        picture.paste(patch_picture(patch, HEIGHT), (0, 0))
    else:
        still = ImageOps.fit(open_picture(poster), (POSTER_WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        picture.paste(mark_as_film(still), (0, 0))
        tile = patch_picture(patch, TILE)
        for top in range(0, HEIGHT, TILE):
            picture.paste(tile, (POSTER_WIDTH, top))
    _write(picture, card, patch.fabric)
    save_jpeg(picture, target, max_bytes=MAX_BYTES)


def draw_stitches(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colour: Colour, *, part: float = 1.0
) -> None:
    """A running stitch along a box (left, top, right, bottom), clockwise; of it the first `part`, 0 to 1."""
    stitches = list(_stitches(box))
    for ends in stitches[: round(part * len(stitches))]:
        draw.line(ends, fill=colour, width=3)


def write_block(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], lines: list[str], letters: Letters, colour: Colour, *, width: int
) -> float:  # fmt: skip
    """Writes lines one below the other, from the side at which their script begins; returns where they end."""
    left, top = at
    is_right = letters.base == "rtl"
    for line in lines:
        write_line(
            draw, (left + width if is_right else left, top), line, letters, colour, "ra" if is_right else "la"
        )
        top += letters.size * LEADING
    return top


def mark_as_film(still: Image.Image, side: int = 128) -> Image.Image:
    """A play mark in the middle, drawn large and made small, so that its edges are smooth; dark and light, to be
    seen on any picture."""
    scale = 4
    disc = Image.new("L", (side * scale, side * scale))
    ImageDraw.Draw(disc).ellipse((0, 0, side * scale - 1, side * scale - 1), fill=190)
    arrow = Image.new("L", disc.size)
    corners = [(0.39, 0.29), (0.39, 0.71), (0.74, 0.5)]
    ImageDraw.Draw(arrow).polygon([(x * side * scale, y * side * scale) for x, y in corners], fill=255)
    corner = ((still.width - side) // 2, (still.height - side) // 2)
    still.paste("#1b1714", corner, disc.reduce(scale))
    still.paste("#ffffff", corner, arrow.reduce(scale))
    return still


def split_figures(text: str, width: int, size: int) -> list[str]:
    """One line where it fits, else one for each part between the dots, three at most."""
    if not text or Letters("sans", size).getlength(text) <= width:
        return [text] if text else []
    parts = [
        fit_text(part, "sans", width=width, height=2 * size, sizes=(size,))[1][0]
        for part in text.split(" · ")
    ]
    return parts[:3]


def write_name(
    picture: Image.Image, name: str, at: tuple[int, int], size: int, colour: Colour, width: int
) -> None:
    """The site's own patch and its name, `size` pixels high, from the corner `at`."""
    picture.paste(patch_picture(build_patch(name), size), at)
    sizes = (round(0.8 * size), round(0.65 * size))
    letters, lines = fit_text(
        drawable(name, "serif"), "serif", width=width - 2 * size, height=2 * size, sizes=sizes
    )
    for line in lines[:1]:
        middle = (at[0] + 1.35 * size, at[1] + 0.46 * size)
        write_line(ImageDraw.Draw(picture), middle, line, letters, colour, "lm")


def _write(picture: Image.Image, card: Card, fabric: Fabric) -> None:
    draw = ImageDraw.Draw(picture)
    draw_stitches(draw, (HEIGHT + 20, 20, WIDTH - 20, HEIGHT - 20), fabric.accent)
    width = TEXT_RIGHT - TEXT_LEFT
    top = 62
    cause = drawable(card.cause, "sans-bold")
    if cause:
        letters, lines = fit_text(cause, "sans-bold", width=width, height=44, sizes=(32, 28, 25))
        write_block(draw, (TEXT_LEFT, top), lines[:1], letters, fabric.figure, width=width)
        top += 56
    title = drawable(card.title, "serif")
    if title:
        room = HEIGHT - 216 - top
        letters, lines = fit_text(
            title, "serif", width=width, height=room, sizes=TITLE_SIZES, leading=LEADING
        )
        write_block(draw, (TEXT_LEFT, top), lines, letters, fabric.figure, width=width)
    lines = split_figures(drawable(card.line, "sans"), width, LINE_SIZES[1])
    for number, words in enumerate(reversed(lines)):
        letters, _ = fit_text(words, "sans", width=width, height=42, sizes=LINE_SIZES)
        write_line(draw, (TEXT_LEFT, HEIGHT - 162 - number * 42), words, letters, fabric.figure)
    write_name(picture, card.site_name, (TEXT_LEFT, HEIGHT - 98), 40, fabric.figure, width)


def _stitches(box: tuple[int, int, int, int]) -> Iterator[tuple[int, int, int, int]]:
    left, top, right, bottom = box
    step = STITCH + GAP
    for x in range(left + GAP, right - STITCH, step):
        yield x, top, x + STITCH, top
    for y in range(top + GAP, bottom - STITCH, step):
        yield right, y, right, y + STITCH
    for x in range(right - GAP, left + STITCH, -step):
        yield x - STITCH, bottom, x, bottom
    for y in range(bottom - GAP, top + STITCH, -step):
        yield left, y - STITCH, left, y
