"""One person's branch: whom they brought, directly and in all, over how many generations, and how it came to them.

Direct, in all and votes are stored figures of the fold. Generations are counted by walking down, a bounded
number of people at the most; the way up to the entry is walked a few steps. So the cost does not grow with the
tree: in a chain of 100,000 a branch is told as quickly as in a chain of ten.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, func, literal, select
from sqlalchemy.orm import aliased

from quilt.arrivals.models import Arrival, ArrivalStat, EntrySpread
from quilt.database import db

MOST_WALKED = 5_000  # people, down all small branches of one request together, and down a large one
MOST_LARGE = 3  # of one request that are walked
MOST_STEPS = 8  # of the way up, the person's own among them


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody on the way from the entry to a person."""

    generation: int
    channel: str


@dataclass(frozen=True, slots=True)
class Branch:
    """An arrival and what grew from it. `in_all`, `direct` and `votes` do not count the person itself.

    `generations` below the person are exact where `is_whole`, else at least so many. `steps` is the nearest
    part of the way from the entry, the person's own step last; `left_out` counts the steps before them.
    """

    arrival_id: int
    entry_id: int
    code: str
    generation: int
    channel: str
    arrived_at: datetime
    is_counted: bool  # False where the arrival, or one near above it, is taken out of the figures
    direct: int
    in_all: int
    generations: int
    is_whole: bool
    votes: int
    steps: tuple[Step, ...]
    left_out: int
    entry_reach: int


def find_arrival_id(entry_id: int, code: str) -> int | None:
    """The arrival of this entry whose own code this is."""
    statement = select(Arrival.id).where(Arrival.code == code, Arrival.entry_id == entry_id)
    return db.session.scalar(statement)


def list_branches(arrival_ids: Collection[int]) -> list[Branch]:
    """The branches of these arrivals, the largest first; as many queries for many as for one."""
    if not arrival_ids:
        return []
    rows = db.session.execute(_FIGURES, {"ids": list(arrival_ids)}).all()
    ways = _read_ways([row.id for row in rows])
    seen = _walk_down({row.id: row.subtree_size - 1 for row in rows if _is_tall(row)})
    return [_build(row, ways.get(row.id, []), *seen.get(row.id, (0, 0))) for row in rows]


def _build(row: Any, way: list[Any], depth_seen: int, people_seen: int) -> Branch:
    direct, in_all = row.children_count or 0, (row.subtree_size or 1) - 1
    generations = max(depth_seen, min(in_all, 1), 2 if in_all > direct else 0)
    steps = tuple(Step(step.depth, step.channel) for step in way)
    return Branch(
        arrival_id=row.id,
        entry_id=row.entry_id,
        code=row.code,
        generation=row.depth,
        channel=row.channel,
        arrived_at=row.arrived_at,
        is_counted=all(step.state == "live" for step in way),
        direct=direct,
        in_all=in_all,
        generations=generations,
        is_whole=in_all == direct or people_seen >= in_all,
        votes=(row.votes_subtree or 0) - (row.votes_self or 0),
        steps=steps,
        left_out=row.depth - len(steps),
        entry_reach=(row.size or 1) - 1,
    )


def _read_ways(arrival_ids: list[int]) -> dict[int, list[Any]]:
    """The last steps of the way to each of these arrivals, the arrival itself last."""
    ways: dict[int, list[Any]] = {}
    for row in db.session.execute(_WAYS, {"ids": arrival_ids}):
        ways.setdefault(row.top, []).append(row)
    return {top: sorted(way, key=lambda row: row.depth) for top, way in ways.items()}


def _is_tall(row: Any) -> bool:
    """Whether somebody came by the link of one whom this person brought."""
    return (row.subtree_size or 1) - 1 > (row.children_count or 0)


def _walk_down(people: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Generations and people met below each of these, generation by generation.

    The small branches are walked to their end, all at once; each of the largest until MOST_WALKED were met.
    """
    small, met = [], 0
    for top, count in sorted(people.items(), key=lambda item: item[1]):
        met += count
        if met > MOST_WALKED:
            break
        small.append(top)
    seen = _meet(small)
    for top in [top for top in people if top not in small][:MOST_LARGE]:
        seen |= _meet([top])
    return seen


def _meet(arrival_ids: list[int]) -> dict[int, tuple[int, int]]:
    if not arrival_ids:
        return {}
    levels: dict[int, list[int]] = {}
    for top, level in db.session.execute(_DOWN, {"ids": arrival_ids, "most": MOST_WALKED + len(arrival_ids)}):
        levels.setdefault(top, []).append(level)
    return {top: (max(met), len(met) - 1) for top, met in levels.items()}


_ids: BindParameter[int] = bindparam("ids", expanding=True)
_FIGURES = (
    select(
        Arrival.id, Arrival.entry_id, Arrival.code, Arrival.depth, Arrival.channel, Arrival.arrived_at,
        ArrivalStat.subtree_size, ArrivalStat.children_count, ArrivalStat.votes_self, ArrivalStat.votes_subtree,
        EntrySpread.size,
    )
    .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .outerjoin(EntrySpread, EntrySpread.entry_id == Arrival.entry_id)
    .where(Arrival.id.in_(_ids))
    .order_by(func.coalesce(ArrivalStat.subtree_size, 1).desc(), Arrival.id)
)  # fmt: skip

_up = (
    select(
        Arrival.id.label("top"), Arrival.parent_id, Arrival.depth, Arrival.channel, Arrival.state,
        literal(1).label("step"),
    )
    .where(Arrival.id.in_(_ids))
    .cte("up", recursive=True)
)  # fmt: skip
_above = aliased(Arrival)
_up = _up.union_all(
    select(_up.c.top, _above.parent_id, _above.depth, _above.channel, _above.state, _up.c.step + 1)
    .join(_above, _above.id == _up.c.parent_id)
    .where(_up.c.step < MOST_STEPS)
)
_WAYS = select(_up.c.top, _up.c.depth, _up.c.channel, _up.c.state)

_down = (
    select(Arrival.id.label("top"), Arrival.entry_id, Arrival.id.label("id"), literal(0).label("level"))
    .where(Arrival.id.in_(_ids))
    .cte("down", recursive=True)
)
_below = aliased(Arrival)
_down = _down.union_all(
    select(_down.c.top, _below.entry_id, _below.id, _down.c.level + 1).join(
        _below,
        and_(
            _below.entry_id == _down.c.entry_id, _below.parent_id == _down.c.id, _below.state == "live"
        ),
    )
)  # fmt: skip
# Both databases make the rows of a recursion one generation after the other, and no more than are asked for.
_DOWN = select(_down.c.top, _down.c.level).limit(bindparam("most"))
