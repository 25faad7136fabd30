"""What entries know of a person, and how they let go: the place stays, for votes lead to it; film and words do not."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from quilt.accounts.belongings import OwnFile, Row, forgets, keeps_files, tells
from quilt.contests.changes import make_pages_fresh
from quilt.contests.models import Contest
from quilt.entries.models import Entry, EntryRevision
from quilt.media.models import Video

TAKEN_OUT = "Taken out by its entrant"
_WITHDRAWABLE = ("draft", "submitted", "needs_changes", "published")
_NOTHING = {"title": "", "cause": "", "story": "", "thanks": ""}
_NO_FILES = {
    "file_name": "", "original_key": "", "video_key": "", "poster_key": "", "thumbnail_key": "", "card_key": "",
    "external_id": "", "external_title": "", "message": "",
}  # fmt: skip


@tells("entries")
def tell_entries(session: Session, user_id: int) -> Iterable[Row]:
    """Every version of every entry, drafts and withdrawn ones among them."""
    statement = (
        select(EntryRevision, Entry, Contest.title)
        .join(Entry, Entry.id == EntryRevision.entry_id)
        .join(Contest, Contest.id == Entry.contest_id)
        .where(Entry.entrant_id == user_id)
        .order_by(Entry.id, EntryRevision.number)
    )
    for revision, entry, contest_title in session.execute(statement):
        yield {
            "entry": entry.id, "contest": contest_title, "state": entry.state, "version": revision.number,
            "version_state": revision.state, "title": revision.title, "cause": revision.cause,
            "story": revision.story, "thanks": revision.thanks, "rules_accepted": revision.accepted_at,
            "begun": entry.created_at, "sent_in": entry.submitted_at, "published": entry.published_at,
        }  # fmt: skip


@tells("films")
def tell_films(session: Session, user_id: int) -> Iterable[Row]:
    """Uploaded and linked films."""
    for video in _list_videos(session, user_id):
        yield {
            "film": video.id, "kind": video.kind, "state": video.state, "file_name": video.file_name,
            "bytes": video.byte_count, "link_id": video.external_id, "link_title": video.external_title,
            "seconds": video.duration_seconds, "sent": video.created_at,
        }  # fmt: skip


@keeps_files
def list_films(session: Session, user_id: int) -> Iterable[OwnFile]:
    """The films and the pictures cut from them; a copy holds the film as it came, and as it was prepared."""
    for video in _list_videos(session, user_id):
        if video.original_key:
            ending = video.original_key.rpartition(".")[2]
            yield OwnFile("upload", video.original_key, f"film-{video.id}-as-it-came.{ending}")
        for kind, key in (("film", video.video_key), ("poster", video.poster_key)):
            if key:
                yield OwnFile("media", key, f"{kind}-{video.id}.{key.rpartition('.')[2]}")
        for key in (video.thumbnail_key, video.card_key):
            if key:
                yield OwnFile("media", key, "")


@forgets("entries")
def forget_entries(session: Session, user_id: int, now: datetime) -> None:
    """Take every entry out and empty it; whoever voted for it keeps a vote for an entry without words."""
    entries = list(session.scalars(select(Entry).where(Entry.entrant_id == user_id).with_for_update()))
    for entry in entries:
        if entry.state == "published":
            make_pages_fresh(session, entry.contest_id)
        entry.state = "withdrawn" if entry.state in _WITHDRAWABLE else entry.state
        entry.title, entry.cause, entry.story, entry.thanks = TAKEN_OUT, "", "", ""
        entry.search_text, entry.slug, entry.version = "", "taken-out", entry.version + 1
    session.flush()
    own = select(Entry.id).where(Entry.entrant_id == user_id)
    quietly = {"synchronize_session": False}
    session.execute(
        update(EntryRevision).where(EntryRevision.entry_id.in_(own)).values(**_NOTHING),
        execution_options=quietly,
    )
    session.execute(
        update(Video).where(Video.owner_id == user_id).values(**_NO_FILES, state="refused", lease_until=None),
        execution_options=quietly,
    )


def _list_videos(session: Session, user_id: int) -> Iterable[Video]:
    return session.scalars(select(Video).where(Video.owner_id == user_id).order_by(Video.id))
