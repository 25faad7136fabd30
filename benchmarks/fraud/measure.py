"""Counting what the rules do: per crowd and per attack, with intervals, by family, and in dollars."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.fraud.attacks import Attack
from benchmarks.fraud.presses import Press
from benchmarks.fraud.world import World, add_votes, draw_presses, list_batches, open_world
from benchmarks.spread_data import open_scratch
from quilt.database import db, write
from quilt.integrity.facts import get_rulebook
from quilt.integrity.rules import Finding
from quilt.integrity.verdicts import weigh_votes


class Outcome(NamedTuple):
    """What became of one press: refused at the door (no finding), held for a reason, or counted (no reason)."""

    seed: int
    press: Press
    finding: Finding | None
    reason: str | None

    @property
    def is_held(self) -> bool:
        return self.finding is not None and self.reason is not None

    @property
    def is_stopped(self) -> bool:
        return self.finding is None or self.reason is not None


@dataclass(frozen=True)
class Share:
    """`hits` of `count`."""

    hits: int
    count: int

    def __float__(self) -> float:
        return self.hits / self.count if self.count else 0.0

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of Wilson (1927): (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)."""
        if not self.count:
            return 0.0, 1.0
        z, n, p = 1.96, self.count, float(self)
        middle, width = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - width) / (1 + z * z / n), (middle + width) / (1 + z * z / n)


def run_seeds(seeds: Sequence[int], database: str = "sqlite") -> list[Outcome]:
    """Let the site's rules judge the worlds of these seeds, batch by batch, in a scratch database."""
    outcomes: list[Outcome] = []
    with open_scratch(database):
        first_id = 1000
        for seed in seeds:
            world = open_world(seed, first_id)
            outcomes += run_world(world, draw_presses(seed))
            first_id = world.next_id + 1000
    return outcomes


def run_world(world: World, presses: Sequence[Press]) -> list[Outcome]:
    """All presses of one world, and what became of each."""
    found: dict[int, Finding] = {}
    book = get_rulebook()
    for batch in list_batches(presses):
        ids = write(lambda connection, batch=batch: add_votes(connection, world, batch))
        with db.engine.connect() as connection:
            found |= weigh_votes(connection, book, world.contest_id, ids)
    doors = {id(press) for press in world.doors}
    return [
        Outcome(world.seed, press, None, "door")
        if id(press) in doors
        else Outcome(world.seed, press, found[press.vote_id], found[press.vote_id].find_reason(book))
        for press in presses
    ]


def cost_to_win(outcomes: Sequence[Outcome], attack: Attack) -> str:
    """Dollars for as many counted votes as the honest winner has, one more, at the attack's price a vote cast."""
    presses = [one for one in outcomes if one.press.crowd == attack.name]
    counted = sum(not one.is_stopped for one in presses) / len(presses)
    winners = []
    for seed in {one.seed for one in outcomes}:
        honest = Counter(one.press.entry for one in outcomes if one.seed == seed and not one.press.is_fraud)
        winners.append(max(honest.values()) + 1)
    needed = sum(winners) / len(winners)
    return "never" if not counted else f"{needed * attack.price / counted:,.0f}"
