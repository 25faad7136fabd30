"""Whole spreads planted at once, for pages that are looked at and for measuring: by shape, with times and votes."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from quilt.arrivals.fold import recount_within
from quilt.arrivals.models import Arrival, ArrivalStat, EntryPoint
from quilt.arrivals.timekeeping import refresh_timing
from quilt.database import transaction, write
from quilt.spread.codes import CODE_LENGTH
from quilt.spread.measures import Measures
from quilt.spread.tree import list_depths
from tests.spread.trees import bursty, chain, star

CHANNELS = ("wa", "wa", "wa", "copy", "copy", "fb", "mail", "", "qr")
DAYS = 9
POINTS = 200


def forest(people: int, seeds: int, chance: random.Random) -> list[int]:
    """Most come without anybody's link; who has brought others is likelier to bring the next."""
    parents = [-1, 0]
    for node in range(2, people + 1):
        if chance.random() < seeds / people:
            parents.append(0)
            continue
        by = chance.randrange(1, node)
        parents.append(parents[by] if parents[by] and chance.random() < 0.82 else by)
    return parents


STATES: dict[str, Callable[[], list[int]]] = {
    "empty": lambda: [-1],
    "one": lambda: star(2),
    "four": lambda: star(5),
    "five": lambda: [-1, 0, 0, 1, 1, 3],
    "mixed": lambda: bursty(430, random.Random(3)),
    "star": lambda: star(10_001),
    "chain": lambda: chain(301),
    "forest": lambda: forest(83_606, 15_763, random.Random(9)),
}


def recount_entry(entry_id: int, now: datetime) -> Measures:
    """Count an entry's spread anew from its arrivals and store it; what waits stays for the fold."""
    return write(recount_within, entry_id, now)


def plant(entry_id: int, parents: list[int], moment: datetime) -> None:
    """Let the people of a tree arrive over some days before `moment`; one in five votes."""
    if len(parents) > 1:
        _plant_arrivals(entry_id, parents, moment)
    recount_entry(entry_id, moment)
    if len(parents) > 1:
        refresh_timing(entry_id, moment)


def _plant_arrivals(entry_id: int, parents: list[int], moment: datetime) -> None:
    chance, depths, base = random.Random(entry_id), list_depths(parents), entry_id * 1_000_000
    begin = moment - timedelta(days=DAYS)
    days = sorted(chance.betavariate(1.3, 2.2) * DAYS for _ in parents)
    instants = [begin + timedelta(days=day) for day in days]
    arrivals = [
        {
            "id": base + node,
            "entry_id": entry_id,
            "parent_id": base + parents[node] if parents[node] else None,
            "depth": depths[node],
            "code": f"{base + node:0{CODE_LENGTH}}",
            "channel": chance.choice(CHANNELS),
            "state": "live",
            "arrived_at": instants[node],
        }
        for node in range(1, len(parents))
    ]
    voters = [row["id"] for row in arrivals if chance.random() < 0.2]
    votes = [{"arrival_id": voter, "entry_id": entry_id, "votes_self": 1} for voter in voters]
    step = max(1, len(parents) // POINTS)
    points = {
        instants[node].replace(second=0, microsecond=0): node for node in range(step, len(parents), step)
    }
    curve = [
        {"entry_id": entry_id, "at": at, "size": node + 1, "max_depth": 1, "votes_count": node // 5}
        for at, node in points.items()
    ]
    with transaction() as session:
        for table, rows in ((Arrival, arrivals), (ArrivalStat, votes), (EntryPoint, curve)):
            if rows:
                session.execute(insert(table), rows)
        number_onward(session, base + len(parents))


def number_onward(session: Session, last_id: int) -> None:
    """Let whoever arrives next get a number above `last_id`, as they do where nobody was given one."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.setval(func.pg_get_serial_sequence("arrival", "id"), last_id)))
