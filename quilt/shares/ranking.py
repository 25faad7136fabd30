"""Which ways of passing on stand first, learned from how people came to this very entry."""

from collections.abc import Mapping, Sequence

FEWEST = 5  # of fewer people nothing is learned, and nothing is said
USUAL = ("wa", "fb")  # first where an entry has taught us nothing yet


def pick_strongest(people: Mapping[str, int], offered: Sequence[str], most: int = 2) -> list[str]:
    """The keys of those channels among `offered` by which most people came, at most `most`, the strongest first.

    `people` counts the people of each channel. Channels of fewer than five people count as unknown: after those
    that are known come the usual ones, in their order.
    """
    known = [key for key in offered if people.get(key, 0) >= FEWEST]
    known.sort(key=lambda key: -people[key])
    rest = [key for key in (*USUAL, *offered) if key in offered and key not in known]
    return list(dict.fromkeys([*known, *rest]))[:most]
