"""Recorded cascades as the shape of a burst: when people came, and by whose link."""

import gzip
import json
import os
import random
from functools import lru_cache
from pathlib import Path

from quilt.config import ROOT

FILE = "cascades_dev.jsonl.gz"
FEWEST, MOST = 250, 700
LONGEST = 36 * 3600

Shape = tuple[list[float], list[int | None]]


def get_folder() -> Path:
    """Where recorded cascades are looked for: QUILT_SPREAD_DATA names it, else ../shared/data beside the checkout."""
    return Path(os.environ.get("QUILT_SPREAD_DATA") or ROOT.parent / "shared" / "data")


def has_cascades() -> bool:
    """Whether that folder has recorded cascades."""
    return (get_folder() / FILE).is_file()


def pick_cascade(chance: random.Random) -> Shape:
    """Seconds since the source, ascending, and the number of each one's parent (None: the source itself)."""
    return chance.choice(_list_shapes(get_folder() / FILE))


@lru_cache(maxsize=1)
def _list_shapes(path: Path) -> list[Shape]:
    with gzip.open(path, "rt") as lines:
        shapes = [_read(json.loads(line)["edges"]) for line in lines]
    return [shape for shape in shapes if FEWEST <= len(shape[0]) <= MOST]


def _read(edges: list[tuple[int, int, float | None]]) -> Shape:
    """The part of a cascade that falls into the first day and a half."""
    numbers: dict[float, int] = {}
    times: list[float] = []
    parents: list[int | None] = []
    timed = [(seconds, parent, child) for parent, child, seconds in edges if seconds is not None]
    for seconds, parent, child in sorted(timed):
        if seconds > LONGEST or (parent != 0 and parent not in numbers):
            continue
        numbers[child] = len(times)
        times.append(seconds)
        parents.append(numbers.get(parent))
    return times, parents
