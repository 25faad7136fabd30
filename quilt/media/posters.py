"""The share kit's pictures: a square and a story for the networks, and a poster to print with its QR code."""

import io
import time
from dataclasses import dataclass
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageOps

from quilt.media.cards import (
    LEADING,
    MAX_BYTES,
    Card,
    draw_stitches,
    mark_as_film,
    split_figures,
    write_block,
    write_name,
)
from quilt.media.patches import Fabric, Patch, build_patch
from quilt.media.pictures import JPEG_QUALITIES, open_picture, patch_picture, save_jpeg
from quilt.media.typesetting import drawable, fit_text, write_line

SQUARE = (1080, 1080)
STORY = (1080, 1920)  # the networks lay their own buttons over the first 250 and the last 340 pixels
DPI = 150
PAPERS = {"a4": (1240, 1754), "letter": (1275, 1650)}  # pixels at 150 dpi
UNDATED = time.gmtime(0)  # the same page is the same file, whenever it is drawn
INK, PAPER = "#1b1714", "#ffffff"
TITLE_SIZES = (120, 108, 98, 88, 80, 72, 66, 60, 54, 48, 42, 38)


@dataclass(frozen=True)
class PosterWords:
    """What a poster says besides its card: what the QR code holds, and the same link to be typed."""

    url: str
    typed_url: str
    call: str = "Watch it, then vote"


def draw_square(card: Card, target: Path, *, poster: Path | bytes | None = None) -> None:
    """Writes a JPEG of 1080×1080 pixels under 300 kB. Raises NotAPicture or PictureTooLarge."""
    patch, fabric = build_patch(card.cause), build_patch(card.cause).fabric
    picture = Image.new("RGB", SQUARE, fabric.ground)
    picture.paste(_film(poster, patch, (1080, 594)), (0, 0))
    _sew(picture, patch, 594, 54)
    draw_stitches(ImageDraw.Draw(picture), (24, 672, 1056, 1056), fabric.accent)
    end = _write_words(picture, card, fabric, (64, 696), 952, 1080 - 190 - 696)
    _write_line_of_figures(picture, card, fabric, (64, round(max(end, 912))), 952)
    write_name(picture, card.site_name, (64, 986), 42, fabric.figure, 952)
    save_jpeg(picture, target, max_bytes=MAX_BYTES)


def draw_story(card: Card, target: Path, *, poster: Path | bytes | None = None) -> None:
    """Writes a JPEG of 1080×1920 pixels under 300 kB, words and film clear of the networks' own buttons.

    Raises NotAPicture or PictureTooLarge.
    """
    patch, fabric = build_patch(card.cause), build_patch(card.cause).fabric
    picture = Image.new("RGB", STORY, fabric.ground)
    for top in (0, 1740):
        _sew(picture, patch, top, 180)
    film = _film(poster, patch, (1080, 608))
    if poster is not None and _is_upright(poster):
        film = _film(poster, patch, (1080, 800))
    picture.paste(film, (0, 252))
    below = 252 + film.height
    _sew(picture, patch, below, 36)
    draw_stitches(ImageDraw.Draw(picture), (32, below + 68, 1048, 1708), fabric.accent)
    end = _write_words(picture, card, fabric, (84, below + 108), 912, 1400 - below - 108)
    _write_line_of_figures(picture, card, fabric, (84, round(max(end, 1420))), 912)
    write_name(picture, card.site_name, (84, 1520), 56, fabric.figure, 912)
    save_jpeg(picture, target, max_bytes=MAX_BYTES)


def draw_poster(
    card: Card, words: PosterWords, paper: str, target: Path, *, poster: Path | bytes | None = None
) -> None:
    """Writes a PDF of one page (`paper`: a4 or letter) under 300 kB, on white, to spare the printer's ink.

    Raises NotAPicture or PictureTooLarge.
    """
    width, height = PAPERS[paper]
    patch = build_patch(card.cause)
    page = Image.new("RGB", (width, height), PAPER)
    margin = 84
    inner = width - 2 * margin
    film_height = round(inner * 9 / 16)
    page.paste(_film(poster, patch, (inner, film_height)), (margin, margin))
    below = margin + film_height
    tile = inner // 20
    for number in range(inner // tile):
        page.paste(patch_picture(patch, tile), (margin + number * tile, below))
    side = 360
    foot = height - margin - side
    ink = Fabric("print", PAPER, INK, patch.fabric.accent)
    _write_words(page, card, ink, (margin, below + tile + 36), inner, foot - below - tile - 90)
    _draw_qr(page, words.url, (width - margin - side, foot), side)
    _write_call(page, card, words, (margin, foot), inner - side - 48, side)
    _save_pdf(page, target)


def _write_words(
    picture: Image.Image, card: Card, fabric: Fabric, at: tuple[int, int], width: int, height: int
) -> float:
    """Cause and title into width × height pixels; returns where they end."""
    draw = ImageDraw.Draw(picture)
    left, top = at
    cause = drawable(card.cause, "sans-bold")
    if cause:
        letters, lines = fit_text(cause, "sans-bold", width=width, height=56, sizes=(38, 34, 30))
        write_block(draw, (left, top), lines[:1], letters, fabric.figure, width=width)
        top += 60
    title = drawable(card.title, "serif")
    if not title:
        return top
    room = height - (top - at[1])
    letters, lines = fit_text(title, "serif", width=width, height=room, sizes=TITLE_SIZES, leading=LEADING)
    return write_block(draw, (left, top), lines, letters, fabric.figure, width=width)


def _write_line_of_figures(
    picture: Image.Image, card: Card, fabric: Fabric, at: tuple[int, int], width: int
) -> None:
    lines = split_figures(drawable(card.line, "sans"), width, 36)
    for words in lines[:1]:
        letters, _ = fit_text(words, "sans", width=width, height=50, sizes=(38, 34, 30))
        write_line(ImageDraw.Draw(picture), at, words, letters, fabric.figure)


def _write_call(
    page: Image.Image, card: Card, words: PosterWords, at: tuple[int, int], width: int, height: int
) -> None:
    draw = ImageDraw.Draw(page)
    letters, lines = fit_text(words.call, "serif", width=width, height=150, sizes=(52, 47, 42))
    end = write_block(draw, at, lines, letters, INK, width=width)
    hint, rest = fit_text(
        "Point your phone’s camera at the code, or type", "sans", width=width, height=90, sizes=(30, 27)
    )
    end = write_block(draw, (at[0], end + 14), rest, hint, INK, width=width)
    typed, link = fit_text(words.typed_url, "sans-bold", width=width, height=80, sizes=(38, 33, 28, 24))
    write_block(draw, (at[0], end + 4), link, typed, INK, width=width)
    write_name(page, card.site_name, (at[0], at[1] + height - 48), 48, INK, width)


def _film(poster: Path | bytes | None, patch: Patch, size: tuple[int, int]) -> Image.Image:
    """The film's still with a play mark, or the cause's patch again and again where there is none."""
    if poster is not None:
        return mark_as_film(ImageOps.fit(open_picture(poster), size, Image.Resampling.LANCZOS), 144)
    picture = Image.new("RGB", size, patch.fabric.ground)
    side = -(-size[0] // 2)
    block = patch_picture(patch, side)
    for left in range(0, size[0], side):
        for top in range((size[1] - side) // 2 - side, size[1], side):
            picture.paste(block, (left, top))
    return picture


def _is_upright(poster: Path | bytes) -> bool:
    picture = open_picture(poster)
    return picture.height > picture.width


def _sew(picture: Image.Image, patch: Patch, top: int, side: int) -> None:
    """A row of patches from edge to edge."""
    tile = patch_picture(patch, side)
    for left in range(0, picture.width, side):
        picture.paste(tile, (left, top))


def _draw_qr(page: Image.Image, url: str, at: tuple[int, int], side: int) -> None:
    """The code with its quiet zone, in whole pixels a module, so that its edges are sharp."""
    matrix = tuple(segno.make(url, error="m").matrix_iter(scale=1, border=2))
    unit = side // len(matrix)
    left = at[0] + side - unit * len(matrix)
    draw = ImageDraw.Draw(page)
    for y, row in enumerate(matrix):
        for x, is_dark in enumerate(row):
            if is_dark:
                corner = (left + x * unit, at[1] + y * unit)
                draw.rectangle((*corner, corner[0] + unit - 1, corner[1] + unit - 1), fill="#000000")


def _save_pdf(page: Image.Image, target: Path) -> None:
    """One page whose size on paper follows from the dots per inch. Raises ValueError where it grows too large."""
    for quality in JPEG_QUALITIES:
        buffer = io.BytesIO()
        page.save(buffer, "PDF", resolution=DPI, quality=quality, creationDate=UNDATED, modDate=UNDATED)
        if buffer.tell() < MAX_BYTES:
            target.write_bytes(buffer.getvalue())
            return
    raise ValueError(f"no page of less than {MAX_BYTES} bytes")
