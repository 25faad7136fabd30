"""Deciding: each act is one transaction and one row of the log; a decision about an entry is one mail too."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.arrivals.models import EntrySpread, NamedLink
from quilt.contests.changes import make_pages_fresh
from quilt.contests.models import Contest
from quilt.database import transaction
from quilt.embeds.models import Embed
from quilt.entries.drafts import newest_revision
from quilt.entries.folding import fold_text
from quilt.entries.models import Entry, EntryExposure, EntryRevision
from quilt.entries.ownership import is_own_entry
from quilt.entries.revisions import build_next_revision
from quilt.entries.rules import (
    ENTRY_MOVES,
    REVISION_MOVES,
    TEXT_FIELDS,
    WrongState,
    make_slug,
    next_state,
    tidy_line,
    tidy_texts,
)
from quilt.letters import Compose
from quilt.mail import put_in_outbox
from quilt.media.models import Video
from quilt.media.tasks import process_video
from quilt.moderation.models import ModerationLog
from quilt.moderation.queries import find_last_decision
from quilt.moderation.rules import (
    AlreadyDecided,
    OwnEntry,
    VideoNotReady,
    Withdrawn,
    check_decision,
    say_reason,
)
from quilt.moderation.tasks import refresh_card
from quilt.spread.codes import new_code
from quilt.votes.models import EntryTally

LETTERS = {"approve": "entry_published", "ask_changes": "entry_needs_changes", "reject": "entry_rejected"}


class NotFound(Exception):
    """There is no such entry or video."""


def decide(
    entry_id: int,
    revision_id: int,
    action: str,
    *,
    reason: str = "",
    words: str = "",
    actor_id: int,
    now: datetime,
    entropy: Callable[[int], bytes],
    compose: Compose,
    base_url: str,
) -> str:
    """Approve, ask for changes to, or reject the revision that the moderator looked at; returns the entry's state.

    Approving copies the revision onto the entry, which is then live; the first time it gets its counters,
    its own link and an embed. Asking for changes opens a copy to go on with. Raises NotFound, and the kind
    of DecisionRefused that says why.
    """
    words = words.replace("\x00", "").strip()
    check_decision(action, reason, words)
    with transaction() as session:
        entry, contest = lock_entry(session, entry_id, actor_id)
        revision = newest_revision(session, entry_id)
        _move(session, entry, revision, revision_id, action, contest.time_zone)
        if action == "approve":
            _publish(session, entry, revision, contest, now, entropy)
        if action == "ask_changes":
            session.add(build_next_revision(revision, revision.state, now))
        session.add(
            ModerationLog(
                subject_kind="entry",
                subject_id=entry_id,
                action=action,
                reason=reason if action != "approve" else "",
                words=words,
                actor_id=actor_id,
                decided_at=now,
            )
        )
        _tell_entrant(session, entry, revision, contest, action, reason, words, now, compose, base_url)
        state = entry.state
    if action == "approve":
        refresh_card.later(entry_id)
    return state


def lock_entry(session: Session, entry_id: int, actor_id: int) -> tuple[Entry, Contest]:
    """The entry that a moderator decides about, which nobody else changes meanwhile, and its contest.

    Raises NotFound, OwnEntry.
    """
    entry = session.get(Entry, entry_id, with_for_update=True, populate_existing=True)
    if entry is None:
        raise NotFound
    if is_own_entry(session.connection(), actor_id, entry_id):
        raise OwnEntry
    return entry, session.get_one(Contest, entry.contest_id)


def rerun_video(video_id: int, actor_id: int, now: datetime) -> None:
    """Start a parked or refused video from the beginning, with three new tries. Raises NotFound, WrongState.

    One that was refused needs its file, which is kept for thirty days.
    """
    with transaction() as session:
        video = session.get(Video, video_id)
        if video is None:
            raise NotFound
        changed = session.execute(
            update(Video)
            .where(
                Video.id == video_id,
                Video.kind == "file",
                or_(Video.state == "parked", and_(Video.state == "refused", Video.original_key != "")),
            )
            .values(state="queued", progress=0, message="", attempts_count=0, lease_until=now)
        )
        if changed.rowcount == 0:  # type: ignore[attr-defined]
            raise WrongState(video.state, "rerun")
        session.add(
            ModerationLog(
                subject_kind="video", subject_id=video_id, action="rerun", actor_id=actor_id, decided_at=now
            )
        )
    process_video.later(video_id)


def _move(
    session: Session, entry: Entry, revision: EntryRevision, revision_id: int, action: str, zone: str
) -> None:
    if entry.state == "withdrawn":
        raise Withdrawn
    if revision.id != revision_id:
        seen = session.get(EntryRevision, revision_id)
        is_decided = seen is not None and seen.entry_id == entry.id and revision.state == "needs_changes"
        raise AlreadyDecided(find_last_decision(session, "entry", entry.id) if is_decided else None, zone)
    try:
        revision_state = next_state(REVISION_MOVES, revision.state, action)
        entry_state = next_state(ENTRY_MOVES, entry.state, action)
    except WrongState:
        raise AlreadyDecided(find_last_decision(session, "entry", entry.id), zone) from None
    revision.state, entry.state = revision_state, entry_state


def _publish(
    session: Session,
    entry: Entry,
    revision: EntryRevision,
    contest: Contest,
    now: datetime,
    entropy: Callable[[int], bytes],
) -> None:
    video = session.get(Video, revision.video_id) if revision.video_id is not None else None
    if video is None or video.state != "ready":
        raise VideoNotReady(video.state if video is not None else "")
    texts = tidy_texts({name: getattr(revision, name) for name in TEXT_FIELDS})
    entry.title, entry.cause, entry.story, entry.thanks = texts.title, texts.cause, texts.story, texts.thanks
    entry.slug = make_slug(texts.title)
    entry.search_text = fold_text(f"{texts.title} {texts.cause} {texts.story}")
    entry.video_id = video.id
    entry.published_at = entry.published_at or now
    entry.version += 1
    make_pages_fresh(session, contest.id)
    _add_counters(session, entry, now, entropy)


def _add_counters(session: Session, entry: Entry, now: datetime, entropy: Callable[[int], bytes]) -> None:
    """What every live entry has: tally, spread, impressions, a link that is the entry's own, and an embed."""
    if session.get(EntryTally, entry.id) is None:
        session.add(EntryTally(entry_id=entry.id, contest_id=entry.contest_id))
    if session.get(EntrySpread, entry.id) is None:
        session.add(EntrySpread(entry_id=entry.id))
    if session.get(EntryExposure, entry.id) is None:
        session.add(EntryExposure(entry_id=entry.id))
    own = select(NamedLink.id).where(NamedLink.entry_id == entry.id, NamedLink.label == "")
    if session.scalars(own).first() is None:
        session.add(NamedLink(entry_id=entry.id, code=new_code(entropy), created_at=now))
    if session.scalars(select(Embed.id).where(Embed.entry_id == entry.id)).first() is None:
        session.add(Embed(entry_id=entry.id, code=new_code(entropy), created_at=now))


def _tell_entrant(
    session: Session,
    entry: Entry,
    revision: EntryRevision,
    contest: Contest,
    action: str,
    reason: str,
    words: str,
    now: datetime,
    compose: Compose,
    base_url: str,
) -> None:
    entrant = session.get_one(User, entry.entrant_id)
    is_live = action == "approve"
    facts = {"reason": say_reason(action, reason), "words": words} if not is_live else {}
    letter = compose(
        LETTERS[action],
        name=entrant.name,
        title=tidy_line(revision.title),
        contest_title=contest.title,
        entry_url=f"{base_url}/entries/{entry.id}-{entry.slug}"
        if is_live
        else f"{base_url}/submit/{entry.id}",
        **facts,
    )
    put_in_outbox(session, letter, entrant.email, now)
