"""Reading entries for the pages that show many of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from quilt.database import db
from quilt.entries.models import Entry
from quilt.media.models import Video

MOST_HITS = 1000
_entry, _video = Entry.__table__, Video.__table__
_CARDS = (
    select(
        _entry.c.id,
        _entry.c.slug,
        _entry.c.title,
        _entry.c.cause,
        _entry.c.is_eligible,
        func.coalesce(_entry.c.published_at, _entry.c.created_at).label("published_at"),
        func.coalesce(_video.c.thumbnail_key, "").label("thumbnail_key"),
        _video.c.duration_seconds,
    )
    .select_from(_entry.outerjoin(_video, _video.c.id == _entry.c.video_id))
    .where(_entry.c.state == "published")
    .order_by(_entry.c.published_at, _entry.c.id)
)


@dataclass(frozen=True, slots=True)
class EntryCard:
    """What a gallery shows of a published entry, but for its figures."""

    id: int
    slug: str
    title: str
    cause: str
    is_eligible: bool
    published_at: datetime
    thumbnail_key: str
    duration_seconds: float | None


def list_cards(contest_id: int) -> list[EntryCard]:
    """Every published entry of a contest, the first published first."""
    rows = db.session.execute(_CARDS.where(_entry.c.contest_id == contest_id))
    return [EntryCard(*row) for row in rows]


def list_cards_after(contest_id: int, after: int, limit: int) -> list[EntryCard]:
    """Published entries of a contest whose number is above `after`, the lowest first."""
    statement = _CARDS.where(_entry.c.contest_id == contest_id, _entry.c.id > after)
    rows = db.session.execute(statement.order_by(None).order_by(_entry.c.id).limit(limit))
    return [EntryCard(*row) for row in rows]


def search_entry_ids(contest_id: int, words: Sequence[str]) -> set[int]:
    """The published entries of a contest that hold every one of these folded words, a thousand at the most."""
    statement = select(_entry.c.id).where(_entry.c.contest_id == contest_id, _entry.c.state == "published")
    for word in words:
        statement = statement.where(_entry.c.search_text.contains(word, autoescape=True))
    return set(db.session.scalars(statement.order_by(_entry.c.id).limit(MOST_HITS)))
