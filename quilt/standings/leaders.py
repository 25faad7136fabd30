"""The few entries of a contest that another site shows, picked by the database: no list of all is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, select

from quilt.arrivals.models import EntrySpread
from quilt.database import db
from quilt.entries.models import Entry
from quilt.media.models import Video
from quilt.standings.rules import LEAST_SHOWN
from quilt.votes.casting_models import ShownTally
from quilt.votes.models import EntryTally
from quilt.votes.shown import shown_votes


@dataclass(frozen=True, slots=True)
class Leader:
    """A published entry in a short list, with its exact figures: whoever shows it decides what may be told."""

    id: int
    slug: str
    title: str
    cause: str
    thumbnail_key: str
    is_eligible: bool
    votes: int
    reach: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What a contest's published entries have together."""

    entries: int
    votes: int
    reach: int


def list_leaders(contest_id: int, limit: int, cause: str = "", *, newest: bool = False) -> list[Leader]:
    """The entries with the most votes (or the newest), the first published first among equals."""
    statement = _LEADERS.where(Entry.cause == cause) if cause else _LEADERS
    order = (Entry.published_at.desc(), Entry.id.desc()) if newest else (_votes.desc(), Entry.id)
    rows = db.session.execute(statement.order_by(*order).limit(limit), {"contest_id": contest_id})
    return [Leader(*row) for row in rows]


def list_window(contest_id: int, start: int, limit: int, *, by_votes: bool) -> list[Leader]:
    """Part of the whole order: by votes, the first entered first among equals; else as they were entered."""
    order = (_votes.desc(), Entry.id) if by_votes else (Entry.id,)
    statement = _LEADERS.order_by(*order).offset(start).limit(limit)
    return [Leader(*row) for row in db.session.execute(statement, {"contest_id": contest_id})]


def count_ahead(contest_id: int, votes: int) -> tuple[int, int]:
    """How many entries that can have a place have more votes than this; and how many as many or more."""
    eligible = case((Entry.is_eligible, 1), else_=0)
    more, as_many = (
        func.coalesce(func.sum(case((condition, eligible), else_=0)), 0)
        for condition in (_votes > votes, _votes >= votes)
    )
    statement = (
        select(more, as_many)
        .select_from(Entry)
        .outerjoin(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(ShownTally, ShownTally.entry_id == Entry.id)
        .where(Entry.contest_id == contest_id, Entry.state == "published", _votes >= votes)
    )
    row = db.session.execute(statement).one()
    return int(row[0]), int(row[1])


def list_chosen(contest_id: int, entry_ids: Sequence[int]) -> list[Leader]:
    """These entries, in their order; those that are not published (any more) are left out."""
    rows = db.session.execute(_LEADERS.where(Entry.id.in_(entry_ids)), {"contest_id": contest_id})
    found = {row.id: Leader(*row) for row in rows}
    return [found[entry_id] for entry_id in entry_ids if entry_id in found]


def sum_contest(contest_id: int) -> Sums:
    """How many entries a contest has, their votes, and the people reached by those that reached five or more."""
    row = db.session.execute(_SUMS, {"contest_id": contest_id}).one()
    return Sums(*(int(value) for value in row))


_votes = shown_votes()
_reach = func.coalesce(EntrySpread.size, 1) - 1
_told_reach = case((_reach >= LEAST_SHOWN, _reach), else_=0)
_LEADERS = (
    select(
        Entry.id, Entry.slug, Entry.title, Entry.cause, func.coalesce(Video.thumbnail_key, ""), Entry.is_eligible,
        _votes, _reach,
    )
    .outerjoin(EntryTally, EntryTally.entry_id == Entry.id)
    .outerjoin(ShownTally, ShownTally.entry_id == Entry.id)
    .outerjoin(EntrySpread, EntrySpread.entry_id == Entry.id)
    .outerjoin(Video, Video.id == Entry.video_id)
    .where(Entry.contest_id == bindparam("contest_id"), Entry.state == "published")
)  # fmt: skip
_SUMS = (
    select(func.count(), func.coalesce(func.sum(_votes), 0), func.coalesce(func.sum(_told_reach), 0))
    .select_from(Entry)
    .outerjoin(EntryTally, EntryTally.entry_id == Entry.id)
    .outerjoin(ShownTally, ShownTally.entry_id == Entry.id)
    .outerjoin(EntrySpread, EntrySpread.entry_id == Entry.id)
    .where(Entry.contest_id == bindparam("contest_id"), Entry.state == "published")
)
