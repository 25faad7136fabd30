"""The few facts of an entry that every request for it needs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import Contest, Phase
from quilt.database import db
from quilt.entries.models import Entry


@dataclass(frozen=True, slots=True)
class EntryHead:
    """An entry's state and the versions of what its pages show. `changes` are the contest's turns of phase."""

    id: int
    slug: str
    state: str
    version: int
    spread_version: int
    contest_id: int
    contest_version: int
    is_contest_published: bool
    changes: tuple[datetime, ...]


_HEAD = (
    select(
        Entry.id, Entry.slug, Entry.state, Entry.version, EntrySpread.version, Entry.contest_id,
        Contest.version, Contest.is_published,
    )
    .join(Contest, Contest.id == Entry.contest_id)
    .outerjoin(EntrySpread, EntrySpread.entry_id == Entry.id)
    .where(Entry.id == bindparam("entry_id"))
)  # fmt: skip
_CHANGES = select(Phase.starts_at, Phase.ends_at, Phase.paused_at, Phase.resumed_at).where(
    Phase.contest_id == bindparam("contest_id")
)


def find_head(entry_id: int) -> EntryHead | None:
    """The entry's head, or None where there is no such entry."""
    connection = db.session.connection()
    row = connection.execute(_HEAD, {"entry_id": entry_id}).first()
    if row is None:
        return None
    phases = connection.execute(_CHANGES, {"contest_id": row.contest_id}).all()
    changes = tuple(sorted({instant for phase in phases for instant in phase if instant}))
    return EntryHead(row[0], row[1], row[2], row[3], row[4] or 0, row[5], row[6], row[7], changes)
