"""The spreads of a whole contest side by side: stored figures only, a few rows an entry."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, select

from quilt.arrivals.models import EntryChannel, EntryGeneration, EntryHour, EntrySpread
from quilt.arrivals.overview import Channel
from quilt.database import db
from quilt.entries.models import Entry
from quilt.spread.measures import structural_virality

WHOLE = ""  # the facet of everybody, whatever way they came


@dataclass(frozen=True, slots=True)
class EntryFigures:
    """One entry's spread: `shared` are the people whom another viewer brought, not the entry's own links."""

    entry_id: int
    reach: int
    passed_on: int
    shared: int
    longest_chain: int
    structural_virality: float | None


def list_entry_figures(contest_id: int) -> list[EntryFigures]:
    """The stored spread of every published entry that anybody has reached."""
    return [
        EntryFigures(
            row.entry_id, row.size - 1, row.passed_on_count, max(0, row.size - 1 - row.first), row.max_depth,
            structural_virality(row.size, row.total_depth, row.squared_sizes),
        )
        for row in db.session.execute(_FIGURES, {"contest_id": contest_id})
    ]  # fmt: skip


def list_contest_channels(contest_id: int) -> list[Channel]:
    """People and votes by channel over all published entries, the largest channel first."""
    return [
        Channel(row[0], int(row[1]), int(row[2]))
        for row in db.session.execute(_CHANNELS, {"contest_id": contest_id})
    ]


def list_contest_hours(contest_id: int) -> list[tuple[datetime, int]]:
    """How many people came to all published entries in each hour (its begin) in which anybody came."""
    return [(hour, int(people)) for hour, people in db.session.execute(_HOURS, {"contest_id": contest_id})]


_is_theirs = and_(Entry.contest_id == bindparam("contest_id"), Entry.state == "published")
_FIGURES = (
    select(
        EntrySpread.entry_id, EntrySpread.size, EntrySpread.passed_on_count, EntrySpread.max_depth,
        EntrySpread.total_depth, EntrySpread.squared_sizes,
        func.coalesce(EntryGeneration.people_count, 0).label("first"),
    )
    .join(Entry, Entry.id == EntrySpread.entry_id)
    .outerjoin(
        EntryGeneration,
        and_(EntryGeneration.entry_id == EntrySpread.entry_id, EntryGeneration.generation == 1),
    )
    .where(_is_theirs, EntrySpread.size > 1)
    .order_by(EntrySpread.size.desc(), EntrySpread.entry_id)
)  # fmt: skip
_CHANNELS = (
    select(EntryChannel.channel, func.sum(EntryChannel.people_count), func.sum(EntryChannel.votes_count))
    .join(Entry, Entry.id == EntryChannel.entry_id)
    .where(_is_theirs)
    .group_by(EntryChannel.channel)
    .order_by(func.sum(EntryChannel.people_count).desc(), EntryChannel.channel)
)
_HOURS = (
    select(EntryHour.hour, func.sum(EntryHour.people_count))
    .join(Entry, Entry.id == EntryHour.entry_id)
    .where(_is_theirs, EntryHour.facet == WHOLE)
    .group_by(EntryHour.hour)
    .order_by(EntryHour.hour)
)
