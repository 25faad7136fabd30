"""How many megabytes a full recount needs above its input, as the peak of this process.

usage: python -m benchmarks.spread_memory SHAPE SIZE
"""

import random
import sys
from array import array
from pathlib import Path

from quilt.spread.measures import measure


def main() -> None:
    shape, size = sys.argv[1], int(sys.argv[2])
    parents = build(shape, size)
    measure(build(shape, 1000))  # whatever is imported or cached on the way is not counted
    before = read_peak()
    measure(parents)
    print(round((read_peak() - before) / 1024))


def read_peak() -> int:
    """The largest resident size of this process so far, in kB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def build(shape: str, size: int) -> "array[int]":
    """The tree, with nothing else left in memory that could be used again."""
    chance = random.Random(7)
    parents = array("q", [-1])
    for node in range(1, size):
        if shape == "star" or (shape == "mixed" and chance.random() < 0.5):
            parents.append(0)
        else:
            parents.append(node - 1 if shape == "chain" else chance.randrange(node))
    return parents


if __name__ == "__main__":
    main()
