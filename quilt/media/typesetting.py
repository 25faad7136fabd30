"""Words on pictures, in every script that the installed typefaces have: which face, which way, and how large.

A line is split into runs of one typeface and one direction. HarfBuzz (inside Pillow's raqm) shapes each run; the
runs of a line are put in order here, for a text of two directions at most, as titles are.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import font_source_sans_pro
import font_source_serif_pro
import regex
from PIL import ImageDraw, ImageFont, features

from quilt.config import ROOT

Face = Literal["serif", "sans", "sans-bold"]
Colour = str | tuple[int, int, int]
Direction = Literal["ltr", "rtl"]

NOTO = ROOT / "node_modules" / "@expo-google-fonts"
OWN: dict[Face, str] = {
    "serif": font_source_serif_pro.font_files_ttf["SourceSerifProSemibold"],
    "sans": font_source_sans_pro.font_files_ttf["SourceSansPro"],
    "sans-bold": font_source_sans_pro.font_files_ttf["SourceSansProSemibold"],
}
WEIGHTS: dict[Face, str] = {"serif": "600SemiBold", "sans": "400Regular", "sans-bold": "600SemiBold"}
SHAPED = (
    "noto-sans-arabic",
    "noto-sans-hebrew",
    "noto-sans-devanagari",
    "noto-sans-bengali",
    "noto-sans-thai",
)
EMOJI, LAST = "noto-emoji", "noto-sans"
HAN = {"Japanese": ("noto-sans-jp", "noto-sans-sc", "noto-sans-kr"),
       "Korean": ("noto-sans-kr", "noto-sans-jp", "noto-sans-sc"),
       "Chinese": ("noto-sans-sc", "noto-sans-jp", "noto-sans-kr")}  # fmt: skip
HAS_SHAPING = bool(features.check("raqm"))  # it needs the system's libfribidi

_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")  # seen by the shaper, drawn by nobody
_NO_START = frozenset("、。，．：；！？）」』】〉》〕］｝ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…”’")
_NO_END = frozenset("（「『【〈《〔［｛“‘")
_CLUSTERS = regex.compile(r"\X")
_PICTOGRAPH = regex.compile(
    r"[\p{Extended_Pictographic}--[©®™#*0-9]]|\p{Regional_Indicator}|.*\u20e3", regex.V1
)
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]")


@dataclass(frozen=True, slots=True)
class Letters:
    """A face at a size in pixels, what it lacks taken from other typefaces; lines begin at `base`'s side."""

    face: Face
    size: int
    base: Direction | None = None  # None: where the line's own first letter says

    def getlength(self, text: str) -> float:
        """The width of a line, in pixels."""
        return sum(_length(run, self.size) for run in list_runs(text, self.face, self.base))


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line in one typeface and one direction."""

    text: str
    file: str
    direction: Direction


def write_line(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, letters: Letters, fill: Colour, anchor: str = "la"
) -> None:  # fmt: skip
    """Write one line. `anchor` is two letters: l, m or r (left, middle, right), then a (top) or m (middle)."""
    x, y = at
    x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * letters.getlength(text)
    ascent, descent = font(OWN[letters.face], letters.size).getmetrics()
    y += ascent if anchor[1] == "a" else (ascent - descent) / 2
    for run in list_runs(text, letters.face, letters.base):
        draw.text((x, y), run.text, font=font(run.file, letters.size), fill=fill, anchor="ls",
                  direction=run.direction if HAS_SHAPING else None)  # fmt: skip
        x += _length(run, letters.size)


def drawable(text: str, face: Face) -> str:
    """The text without signs that no typeface has; empty where more than a third would be lost."""
    wanted = _CLUSTERS.findall(" ".join(text.split()))
    wanted = [cluster for cluster in wanted if cluster == " " or cluster[0].isprintable()]
    order = _han_order(text)
    kept = [_clean(cluster, face, order) for cluster in wanted]
    count = sum(1 for cluster in kept if cluster)
    return " ".join("".join(kept).split()) if 3 * count >= 2 * len(wanted) else ""


def fit_text(
    text: str, face: Face, *, width: int, height: int, sizes: Sequence[int], leading: float = 1.18
) -> tuple[Letters, list[str]]:
    """The largest of `sizes` at which the wrapped text fits into width × height pixels, and its lines.

    At the last size words wider than a line are broken, and what still does not fit ends in an ellipsis.
    """
    pieces, base = list(_list_pieces(text)), _direction_of(text)
    for size in sizes:
        letters = Letters(face, size, base)
        lines = _wrap(pieces, letters, width)
        if len(lines) * size * leading <= height and all(letters.getlength(line) <= width for line in lines):
            return letters, lines
    room = max(1, int(height / (sizes[-1] * leading)))
    lines = _wrap([part for piece in pieces for part in _break(piece, letters, width)], letters, width)
    if len(lines) > room:
        lines = [*lines[: room - 1], _shorten(lines[room - 1], letters, width)]
    return letters, lines


@lru_cache(maxsize=512)
def list_runs(text: str, face: Face, base: Direction | None = None) -> tuple[Run, ...]:
    """The runs of a line in the order in which they stand from left to right."""
    order, base = _han_order(text), base or _direction_of(text)
    clusters = _CLUSTERS.findall(text)
    files, file = [], OWN[face]
    for cluster in clusters:
        is_neutral = unicodedata.bidirectional(cluster[0]) not in ("L", "R", "AL") and not _is_picture(
            cluster
        )
        file = file if is_neutral and file != _noto(EMOJI, face) and _has(file, cluster[0]) else (
            _find_file(cluster, face, order) or OWN[face])  # fmt: skip
        files.append(file)
    signs = list(zip(clusters, files, _list_directions(clusters, base), strict=True))
    groups: list[list[Run]] = []
    for direction, members in groupby(signs, key=lambda sign: sign[2]):
        runs = [Run("".join(cluster for cluster, _, _ in same), path, direction)
                for path, same in groupby(members, key=lambda sign: sign[1])]  # fmt: skip
        groups.append(runs if direction == "ltr" else runs[::-1])
    return tuple(run for group in (groups if base == "ltr" else groups[::-1]) for run in group)


@lru_cache(maxsize=128)
def font(file: str, size: int) -> ImageFont.FreeTypeFont:
    """A typeface's file at a size in pixels."""
    return ImageFont.truetype(file, size)


def _list_directions(clusters: Sequence[str], base: Direction) -> list[Direction]:
    """One direction a cluster: a sign without one takes that of its neighbours where they agree, else the line's.

    Digits count as signs without one: a number between words of one script stays with them, and the shaper sets
    it from left to right there.
    """
    strong: list[Direction | None] = []
    for cluster in clusters:
        kind = unicodedata.bidirectional(cluster[0])
        strong.append("rtl" if kind in ("R", "AL") else "ltr" if kind == "L" else None)
    before: list[Direction] = []
    for direction in strong:
        before.append(direction or (before[-1] if before else base))
    after: list[Direction] = []
    for direction in reversed(strong):
        after.append(direction or (after[-1] if after else base))
    return [one if one == other else base for one, other in zip(before, reversed(after), strict=True)]


def _direction_of(text: str) -> Direction:
    kinds = (unicodedata.bidirectional(sign) for sign in text)
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"


def _han_order(text: str) -> tuple[str, ...]:
    """Signs that Chinese, Japanese and Korean share look different in each: the text's other signs decide."""
    if regex.search(r"[\p{Hiragana}\p{Katakana}]", text):
        return HAN["Japanese"]
    return HAN["Korean" if regex.search(r"\p{Hangul}", text) else "Chinese"]


def _clean(cluster: str, face: Face, order: tuple[str, ...]) -> str:
    if cluster == " ":
        return cluster
    file = _find_file(cluster, face, order)
    if file is None:
        return ""
    return "".join(sign for sign in cluster if sign in _JOINERS or (sign.isprintable() and _has(file, sign)))


def _find_file(cluster: str, face: Face, order: tuple[str, ...]) -> str | None:
    packages = [*(SHAPED if HAS_SHAPING else ()), *order, LAST, EMOJI]
    files = [OWN[face], *(path for package in packages if (path := _noto(package, face)))]
    if _is_picture(cluster):
        files = files[-1:] + files[:-1]
    return next((file for file in files if _has(file, cluster[0])), None)


def _is_picture(cluster: str) -> bool:
    return _PICTOGRAPH.match(cluster) is not None


@lru_cache(maxsize=64)
def _noto(package: str, face: Face) -> str:
    """The file of a typeface at the face's weight, '' where it is not installed."""
    return next((str(path) for path in sorted(Path(NOTO / package / WEIGHTS[face]).glob("*.ttf"))), "")


@lru_cache(maxsize=8192)
def _has(file: str, sign: str) -> bool:
    """A sign that a typeface lacks is drawn as the same box as a code point that is never a sign."""
    letters = font(file, 24)
    return sign == " " or bytes(letters.getmask(sign)) != bytes(letters.getmask("\uffff"))


@lru_cache(maxsize=4096)
def _length(run: Run, size: int) -> float:
    return font(run.file, size).getlength(run.text, direction=run.direction if HAS_SHAPING else None)


def _list_pieces(text: str) -> Iterator[str]:
    """What a line may not break: words with the space before them, and single signs of scripts without spaces."""
    for number, word in enumerate(text.split()):
        piece, last = " " if number else "", ""
        for cluster in _CLUSTERS.findall(word):
            is_joint = _IDEOGRAPH.match(cluster) or _IDEOGRAPH.match(last)
            if last and is_joint and cluster not in _NO_START and last not in _NO_END:
                yield piece
                piece = ""
            piece, last = piece + cluster, cluster
        yield piece


def _wrap(pieces: Sequence[str], letters: Letters, width: int) -> list[str]:
    lines: list[str] = []
    for piece in pieces:
        if lines and letters.getlength(lines[-1] + piece) <= width:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip())
    return lines


def _break(piece: str, letters: Letters, width: int) -> list[str]:
    parts = [""]
    for cluster in _CLUSTERS.findall(piece):
        if parts[-1].strip() and letters.getlength(parts[-1] + cluster) > width:
            parts.append("")
        parts[-1] += cluster
    return parts


def _shorten(line: str, letters: Letters, width: int) -> str:
    clusters = _CLUSTERS.findall(line)
    while clusters and letters.getlength("".join(clusters) + "…") > width:
        clusters.pop()
    return f"{''.join(clusters).rstrip(' ,.;:')}…"
