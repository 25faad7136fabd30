"""Reading arrivals: whose link a code is, and the stored spread."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from quilt.arrivals.models import Arrival, EntryGeneration, EntrySpread, NamedLink, NotCounted
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.prepared import Prepared
from quilt.spread.attribution import FollowedLink, LinkKind
from quilt.spread.codes import is_code
from quilt.spread.measures import EMPTY, Measures, structural_virality


@dataclass(frozen=True, slots=True)
class Link:
    """A code that exists: what the attribution needs, and the row that it belongs to."""

    followed: FollowedLink
    link_id: int | None = None
    embed_id: int | None = None


@dataclass(frozen=True, slots=True)
class SpreadFigures:
    """An entry's spread in numbers. `structural_virality` is None before the first person came."""

    reach: int
    passed_on: int
    longest_chain: int  # people in the longest chain: the depth of the tree
    structural_virality: float | None
    votes: int
    shared_votes: int  # votes by people who came through somebody's link
    folded_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotCountedDay:
    """Visits of one day (UTC) that were no people's, by the stored reason."""

    day: date
    reason: str
    visits: int


def describe_spread(entry_id: int) -> SpreadFigures:
    """The stored figures of an entry, as of its last fold."""
    row = db.session.get(EntrySpread, entry_id, populate_existing=True)
    if row is None:
        return SpreadFigures(0, 0, 0, None, 0, 0, None)
    virality = structural_virality(row.size, row.total_depth, row.squared_sizes)
    return SpreadFigures(
        row.size - 1,
        row.passed_on_count,
        row.max_depth,
        virality,
        row.votes_count,
        row.shared_votes_count,
        row.folded_at,
    )


def get_measures(entry_id: int) -> Measures:
    """An entry's figures as they are stored, put together from its spread and its generations."""
    row = db.session.get(EntrySpread, entry_id, populate_existing=True)
    if row is None:
        return EMPTY
    breadth = read_breadth(db.session.connection(), entry_id)
    return Measures(row.size, row.total_depth, row.squared_sizes, breadth, row.passed_on_count)


def read_breadth(connection: Connection, entry_id: int) -> tuple[int, ...]:
    """The stored people of each generation, the entry's own 1 first."""
    return tuple(connection.execute(_PEOPLE, {"entry_id": entry_id}).scalars()) or EMPTY.breadth


def list_not_counted(entry_id: int) -> list[NotCountedDay]:
    """What was not counted, the newest day first, in each the most frequent reason first."""
    return [NotCountedDay(*row) for row in db.session.execute(_NOT_COUNTED, {"entry_id": entry_id})]


_arrival = Arrival.__table__
_embed = Embed.__table__
_named = NamedLink.__table__
_ARRIVAL = Prepared(
    select(_arrival.c.entry_id, _arrival.c.id, _arrival.c.depth, _arrival.c.state).where(
        _arrival.c.code == bindparam("code")
    )
)
_NAMED = Prepared(
    select(_named.c.entry_id, _named.c.id, _named.c.label, _named.c.channel).where(
        _named.c.code == bindparam("code")
    )
)
_PEOPLE = (
    select(EntryGeneration.people_count)
    .where(EntryGeneration.entry_id == bindparam("entry_id"), EntryGeneration.people_count > 0)
    .order_by(EntryGeneration.generation)
)
_NOT_COUNTED = (
    select(NotCounted.day, NotCounted.reason, NotCounted.visits_count)
    .where(NotCounted.entry_id == bindparam("entry_id"))
    .order_by(NotCounted.day.desc(), NotCounted.visits_count.desc(), NotCounted.reason)
)
_EMBED = Prepared(select(_embed.c.entry_id, _embed.c.id).where(_embed.c.code == bindparam("code")))


def find_link(connection: Connection, code: str) -> Link | None:
    """Whose link this code is: an arrival's, the entry's own, a named one, an embed's; None for nobody's."""
    if not is_code(code):
        return None
    values = {"code": code}
    arrival = _ARRIVAL.first(connection, values)
    if arrival is not None:
        return describe_arrival(arrival)
    named = _NAMED.first(connection, values)
    if named is not None:
        return describe_named(named.entry_id, named.id, named.label, named.channel)
    embed = _EMBED.first(connection, values)
    return None if embed is None else describe_embed(embed.entry_id, embed.id)


def describe_arrival(row: Any) -> Link:
    """A person's own link, from the columns entry_id, id, depth and state of their arrival."""
    return Link(FollowedLink(LinkKind.ARRIVAL, row.entry_id, row.id, row.depth, row.state != "live"))


def describe_named(entry_id: int, link_id: int, label: str, channel: str) -> Link:
    """A named link; without a label it is the entry's own."""
    kind = LinkKind.NAMED if label else LinkKind.ENTRY
    return Link(FollowedLink(kind, entry_id, name=channel or label), link_id=link_id)


def describe_embed(entry_id: int, embed_id: int) -> Link:
    """The link of a place on somebody else's page."""
    return Link(FollowedLink(LinkKind.EMBED, entry_id), embed_id=embed_id)
