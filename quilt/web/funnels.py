"""The funnel of an entry by the ways people came, as bars for SVG; numbers below five are not told."""

from collections.abc import Sequence
from dataclasses import dataclass

from quilt.standings.rules import LEAST_SHOWN

MOST_GROUPS = 6
REST = "Other ways"
STEPS = ("came", "voted", "pressed share", "brought others")

LEFT, RIGHT = 4.0, 540.0
NAME_HEIGHT, BAR_HEIGHT, BAR_PLACE, GROUP_GAP = 26.0, 14.0, 18.0, 20.0


@dataclass(frozen=True, slots=True)
class Passage:
    """People who came by one way (in words), and how many of them took each further step of STEPS."""

    way: str
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One step's bar; `mark` numbers its colour from 1, `label` is its number in words."""

    y: float
    width: float
    mark: int
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one way below its name, whose line of text stands on `y`."""

    name: str
    y: float
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Funnel:
    """All groups, the largest way first, in a box of the charts' width."""

    groups: list[Group]
    height: float
    bar_height: float = BAR_HEIGHT
    left: float = LEFT


def gather(passages: Sequence[Passage]) -> list[Passage]:
    """The largest ways; the small ones, and those of fewer than five people, together at the end."""
    ranked = sorted(passages, key=lambda passage: -passage.steps[0])
    large = [passage for passage in ranked if passage.steps[0] >= LEAST_SHOWN]
    kept = large if len(large) == len(ranked) <= MOST_GROUPS else large[: MOST_GROUPS - 1]
    rest = ranked[len(kept) :]
    if not rest:
        return kept
    return [*kept, Passage(REST, tuple(map(sum, zip(*(passage.steps for passage in rest), strict=True))))]


def tell(people: int) -> str:
    """A number of people in words that tell of nobody alone."""
    return f"{people:,}" if people >= LEAST_SHOWN or not people else f"under {LEAST_SHOWN}"


def build_funnel(passages: Sequence[Passage]) -> Funnel:
    """The bars of the gathered ways, all on one scale."""
    most = max((passage.steps[0] for passage in passages), default=0) or 1
    groups, top = [], 0.0
    for passage in passages:
        groups.append(_build_group(passage, top, most))
        top += NAME_HEIGHT + BAR_PLACE * len(passage.steps) + GROUP_GAP
    return Funnel(groups, round(top - GROUP_GAP / 2, 1))


def _build_group(passage: Passage, top: float, most: int) -> Group:
    bars = [
        Bar(
            y=round(top + NAME_HEIGHT + turn * BAR_PLACE, 1),
            # What is not told is not drawn to its length either.
            width=round((RIGHT - LEFT) * (people if people >= LEAST_SHOWN else 0) / most, 1),
            mark=turn + 1,
            label=tell(people),
        )
        for turn, people in enumerate(passage.steps)
    ]
    return Group(passage.way, round(top + NAME_HEIGHT - 8, 1), bars)
