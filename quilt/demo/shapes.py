"""How entries are passed on in the demo: trees of people with hours and channels, drawn from a seed.

Shares lead to few further shares, most to none and some to many: offspring follow a negative binomial law,
and who passes a link on does so after two hours in the median, sometimes after days.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DISPERSION = 0.35  # of the negative binomial law: the smaller, the more unlike people are
MEDIAN_WAIT, WAIT_SPREAD = 2.0, 1.1  # hours, and sigma of the lognormal law

# How people came who followed nobody's link, and how they pass one on. '' is: by the plain address.
ARRIVING = {
    "broadcast": {"fb": 70, "web": 9, "": 11, "embed": 6, "mail": 4},
    "family": {"wa": 40, "": 25, "mail": 18, "copy": 12, "qr": 5},
    "private": {"wa": 45, "copy": 28, "mail": 20, "": 7},
    "public": {"qr": 34, "fb": 22, "": 20, "embed": 14, "copy": 10},
    "mixed": {"": 30, "wa": 22, "fb": 18, "copy": 14, "mail": 9, "embed": 4, "qr": 3},
}
PASSING_ON = {
    "broadcast": {"fb": 45, "copy": 30, "wa": 25},
    "family": {"wa": 62, "copy": 20, "mail": 14, "sms": 4},
    "private": {"wa": 38, "copy": 36, "mail": 18, "tg": 8},
    "public": {"copy": 36, "fb": 28, "wa": 22, "qr": 8, "ma": 6},
    "mixed": {"wa": 40, "copy": 30, "fb": 16, "mail": 10, "share": 4},
}


@dataclass(frozen=True)
class Person:
    """One who arrives `hours` after the entry was published, by the link of the person numbered `parent`.

    None stands for the entry itself. A parent always stands before their children.
    """

    parent: int | None
    hours: float
    channel: str


def plan_people(told: dict[str, Any], horizon: float, chance: random.Random) -> list[Person]:
    """The people whom an entry reaches within `horizon` hours, in the order in which they come.

    `told` is an entry's `spread` table: shape star (people, passed_on), chain (generations, beside) or
    branching (seeds, r), and the name of its channels.
    """
    grow = {"star": _grow_star, "chain": _grow_chain, "branching": _grow_branching}[told["shape"]]
    ordered = _in_order(list(grow(told, horizon, chance)))
    return [person for person in ordered if person.hours < horizon]  # parents are earlier: they stay


def list_depths(people: list[Person]) -> list[int]:
    """Each person's generation; 1 came without anybody's link."""
    depths: list[int] = []
    for person in people:
        depths.append(1 if person.parent is None else depths[person.parent] + 1)
    return depths


def _grow_star(told: dict[str, Any], horizon: float, chance: random.Random) -> Iterator[Person]:
    """One big share: nearly everybody comes by the same post, within a day; a few pass it on once."""
    arriving = ARRIVING[told["channels"]]
    for _ in range(told["people"]):
        yield Person(None, 11 + chance.lognormvariate(math.log(7), 1.0), _pick(arriving, chance))
    for _ in range(told["passed_on"]):
        parent = chance.randrange(told["people"])
        yield Person(parent, 60 + _wait(chance) * 4, _pick(PASSING_ON[told["channels"]], chance))


def _grow_chain(told: dict[str, Any], horizon: float, chance: random.Random) -> Iterator[Person]:
    """From hand to hand: one person tells one other, generation after generation; a few stand beside."""
    passing = PASSING_ON[told["channels"]]
    length, hours = told["generations"], 0.0
    pace = 0.8 * horizon / length
    chain_hours = []
    for number in range(length):
        hours += pace * chance.uniform(0.35, 1.65)
        chain_hours.append(hours)
        yield Person(number - 1 if number else None, hours, _pick(passing, chance))
    for _ in range(told["beside"]):
        parent = chance.choice([None, *range(length)])
        since = 0.0 if parent is None else chain_hours[parent]
        yield Person(parent, since + _wait(chance), _pick(passing, chance))


def _grow_branching(told: dict[str, Any], horizon: float, chance: random.Random) -> Iterator[Person]:
    """Seeds come over days, in a few waves; each person brings on average `r` others."""
    grown: list[Person] = []
    waves = [0.0] + sorted(chance.uniform(0.1, 0.75) * horizon for _ in range(3))
    for _ in range(told["seeds"]):
        hours = chance.choice(waves) + chance.expovariate(1 / 14)
        grown.append(Person(None, hours, _pick(ARRIVING[told["channels"]], chance)))
    number = 0
    while number < len(grown):
        person = grown[number]
        channel = _pick(PASSING_ON[told["channels"]], chance)
        for _ in range(_offspring(told["r"], chance)):
            child = Person(number, person.hours + _wait(chance), channel)
            if child.hours < horizon:
                grown.append(child)
        number += 1
    yield from grown


def _in_order(people: list[Person]) -> list[Person]:
    """The same people by hour; nobody comes before whose link they follow."""
    hours: list[float] = []
    for person in people:
        earliest = 0.0 if person.parent is None else hours[person.parent] + 0.02
        hours.append(max(person.hours, earliest))
    order = sorted(range(len(people)), key=hours.__getitem__)
    places: dict[int | None, int] = {number: place for place, number in enumerate(order)}
    return [
        Person(places.get(people[number].parent), hours[number], people[number].channel) for number in order
    ]


def _offspring(mean: float, chance: random.Random) -> int:
    """Negative binomial: a Poisson number whose mean differs from person to person."""
    limit, count, product = math.exp(-chance.gammavariate(DISPERSION, mean / DISPERSION)), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def _wait(chance: random.Random) -> float:
    return chance.lognormvariate(math.log(MEDIAN_WAIT), WAIT_SPREAD)


def _pick(weights: dict[str, int], chance: random.Random) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
