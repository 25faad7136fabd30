"""Still pictures: opening strangers' ones safely, and drawing patches and words with Pillow."""

import io
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import font_source_sans_pro
import font_source_serif_pro
from PIL import Image, ImageDraw, ImageFont, ImageOps

from quilt.media.patches import Circle, Patch
from quilt.media.rules import MediaRefused

Face = Literal["serif", "sans", "sans-bold"]
Colour = str | tuple[int, int, int]

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 25_000_000
OVERSAMPLING = 4
JPEG_QUALITIES = (88, 80, 70, 60, 45)

_FONT_FILES: dict[Face, str] = {
    "serif": font_source_serif_pro.font_files_ttf["SourceSerifProSemibold"],
    "sans": font_source_sans_pro.font_files_ttf["SourceSansPro"],
    "sans-bold": font_source_sans_pro.font_files_ttf["SourceSansProSemibold"],
}


class NotAPicture(MediaRefused):
    code = "not_a_picture"
    message = "We could not read this as a picture. Your draft is saved: use JPEG, PNG or WebP."


class PictureTooLarge(MediaRefused):
    code = "picture_too_large"
    message = "Pictures can be up to 25 megapixels. Your draft is saved: choose a smaller copy."


def open_picture(source: Path | bytes) -> Image.Image:
    """A still picture as RGB, upright, only ever tried as JPEG, PNG or WebP; of a moving one the first frame.

    Raises NotAPicture or PictureTooLarge, the latter before any pixel is unpacked.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise PictureTooLarge
                return ImageOps.exif_transpose(picture).convert("RGB")
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
            raise PictureTooLarge from bomb
        except (OSError, ValueError, SyntaxError) as broken:
            raise NotAPicture from broken


def save_stills(source: Path | bytes, targets: Sequence[tuple[Path, int]]) -> None:
    """Writes a stranger's picture anew as JPEG, only its pixels, once a target (path, longest side).

    Raises NotAPicture or PictureTooLarge.
    """
    picture = open_picture(source)
    for path, side in targets:
        copy = picture.copy()
        copy.thumbnail((side, side))
        copy.save(path, "JPEG", quality=82, optimize=True)


def save_jpeg(picture: Image.Image, target: Path, *, max_bytes: int) -> None:
    """Writes a JPEG of less than `max_bytes`, as good as that allows. Raises ValueError where none fits."""
    for quality in JPEG_QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() < max_bytes:
            target.write_bytes(buffer.getvalue())
            return
    raise ValueError(f"no picture of less than {max_bytes} bytes")


def patch_picture(patch: Patch, side: int) -> Image.Image:
    """The patch as an RGB picture of side × side pixels, edges smooth."""
    picture = Image.new("RGB", (side * OVERSAMPLING, side * OVERSAMPLING))
    draw_patch(ImageDraw.Draw(picture), patch, (0, 0), side * OVERSAMPLING)
    return picture.reduce(OVERSAMPLING)


def draw_patch(draw: ImageDraw.ImageDraw, patch: Patch, corner: tuple[float, float], side: float) -> None:
    """Draws all shapes of a patch, its top left at `corner`, in pixels."""
    scale = side / patch.grid
    left, top = corner
    for shape in patch.shapes:
        fill = patch.fabric.colour_of(shape.role)
        if isinstance(shape, Circle):
            x, y, radius = left + shape.x * scale, top + shape.y * scale, shape.radius * scale
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
        else:
            draw.polygon([(left + x * scale, top + y * scale) for x, y in shape.points], fill=fill)


@lru_cache(maxsize=64)
def font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """One of the site's own typefaces at a size in pixels."""
    return ImageFont.truetype(_FONT_FILES[face], size)


def drawable(text: str, face: Face) -> str:
    """The text without signs that the typeface does not have; empty where more than a third would be lost."""
    wanted = [sign for sign in " ".join(text.split()) if sign.isprintable()]
    kept = [sign for sign in wanted if sign == " " or _has(face, sign)]
    return " ".join("".join(kept).split()) if 3 * len(kept) >= 2 * len(wanted) else ""


def fit_text(
    text: str, face: Face, *, width: int, height: int, sizes: Sequence[int], leading: float = 1.18
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest of `sizes` at which the wrapped text fits into width × height pixels, and its lines.

    At the last size words wider than a line are broken, and what still does not fit ends in an ellipsis.
    """
    for size in sizes:
        letters = font(face, size)
        lines = _wrap(text.split(), letters, width)
        if len(lines) * size * leading <= height and all(letters.getlength(line) <= width for line in lines):
            return letters, lines
    room = max(1, int(height / (sizes[-1] * leading)))
    pieces = [piece for word in text.split() for piece in _break(word, letters, width)]
    lines = _wrap(pieces, letters, width)
    if len(lines) > room:
        lines = [*lines[: room - 1], _shorten(lines[room - 1], letters, width)]
    return letters, lines


def _wrap(words: Sequence[str], letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and letters.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def _break(word: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    pieces = [""]
    for sign in word:
        if pieces[-1] and letters.getlength(pieces[-1] + sign) > width:
            pieces.append("")
        pieces[-1] += sign
    return pieces


def _shorten(line: str, letters: ImageFont.FreeTypeFont, width: int) -> str:
    while line and letters.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line.rstrip(' ,.;:')}…"


@lru_cache(maxsize=4096)
def _has(face: Face, sign: str) -> bool:
    """A sign that the typeface lacks is drawn as the same box as a code point that is never a sign."""
    letters = font(face, 24)
    return bytes(letters.getmask(sign)) != bytes(letters.getmask("\uffff"))
