"""Little films for the demo: a cause's patch is sewn piece by piece while a soft chord sounds."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import imageio_ffmpeg
from PIL import Image, ImageDraw

from quilt.media.cards import draw_stitches
from quilt.media.patches import Circle, Fabric, Patch, Shape, build_patch
from quilt.media.pictures import patch_picture
from quilt.media.typesetting import Face, drawable, fit_text, write_line

FPS = 20
SEWN_BY = 0.72  # of the film all pieces have arrived; then the stitches are drawn
FLIGHT_S = 0.55
OVERSAMPLING = 2
CHORDS = ((220.0, 277.18, 329.63), (196.0, 246.94, 293.66), (174.61, 220.0, 261.63), (246.94, 311.13, 369.99))


@dataclass(frozen=True)
class _Stage:
    """Where things lie on the picture, in pixels."""

    size: tuple[int, int]
    patch_corner: tuple[int, int]
    patch_side: int
    text_corner: tuple[int, int]
    text_size: tuple[int, int]


@dataclass(frozen=True)
class _Flight:
    """A piece on its way: when it sets out, in seconds, and from how far, in cells."""

    shape: Shape
    starts_at: float
    dx: float
    dy: float


def make_sample(
    target: Path,
    *,
    title: str,
    cause: str,
    seconds: float = 5.0,
    size: tuple[int, int] = (1280, 720),
    seed: int = 0,
) -> None:
    """Writes an MP4 to `target` in which the patch of `cause` is sewn, with `title` beside or below it.

    `size` is width and height in pixels, both even. The same arguments give the same film. Raises
    CalledProcessError.
    """
    chance = random.Random(f"{seed} {cause} {title}")
    patch = build_patch(cause)
    program = _ffmpeg(target, size, seconds, chance.choice(CHORDS))
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # then ffmpeg has given up, and its code says so
            _draw(process.stdin, patch, _stage(size), title, cause, seconds, chance)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program)


def _draw(
    sink: IO[bytes],
    patch: Patch,
    stage: _Stage,
    title: str,
    cause: str,
    seconds: float,
    chance: random.Random,
) -> None:
    empty = _background(patch, stage)
    written = empty.copy()
    _write_words(written, stage, patch.fabric, title, cause)
    cloth = _Cloth(patch, stage.patch_side, seconds, chance)
    for number in range(round(seconds * FPS)):
        at = number / FPS
        frame = Image.blend(empty, written, min(1.0, at / 0.8)) if at < 0.8 else written.copy()
        frame.paste(cloth.picture(at), stage.patch_corner)
        rest = seconds * (1 - SEWN_BY)
        sewn = (at - seconds * SEWN_BY) / (0.7 * rest)
        if sewn > 0:
            left, top = stage.patch_corner
            box = (left - 14, top - 14, left + stage.patch_side + 13, top + stage.patch_side + 13)
            draw_stitches(ImageDraw.Draw(frame), box, patch.fabric.accent, part=min(1.0, sewn))
        sink.write(frame.tobytes())


class _Cloth:
    """The patch while it is sewn: pieces that lie are kept as one picture, only flying ones are drawn."""

    def __init__(self, patch: Patch, side: int, seconds: float, chance: random.Random) -> None:
        self.patch = patch
        self.scale = side * OVERSAMPLING / patch.grid
        self.lying = Image.new("RGB", (side * OVERSAMPLING, side * OVERSAMPLING), patch.fabric.ground)
        self.flying = list(_flights(patch, seconds, chance))
        self.done: Image.Image | None = None

    def picture(self, at: float) -> Image.Image:
        if self.done is not None:
            return self.done
        landed = [flight for flight in self.flying if at >= flight.starts_at + FLIGHT_S]
        self._put(self.lying, landed, at)
        self.flying = self.flying[len(landed) :]
        now = self.lying.copy()
        self._put(now, [flight for flight in self.flying if flight.starts_at <= at], at)
        small = now.reduce(OVERSAMPLING)
        if not self.flying:
            self.done = small
        return small

    def _put(self, picture: Image.Image, flights: list[_Flight], at: float) -> None:
        draw = ImageDraw.Draw(picture)
        for flight in flights:
            left = 1 - min(1.0, (at - flight.starts_at) / FLIGHT_S)
            ease = left**3
            x, y = flight.dx * ease * self.scale, flight.dy * ease * self.scale
            _draw_piece(draw, flight.shape, self.patch.fabric, (x, y), self.scale)


def _flights(patch: Patch, seconds: float, chance: random.Random) -> Iterator[_Flight]:
    """Pieces set out one after the other, layer by layer, each from an edge or a corner near it."""
    pieces = patch.shapes[1:]
    span = seconds * SEWN_BY - FLIGHT_S
    for number, shape in enumerate(pieces):
        x, y = _middle(shape)
        half = patch.grid / 2
        dx = (1 if x >= half else -1) * patch.grid * chance.uniform(0.7, 1.2)
        dy = (1 if y >= half else -1) * patch.grid * chance.uniform(0.7, 1.2)
        if chance.random() < 0.5:
            dx, dy = (dx, 0.0) if abs(x - half) >= abs(y - half) else (0.0, dy)
        yield _Flight(shape, span * number / len(pieces), dx, dy)


def _draw_piece(
    draw: ImageDraw.ImageDraw, shape: Shape, fabric: Fabric, shift: tuple[float, float], scale: float
) -> None:
    fill = fabric.colour_of(shape.role)
    if isinstance(shape, Circle):
        x, y, radius = shape.x * scale + shift[0], shape.y * scale + shift[1], shape.radius * scale
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    else:
        draw.polygon([(x * scale + shift[0], y * scale + shift[1]) for x, y in shape.points], fill=fill)


def _middle(shape: Shape) -> tuple[float, float]:
    if isinstance(shape, Circle):
        return shape.x, shape.y
    xs, ys = zip(*shape.points, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)


def _stage(size: tuple[int, int]) -> _Stage:
    """Words above the patch, all in the middle square and away from its lower edge: galleries show a square of
    any film, and players have their buttons below.
    """
    square = min(size)
    left, top = (size[0] - square) // 2, (size[1] - square) // 2
    side, margin = square * 3 // 5, square // 16
    patch_corner = (left + (square - side) // 2, top + square - square // 12 - side)
    words_top = top + margin
    room = (square - 2 * margin, patch_corner[1] - square // 18 - words_top)
    return _Stage(size, patch_corner, side, (left + margin, words_top), room)


def _background(patch: Patch, stage: _Stage) -> Image.Image:
    """A cloth of pale repeats of the same patch, so that the sewn one lies on a quilt."""
    tile_side = min(stage.size) // 6
    pale = Image.blend(
        patch_picture(patch, tile_side), Image.new("RGB", (tile_side, tile_side), patch.fabric.ground), 0.9
    )
    picture = Image.new("RGB", stage.size, patch.fabric.ground)
    for left in range(0, stage.size[0], tile_side):
        for top in range(0, stage.size[1], tile_side):
            picture.paste(pale, (left, top))
    return picture


def _write_words(picture: Image.Image, stage: _Stage, fabric: Fabric, title: str, cause: str) -> None:
    draw = ImageDraw.Draw(picture)
    left, top = stage.text_corner
    width, height = stage.text_size
    unit = min(stage.size) / 100
    faces: tuple[tuple[str, Face, float, tuple[float, ...]], ...] = (
        (title, "serif", 0.74 * height, (8.0, 7.0, 6.0, 5.2)),
        (cause, "sans-bold", 0.26 * height, (4.2, 3.6)),
    )
    for text, face, room, parts in faces:
        sizes = tuple(max(6, round(part * unit)) for part in parts)
        letters, lines = fit_text(drawable(text, face), face, width=width, height=round(room), sizes=sizes)
        for line in lines:
            write_line(draw, (left + width / 2, top), line, letters, fabric.figure, "ma")
            top += round(letters.size * 1.14)
        top += round(1.4 * unit)


def _ffmpeg(target: Path, size: tuple[int, int], seconds: float, chord: tuple[float, ...]) -> list[str]:
    tones = "+".join(f"{0.11 / (number + 1):.3f}*sin(2*PI*{tone}*t)" for number, tone in enumerate(chord))
    sound = f"aevalsrc='{tones}':s=44100:d={seconds:g},tremolo=f=3:d=0.3"
    fades = f"afade=in:d=0.6,afade=out:st={max(0.0, seconds - 1.2):g}:d=1.2"
    picture = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{size[0]}x{size[1]}",
        "-r",
        str(FPS),
        "-i",
        "pipe:0",
    ]
    coding = [
        "-c:v",
        "libx264",
        "-preset",
        "superfast",
        "-crf",
        "24",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-b:a",
        "96k",
    ]
    return [
        *(
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-y",
            "-v",
            "error",
            *picture,
            "-f",
            "lavfi",
            "-i",
            f"{sound},{fades}",
        ),
        *(*coding, "-threads", "2", "-shortest", "-movflags", "+faststart", "-f", "mp4", str(target)),
    ]
