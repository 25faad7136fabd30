"""Logos: strangers' pictures written anew as small PNG, transparent where they were."""

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

from quilt.media.pictures import FORMATS, MAX_PIXELS, NotAPicture, PictureTooLarge

LARGEST = (480, 160)


def save_logo(source: Path | bytes, target: Path) -> tuple[int, int]:
    """Writes only the pixels of a picture as PNG of at most 480 × 160; returns its width and height.

    Raises NotAPicture or PictureTooLarge, the latter before any pixel is unpacked.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise PictureTooLarge
                logo = ImageOps.exif_transpose(picture).convert("RGBA")
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
            raise PictureTooLarge from bomb
        except (OSError, ValueError, SyntaxError) as broken:
            raise NotAPicture from broken
    logo.thumbnail(LARGEST)
    clean = Image.new("RGBA", logo.size)
    clean.paste(logo)  # pixels alone: no text, profile or other chunk comes along
    clean.save(target, "PNG", optimize=True)
    return clean.size
