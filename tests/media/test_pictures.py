"""Strangers' pictures are opened with care; patches and words are drawn where they belong."""

import io
import resource
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from quilt.media.patches import BLOCKS, FABRICS, build_patch, draw_block
from quilt.media.pictures import (
    NotAPicture,
    PictureTooLarge,
    open_picture,
    patch_picture,
    save_jpeg,
    save_stills,
)


def picture_bytes(kind, size=(64, 48), mode="RGB", **options):
    buffer = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_kinds_we_take(kind, tmp_path):
    assert open_picture(picture_bytes(kind)).size == (64, 48)
    path = tmp_path / "picture"
    path.write_bytes(picture_bytes(kind))
    assert open_picture(path).mode == "RGB"


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "ICO", "PPM", "EPS", "PDF"])
def test_other_kinds_are_never_tried(kind):
    with pytest.raises(NotAPicture):
        open_picture(picture_bytes(kind))


def test_an_unpacking_telescope_picture_is_never_tried():
    head = b"SIMPLE  =                    T".ljust(80) + b"END".ljust(80)
    with pytest.raises(NotAPicture):
        open_picture(head.ljust(2880) + b"\x1f\x8b" * 100)


@pytest.mark.parametrize(
    "content", [b"", b"words", b"\x89PNG\r\n\x1a\n", picture_bytes("JPEG", (300, 300))[:400]]
)
def test_damaged_pictures_are_refused(content):
    with pytest.raises(NotAPicture):
        open_picture(content)


def test_a_wrong_check_sum_is_refused():
    content = bytearray(picture_bytes("PNG"))
    content[content.index(b"IDAT") + 8] ^= 0xFF
    with pytest.raises(NotAPicture):
        open_picture(bytes(content))


@pytest.mark.parametrize("side", [5001, 9000, 13_000, 14_000, 60_000])
def test_huge_pictures_are_refused_before_they_are_unpacked(side):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PictureTooLarge):
        open_picture(black_png_head(side))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_of_a_moving_picture_the_first_frame_is_taken():
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    red, _, blue = open_picture(buffer.getvalue()).getpixel((20, 15))
    assert red > 200 and blue < 50


def test_a_turned_photo_is_set_upright_and_tells_no_place(tmp_path):
    notes = Image.Exif()
    notes[0x0112] = 6
    notes[0x010E] = "at home"
    source = picture_bytes("JPEG", (64, 48), exif=notes)
    assert b"at home" in source
    targets = [(tmp_path / "large.jpg", 1280), (tmp_path / "small.jpg", 32)]
    save_stills(source, targets)
    assert [sized(path) for path, _ in targets] == [(48, 64), (24, 32)]
    assert all(b"at home" not in path.read_bytes() for path, _ in targets)


def test_jpegs_keep_to_their_size(tmp_path):
    noise = Image.effect_noise((1200, 630), 90).convert("RGB")
    save_jpeg(noise, tmp_path / "noise.jpg", max_bytes=300_000)
    assert (tmp_path / "noise.jpg").stat().st_size < 300_000
    with pytest.raises(ValueError, match="less than 1000 bytes"):
        save_jpeg(noise, tmp_path / "none.jpg", max_bytes=1000)
    assert not (tmp_path / "none.jpg").exists()


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_drawn_in_its_dyes(block):
    fabric = FABRICS[0]
    picture = patch_picture(draw_block(block, fabric), 84)
    shares = {colour: count for count, colour in picture.getcolors(100_000)}
    shown = [dye for dye in (fabric.ground, fabric.figure, fabric.accent) if shares.get(rgb(dye), 0) > 100]
    assert len(shown) >= 2 and fabric.ground in shown


def test_a_drawn_patch_equals_its_outline():
    picture = patch_picture(draw_block("nine patch", FABRICS[0]), 90)
    fabric = FABRICS[0]
    for (x, y), dye in {(15, 15): fabric.figure, (45, 15): fabric.ground, (45, 45): fabric.accent}.items():
        assert picture.getpixel((x, y)) == rgb(dye)
    assert build_patch("x") == build_patch("X")


def test_opening_pictures_does_not_loosen_the_rules_of_the_process():
    code = (
        "import warnings; from PIL import Image; from quilt.media import pictures; "
        "print(Image.MAX_IMAGE_PIXELS == 89478485, len([f for f in warnings.filters if 'Bomb' in str(f)]))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True 0\n"


def black_png_head(side):
    """The start of a PNG that claims side × side pixels: enough for a careless reader to take the memory."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def rgb(colour):
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def sized(path):
    with Image.open(path) as picture:
        return picture.size
