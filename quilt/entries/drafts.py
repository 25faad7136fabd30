"""Reading entries as their entrants and moderators see them: with the newest revision and its video."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.contests.models import Contest
from quilt.database import db
from quilt.entries.models import Entry, EntryRevision
from quilt.entries.rules import IN_WORK, OUT, TEXT_FIELDS, may_edit
from quilt.media.models import Video


@dataclass(frozen=True)
class Draft:
    """An entry with its newest revision, that revision's video, and the contest it is for."""

    entry: Entry
    revision: EntryRevision
    video: Video | None
    contest: Contest

    @property
    def is_open(self) -> bool:
        """Whether the entrant may change it now."""
        return may_edit(self.entry.state, self.revision.state)

    @property
    def texts(self) -> dict[str, str]:
        """The four texts as typed."""
        return {name: getattr(self.revision, name) for name in TEXT_FIELDS}


@dataclass(frozen=True)
class Waiting:
    """One line of the review queue; `time_zone` is the contest's."""

    entry_id: int
    revision_id: int
    number: int
    title: str
    cause: str
    entrant_name: str
    contest_title: str
    time_zone: str
    sent_at: datetime
    video_state: str


def find_draft(entry_id: int, owner_id: int) -> Draft | None:
    """This person's entry with its newest revision; None for another's entry as for no entry."""
    entry = db.session.get(Entry, entry_id, populate_existing=True)
    return _complete(entry) if entry is not None and entry.entrant_id == owner_id else None


def find_for_review(entry_id: int) -> Draft | None:
    """Any entry with its newest revision."""
    entry = db.session.get(Entry, entry_id, populate_existing=True)
    return None if entry is None else _complete(entry)


def list_drafts(owner_id: int) -> list[Draft]:
    """A person's entries that were not withdrawn, the newest first."""
    statement = (
        select(Entry, EntryRevision, Video, Contest)
        .join(EntryRevision, EntryRevision.entry_id == Entry.id)
        .join(Contest, Contest.id == Entry.contest_id)
        .outerjoin(Video, Video.id == EntryRevision.video_id)
        .where(Entry.entrant_id == owner_id, Entry.state != "withdrawn", EntryRevision.number == _newest())
        .order_by(Entry.id.desc())
    )
    rows = db.session.execute(statement).unique().all()
    return [Draft(entry, revision, video, contest) for entry, revision, video, contest in rows]


def list_waiting(state: str = "submitted", limit: int = 100) -> list[Waiting]:
    """Revisions in a state, those that wait longest first."""
    statement = (
        select(
            Entry.id,
            EntryRevision.id,
            EntryRevision.number,
            EntryRevision.title,
            EntryRevision.cause,
            User.name,
            Contest.title,
            Contest.time_zone,
            EntryRevision.updated_at,
            func.coalesce(Video.state, ""),
        )
        .join(EntryRevision, EntryRevision.entry_id == Entry.id)
        .join(User, User.id == Entry.entrant_id)
        .join(Contest, Contest.id == Entry.contest_id)
        .outerjoin(Video, Video.id == EntryRevision.video_id)
        .where(EntryRevision.state == state, EntryRevision.number == _newest(), Entry.state.not_in(OUT))
        .order_by(EntryRevision.updated_at, EntryRevision.id)
        .limit(limit)
    )
    return [Waiting(*tuple(row)) for row in db.session.execute(statement).unique()]


def count_by_state() -> dict[str, int]:
    """How many newest revisions stand in each state; entries that were taken out are left out."""
    statement = (
        select(EntryRevision.state, func.count())
        .join(Entry, Entry.id == EntryRevision.entry_id)
        .where(EntryRevision.number == _newest(), Entry.state.not_in(OUT))
        .group_by(EntryRevision.state)
    )
    return {state: count for state, count in db.session.execute(statement)}


def count_drafts(session: Session, owner_id: int) -> int:
    """How many entries of this person are being worked on."""
    statement = select(func.count()).where(Entry.entrant_id == owner_id, Entry.state.in_(IN_WORK))
    return session.scalar(statement) or 0


def list_causes(contest_id: int, limit: int = 100) -> list[str]:
    """The causes that published entries of a contest speak for, to choose from while typing."""
    statement = (
        select(Entry.cause)
        .where(Entry.contest_id == contest_id, Entry.state == "published", Entry.cause != "")
        .group_by(Entry.cause)
        .order_by(Entry.cause)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def newest_revision(session: Session, entry_id: int) -> EntryRevision:
    """The newest revision of an entry, locked until the transaction's end."""
    statement = select(EntryRevision).where(EntryRevision.entry_id == entry_id)
    ordered = statement.order_by(EntryRevision.number.desc()).limit(1).with_for_update()
    return session.scalars(ordered.execution_options(populate_existing=True)).one()


def _complete(entry: Entry) -> Draft:
    revision = db.session.scalars(
        select(EntryRevision)
        .where(EntryRevision.entry_id == entry.id)
        .order_by(EntryRevision.number.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one()
    video = (
        db.session.get(Video, revision.video_id, populate_existing=True)
        if revision.video_id is not None
        else None
    )
    return Draft(entry, revision, video, db.session.get_one(Contest, entry.contest_id))


def _newest() -> ScalarSelect[int]:
    """The number of an entry's newest revision, beside the entry of the query around."""
    inner = EntryRevision.__table__.alias("newest")
    statement = select(func.max(inner.c.number)).where(inner.c.entry_id == Entry.id)
    return statement.correlate(Entry).scalar_subquery()
