"""Still pictures: opening strangers' ones safely, and drawing patches with Pillow."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from quilt.media.patches import Circle, Patch
from quilt.media.rules import MediaRefused

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 25_000_000
OVERSAMPLING = 4
JPEG_QUALITIES = (88, 80, 70, 60, 45, 32, 22, 14)  # the last ones for noise alone


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
