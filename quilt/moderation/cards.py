"""The picture that a shared link of an entry shows, drawn anew when what it says has changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import Contest
from quilt.contests.rules import shows_counts
from quilt.database import db, transaction
from quilt.entries.models import Entry
from quilt.jobs.queue import Job
from quilt.media.models import Video
from quilt.media.sandbox import private_folder
from quilt.media.storage import OWN_BYTES, make_key, results_of
from quilt.standings.rules import LEAST_SHOWN
from quilt.votes.casting_models import ShownTally
from quilt.votes.models import EntryTally
from quilt.votes.shown import shown_votes


@dataclass(frozen=True)
class CardFacts:
    """What a card says, and the key of the poster it shows ('' for none)."""

    title: str
    cause: str
    line: str
    poster_key: str
    video_id: int


def find_card_facts(entry_id: int, now: datetime) -> CardFacts | None:
    """What the card of a published entry should say now; None for any other entry."""
    statement = (
        select(Entry, Contest, Video, shown_votes(), EntrySpread.size)
        .join(Contest, Contest.id == Entry.contest_id)
        .join(Video, Video.id == Entry.video_id)
        .outerjoin(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(ShownTally, ShownTally.entry_id == Entry.id)
        .outerjoin(EntrySpread, EntrySpread.entry_id == Entry.id)
        .where(Entry.id == entry_id, Entry.state == "published")
        .execution_options(populate_existing=True)
    )
    row = db.session.execute(statement).unique().first()
    if row is None:
        return None
    entry, contest, video, counted, size = row
    votes = counted or 0 if shows_counts(contest.phases, now) else 0
    line = say_figures(votes, (size or 1) - 1)
    return CardFacts(entry.title, entry.cause, line, video.poster_key, video.id)


def list_live_ids() -> list[int]:
    """The ids of published entries."""
    return list(db.session.scalars(select(Entry.id).where(Entry.state == "published").order_by(Entry.id)))


def redraw_card(job: Job, entry_id: int, facts: CardFacts) -> bool:
    """Draw the card; True when it differs from the one before, which has then a new address."""
    from quilt.media.cards import Card, draw_card  # only the worker draws, and loads what it draws with

    storage = results_of(job.settings)
    job.settings.media.mkdir(parents=True, exist_ok=True)
    poster = storage.path(facts.poster_key) if facts.poster_key else None
    with private_folder(job.settings.media) as folder:
        drawn = folder / "card.jpg"
        draw_card(Card(facts.title, facts.cause, facts.line, job.settings.site_name), drawn, poster=poster)
        key = make_key(drawn, "jpg", entry_id.to_bytes(OWN_BYTES))
        storage.save(key, drawn)
    with transaction() as session:
        video = session.get_one(Video, facts.video_id, with_for_update=True, populate_existing=True)
        old = video.card_key
        if old != key:
            video.card_key = key
            session.get_one(Entry, entry_id, with_for_update=True, populate_existing=True).version += 1
    if old and old != key:
        storage.delete(old)
    return old != key


def say_figures(votes: int, reached: int) -> str:
    """Round figures, so that a card stays true for a while: "200+ people voted · 1,000+ reached"."""
    parts = [(votes, "people voted"), (reached, "people reached")]
    return " · ".join(f"{round_down(count):,}+ {words}" for count, words in parts if count >= LEAST_SHOWN)


def round_down(count: int) -> int:
    """The largest of 5, 10, 20, 50, 100, … that is not above `count` (at least 5)."""
    step = 5
    for following in (factor * 10**power for power in range(1, 12) for factor in (1, 2, 5)):
        if following > count:
            break
        step = following
    return step
