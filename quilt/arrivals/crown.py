"""The crown of an entry's tree: the people with the most behind them, read in one bounded query.

A picture shows some hundreds of marks, however many people there are. Their stored figures say how many stand
behind each of them, so nobody has to be read only to be counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal, select, union_all

from quilt.arrivals.bulk import LEFT_OUT
from quilt.arrivals.models import Arrival, ArrivalInbox, ArrivalStat, EntrySpread
from quilt.database import db
from quilt.spread.condense import FoldedTree, fold_runs
from quilt.spread.tree import NO_PARENT, ROOT, build_tree, count_children, list_sizes


@dataclass(frozen=True, slots=True)
class Crown:
    """The upper part of a tree: node 0 is the entry, the others are people, each after its parent.

    `sizes` are those of the whole subtrees, the node itself counted; `children` and `votes` (of the whole
    subtree) are the stored ones. `channels` are tags ('' for a plain link and for the entry), `ids` arrivals.
    """

    parents: list[int]
    sizes: list[int]
    children: list[int]
    votes: list[int]
    channels: list[str]
    ids: list[int | None]

    @property
    def people(self) -> int:
        """Everybody in the whole tree but the entry itself."""
        return self.sizes[ROOT] - 1

    def fold(self) -> FoldedTree:
        """The crown with its runs of only children folded, ready to be drawn."""
        return fold_runs(self.parents, self.sizes, self.children)


@dataclass(frozen=True, slots=True)
class EarlyTree:
    """The whole tree of the first people of an entry, and when the last of them came (None for nobody)."""

    parents: list[int]
    channels: list[str]
    last_at: datetime | None

    def crown(self) -> Crown:
        """The tree as a crown that leaves nobody out; its votes are not known."""
        nodes = len(self.parents)
        return Crown(
            self.parents,
            list_sizes(self.parents),
            count_children(self.parents),
            [0] * nodes,
            self.channels,
            [None] * nodes,
        )


def read_crown(entry_id: int, most: int) -> Crown:
    """The `most` people with the largest subtrees below the entry itself.

    Among equals come those with stored figures, who voted or came back, and then the earliest.
    """
    values = {"entry_id": entry_id, "most": most}
    size = db.session.scalar(_SIZE, values) or 1
    rows = sorted(db.session.execute(_LARGEST, values), key=lambda row: row.id)
    return _build(size, rows)


def read_early_tree(entry_id: int, people: int) -> EarlyTree:
    """The tree as it was when so many people had come. Reads as many rows as people."""
    values = {"entry_id": entry_id, "people": people}
    rows = db.session.execute(_EARLIEST, values).all()
    waiting = set(db.session.scalars(_WAITING, values))
    excluded = waiting | {row.id for row in rows if row.state != "live"}
    tree = build_tree(((row.id, row.parent_id) for row in rows), excluded)
    channels = {row.id: row.channel for row in rows}
    last_at = next((row.arrived_at for row in reversed(rows) if row.id == tree.ids[-1]), None)
    return EarlyTree(tree.parents, [channels.get(key, "") for key in tree.ids], last_at)


def _build(size: int, rows: Sequence[Any]) -> Crown:
    """The crown of these rows; whoever hangs below somebody excluded has no parent here and is left out."""
    index_of: dict[int | None, int] = {None: ROOT}
    parents, kept = [NO_PARENT], []
    for row in rows:
        if row.parent_id in index_of:
            index_of[row.id] = len(parents)
            parents.append(index_of[row.parent_id])
            kept.append(row)
    seeds = parents.count(ROOT)
    return Crown(
        parents=parents,
        sizes=[size, *(row.size for row in kept)],
        children=[seeds, *(row.children for row in kept)],
        votes=[0, *(row.votes for row in kept)],
        channels=["", *(row.channel for row in kept)],
        ids=[None, *(row.id for row in kept)],
    )


_SIZE = select(EntrySpread.size).where(EntrySpread.entry_id == bindparam("entry_id"))
_top = (
    select(
        ArrivalStat.arrival_id.label("id"),
        ArrivalStat.subtree_size.label("size"),
        ArrivalStat.children_count.label("children"),
        ArrivalStat.votes_subtree.label("votes"),
    )
    .where(ArrivalStat.entry_id == bindparam("entry_id"), ArrivalStat.subtree_size != LEFT_OUT)
    .order_by(ArrivalStat.subtree_size.desc(), ArrivalStat.arrival_id)
    .limit(bindparam("most"))
    .cte("top")
)
_WAITING = select(ArrivalInbox.arrival_id).where(
    ArrivalInbox.entry_id == bindparam("entry_id"), ArrivalInbox.is_new.is_(True)
)
# Who has no figures stored brought nobody; they are looked for only where the others are too few.
_rest = (
    select(Arrival.id, literal(1), literal(0), literal(0))
    .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .where(
        Arrival.entry_id == bindparam("entry_id"),
        ArrivalStat.arrival_id.is_(None),
        Arrival.id.not_in(_WAITING),
        select(func.count()).select_from(_top).scalar_subquery() < bindparam("most"),
    )
    .order_by(Arrival.id)
    .limit(bindparam("most"))
    .cte("rest")
)
_both = union_all(select(_top), select(_rest)).subquery()
_crown = select(_both).order_by(_both.c.size.desc(), _both.c.id).limit(bindparam("most")).subquery()
_LARGEST = select(
    Arrival.id, Arrival.parent_id, Arrival.channel, _crown.c.size, _crown.c.children, _crown.c.votes
).join(_crown, (_crown.c.id == Arrival.id) & (Arrival.state == "live"))
_EARLIEST = (
    select(Arrival.id, Arrival.parent_id, Arrival.channel, Arrival.state, Arrival.arrived_at)
    .where(Arrival.entry_id == bindparam("entry_id"))
    .order_by(Arrival.id)
    .limit(bindparam("people"))
)
