"""What entrants do with their entries. Each function is one transaction and checks whose entry it is."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.contests.changes import make_pages_fresh
from quilt.contests.models import Contest
from quilt.database import transaction
from quilt.entries.drafts import count_drafts, newest_revision
from quilt.entries.models import Entry, EntryExposure, EntryRevision
from quilt.entries.revisions import build_next_revision
from quilt.entries.rules import (
    ENTRY_MOVES,
    MOST_DRAFTS,
    OPEN_REVISIONS,
    REVISION_MOVES,
    TEXT_FIELDS,
    EarlierVideoKept,
    NotReady,
    PosterFixed,
    RulesChanged,
    StaleDraft,
    TooManyDrafts,
    WrongState,
    check_open,
    check_poster,
    find_problems,
    may_edit,
    next_state,
    tidy_line,
)
from quilt.letters import Compose
from quilt.mail import put_in_outbox
from quilt.media.models import Video
from quilt.media.poster_wishes import wish_poster


class NotFound(Exception):
    """There is no such contest or entry, or not for this person."""


def start_draft(entrant_id: int, contest_id: int, now: datetime) -> int:
    """Begin an entry in a published contest; returns its id. Raises NotFound, EntriesClosed, TooManyDrafts."""
    with transaction() as session:
        contest = session.get(Contest, contest_id)
        if contest is None or not contest.is_published:
            raise NotFound
        if not any(phase.may_submit and now < phase.ends_at for phase in contest.phases):
            check_open(contest.phases, now, contest.time_zone)
        session.scalars(select(User.id).where(User.id == entrant_id).with_for_update()).one()
        if count_drafts(session, entrant_id) >= MOST_DRAFTS:
            raise TooManyDrafts
        entry = Entry(contest_id=contest_id, entrant_id=entrant_id, state="draft", created_at=now)
        session.add(entry)
        session.flush()
        session.add(EntryRevision(entry_id=entry.id, number=1, state="draft", updated_at=now))
        session.add(EntryExposure(entry_id=entry.id))
        return entry.id


def save_draft(
    entry_id: int, owner_id: int, edit_count: int, fields: Mapping[str, str], now: datetime
) -> int:
    """Keep what was typed, whatever it is; returns the new edit count.

    `edit_count` is the one the page was made with. Of `fields` only the four texts are taken. Raises NotFound,
    WrongState, and StaleDraft when another tab has saved something else meanwhile.
    """
    typed = {name: _storable(fields[name]) for name in TEXT_FIELDS if name in fields}
    with transaction() as session:
        _, revision = _open_revision(session, entry_id, owner_id)
        saved = {name: getattr(revision, name) for name in TEXT_FIELDS}
        if all(saved[name] == text for name, text in typed.items()):
            return revision.edit_count
        if revision.edit_count != edit_count:
            raise StaleDraft(revision.edit_count, saved, {**saved, **typed})
        for name, text in typed.items():
            setattr(revision, name, text)
        revision.edit_count += 1
        revision.updated_at = now
        return revision.edit_count


def attaching(entry_id: int, owner_id: int, now: datetime) -> Callable[[Session, Video], None]:
    """What takes one of the entrant's videos into the draft, inside a transaction, such as the one that stores it.

    It raises NotFound, WrongState, EarlierVideoKept.
    """
    return lambda session, video: _attach(session, entry_id, owner_id, video, now)


def choose_poster(entry_id: int, owner_id: int, second: float, now: datetime) -> int | None:
    """Take the poster from this second of the draft's own file; returns the video's id if that is a change.

    A second that waits to be cut is none, unless that was given up. Raises NotFound, PosterFixed, WrongState.
    """
    with transaction() as session:
        entry, revision = _open_revision(session, entry_id, owner_id)
        film = select(Video).where(Video.id == revision.video_id).with_for_update()
        video = session.scalars(film, execution_options={"populate_existing": True}).first()
        if video is None:
            raise PosterFixed("missing")
        check_poster(video.kind, video.state, video.id == entry.video_id)
        wanted = round(min(max(0.0, second), video.duration_seconds or 36_000.0), 2)
        if not wish_poster(video, wanted, now):
            return None
        revision.updated_at = now
        return video.id


def accept_rules(entry_id: int, owner_id: int, version: int, now: datetime) -> None:
    """Store that the entrant agreed to this version of the rules, and when. Raises RulesChanged."""
    with transaction() as session:
        entry, revision = _open_revision(session, entry_id, owner_id)
        contest = session.get_one(Contest, entry.contest_id)
        if version != contest.rules_version:
            raise RulesChanged(contest.rules_version)
        if revision.accepted_rules_version != version:
            revision.accepted_rules_version = version
            revision.accepted_at = now
            revision.updated_at = now


def send_in(entry_id: int, owner_id: int, now: datetime, compose: Compose, entry_url: str) -> None:
    """Hand the draft to the moderators and tell the entrant by mail.

    The closing time holds for the first sending; what was sent in time may be mended afterwards. Raises
    NotReady with a message for each field, NotOpenYet, EntriesPaused, EntriesClosed, NotFound, WrongState.
    """
    with transaction() as session:
        entry, revision = _own_newest(session, entry_id, owner_id)
        revision_state = next_state(REVISION_MOVES, revision.state, "send")
        entry_state = next_state(ENTRY_MOVES, entry.state, "send")
        contest = session.get_one(Contest, entry.contest_id)
        if entry.submitted_at is None:
            check_open(contest.phases, now, contest.time_zone)
        _check_complete(session, revision, contest)
        revision.state, entry.state = revision_state, entry_state
        revision.updated_at = now
        entry.submitted_at = entry.submitted_at or now
        entrant = session.get_one(User, owner_id)
        letter = compose(
            "entry_received",
            name=entrant.name,
            title=tidy_line(revision.title),
            contest_title=contest.title,
            entry_url=entry_url,
        )
        put_in_outbox(session, letter, entrant.email, now)


def start_revision(entry_id: int, owner_id: int, now: datetime) -> int:
    """Open a published entry for changes; the approved version stays live. Returns the revision's number.

    An open revision is returned as it is. Raises NotFound, WrongState (also while one waits for review).
    """
    with transaction() as session:
        entry, newest = _own_newest(session, entry_id, owner_id)
        if entry.state != "published":
            raise WrongState(entry.state, "start_revision")
        if newest.state in OPEN_REVISIONS:
            return newest.number
        if newest.state == "submitted":
            raise WrongState(newest.state, "start_revision")
        revision = build_next_revision(newest, "draft", now)
        session.add(revision)
        return revision.number


def withdraw(entry_id: int, owner_id: int, now: datetime) -> None:
    """Take an entry out: a draft disappears from the entrant's list, a published one from the quilt.

    Votes and spread stay in the tables. Raises NotFound, WrongState.
    """
    with transaction() as session:
        entry, revision = _own_newest(session, entry_id, owner_id)
        was_live = entry.state == "published"
        entry.state = next_state(ENTRY_MOVES, entry.state, "withdraw")
        revision.updated_at = now
        if was_live:
            entry.version += 1
            make_pages_fresh(session, entry.contest_id)


def _attach(session: Session, entry_id: int, owner_id: int, video: Video, now: datetime) -> None:
    _, revision = _open_revision(session, entry_id, owner_id)
    if video.owner_id != owner_id:
        raise NotFound
    earlier = session.get(Video, revision.video_id) if revision.video_id is not None else None
    if video.state == "refused" and earlier is not None and earlier.state != "refused":
        raise EarlierVideoKept(video.message)
    revision.video_id = video.id
    revision.updated_at = now


def _check_complete(session: Session, revision: EntryRevision, contest: Contest) -> None:
    video = session.get(Video, revision.video_id) if revision.video_id is not None else None
    problems = find_problems(
        {name: getattr(revision, name) for name in TEXT_FIELDS},
        video.state if video else None,
        video.message if video else "",
        revision.accepted_rules_version,
        contest.rules_version,
    )
    if problems:
        raise NotReady(problems)


def _own_newest(session: Session, entry_id: int, owner_id: int) -> tuple[Entry, EntryRevision]:
    entry = session.get(Entry, entry_id, with_for_update=True, populate_existing=True)
    if entry is None or entry.entrant_id != owner_id:
        raise NotFound
    return entry, newest_revision(session, entry_id)


def _open_revision(session: Session, entry_id: int, owner_id: int) -> tuple[Entry, EntryRevision]:
    entry, revision = _own_newest(session, entry_id, owner_id)
    if not may_edit(entry.state, revision.state):
        raise WrongState(revision.state, "edit")
    return entry, revision


def _storable(text: str) -> str:
    """Typed text as every database takes it: PostgreSQL knows no NUL, UTF-8 no lone surrogate.

    What nobody can see is nothing.
    """
    plain = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return plain if tidy_line(plain) else ""
