"""Where a spread lies between one broadcast and one chain, beside spreads of similar size.

Structural virality grows with size whatever the shape, so it is compared only with that of similar size
(J. L. Juul and J. Ugander, "Comparing information diffusion mechanisms by matching on cascade size", PNAS
118(46), 2021). The ends are the star, 2(n − 1)/n, and the chain, (n + 1)/3. The baselines are medians and
ninetieth percentiles of 37,262 cascades on Twitter (Ma et al. 2017), Weibo (Song et al. 2018), in Chile (Mendoza
et al. 2023) and of the Irish marriage referendum (O'Sullivan et al. 2017); the median is that of the middle
two sources, the ninetieth percentile likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import log

LEAST_BETWEEN = 0.11  # of the dial, between two numbers of its scale
FEWEST_SIMILAR = 10  # own entries of similar size, below which the baselines stand in


class Leaning(Enum):
    """What a spread is like, from all at one place to all from one to the next."""

    BROADCAST = "broadcast"
    FEW_SHARES = "few shares"
    MIXED = "mixed"
    CHAINS = "chains"


@dataclass(frozen=True, slots=True)
class Typical:
    """Median and ninetieth percentile of structural virality and of depth, and of how many spreads they are."""

    virality: float
    high_virality: float
    depth: float
    high_depth: float
    spreads: int  # 0: the baselines


@dataclass(frozen=True, slots=True)
class Dial:
    """Shares of the way from broadcast (0) to chain (1): the spread's own, the median's, the ninetieth's."""

    size: int
    place: float
    leaning: Leaning
    typical: Typical | None
    typical_place: float
    high_place: float


BASELINES = (
    (100, Typical(3.07, 5.14, 5.5, 9.0, 0)),  # 100 to 999 people
    (1000, Typical(3.25, 5.4, 11.5, 20.5, 0)),
)


def build_dial(size: int, virality: float, similar: Sequence[tuple[float, int]]) -> Dial:
    """The dial of a spread of `size` nodes (the entry counted), beside (virality, depth) of similar ones."""
    typical = summarise(similar) if len(similar) >= FEWEST_SIMILAR else _find_baseline(size)
    return Dial(
        size=size,
        place=place_on_dial(size, virality),
        leaning=_lean(size, virality, typical),
        typical=typical,
        typical_place=place_on_dial(size, typical.virality) if typical else 0.0,
        high_place=place_on_dial(size, typical.high_virality) if typical else 0.0,
    )


def place_on_dial(size: int, virality: float) -> float:
    """How far a structural virality lies between the star's and the chain's of that size, on a log scale."""
    star, chain = _find_ends(size)
    if chain <= star:
        return 0.0
    return min(1.0, max(0.0, log(max(virality, star) / star) / log(chain / star)))


def list_scale(size: int) -> list[tuple[float, float]]:
    """(structural virality, its place on the dial): both ends, and round numbers between them where there is room."""
    star, chain = _find_ends(size)
    scale = [(star, 0.0)]
    for number in (step * 10**power for power in range(8) for step in (2, 5, 10)):
        place = place_on_dial(size, number)
        if LEAST_BETWEEN <= place - scale[-1][1] and place <= 1.0 - LEAST_BETWEEN:
            scale.append((float(number), place))
    return [*scale, (chain, 1.0)] if chain > star else scale


def summarise(similar: Sequence[tuple[float, int]]) -> Typical:
    """Median and ninetieth percentile of (virality, depth), at least one."""
    viralities, depths = sorted(pair[0] for pair in similar), sorted(pair[1] for pair in similar)
    return Typical(
        _quantile(viralities, 0.5),
        _quantile(viralities, 0.9),
        _quantile(depths, 0.5),
        _quantile(depths, 0.9),
        len(similar),
    )


def _find_ends(size: int) -> tuple[float, float]:
    """The structural virality of a star and of a chain of this size."""
    return 2 * (size - 1) / size, (size + 1) / 3


def _quantile(numbers: Sequence[float], share: float) -> float:
    """The quantile of sorted numbers, in a straight line between the two nearest."""
    at = (len(numbers) - 1) * share
    below = int(at)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (numbers[above] - numbers[below]) * (at - below)


def _find_baseline(size: int) -> Typical | None:
    return next((typical for least, typical in reversed(BASELINES) if size > least), None)


def _lean(size: int, virality: float, typical: Typical | None) -> Leaning:
    place = place_on_dial(size, virality)
    if place < 0.03 or virality <= 2.05:
        return Leaning.BROADCAST
    if typical is None:
        return Leaning.FEW_SHARES if place < 0.4 else Leaning.MIXED if place < 0.75 else Leaning.CHAINS
    if virality < typical.virality:
        return Leaning.FEW_SHARES
    return Leaning.MIXED if virality < typical.high_virality else Leaning.CHAINS
