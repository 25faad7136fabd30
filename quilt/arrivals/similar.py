"""Entries of the same contest whose spread is of similar size: what an entry's own is compared with."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from quilt.arrivals.models import EntrySpread
from quilt.database import db
from quilt.entries.models import Entry
from quilt.spread.measures import structural_virality

MOST_SIMILAR = 400


@dataclass(frozen=True, slots=True)
class SimilarSpread:
    """The spread of another entry: its depth and structural virality."""

    depth: int
    structural_virality: float


def list_similar(entry_id: int, contest_id: int, size: int) -> list[SimilarSpread]:
    """Published entries of the contest with half to twice as many people, those of the newest first."""
    values = {"entry_id": entry_id, "contest_id": contest_id, "least": size // 2, "largest": size * 2}
    rows = db.session.execute(_SIMILAR, values)
    return [
        SimilarSpread(depth, structural_virality(size, total_depth, squared_sizes) or 0.0)
        for size, depth, total_depth, squared_sizes in rows
    ]


_SIMILAR = (
    select(EntrySpread.size, EntrySpread.max_depth, EntrySpread.total_depth, EntrySpread.squared_sizes)
    .join(Entry, Entry.id == EntrySpread.entry_id)
    .where(
        Entry.contest_id == bindparam("contest_id"),
        Entry.state == "published",
        EntrySpread.entry_id != bindparam("entry_id"),
        EntrySpread.size.between(bindparam("least"), bindparam("largest")),
    )
    .order_by(EntrySpread.entry_id.desc())
    .limit(MOST_SIMILAR)
)
