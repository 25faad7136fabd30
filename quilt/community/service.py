"""Writing and taking back comments."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.community.models import Comment
from quilt.community.rules import CommentRefused, NotYours, check_text
from quilt.contests.models import Contest
from quilt.contests.rules import Action, check_may
from quilt.database import transaction
from quilt.entries.models import Entry
from quilt.entries.rules import tidy_paragraphs

SAME_AGAIN = timedelta(minutes=2)  # the same words once more within this time are a button pressed twice


class NoSuchEntry(CommentRefused):
    """The entry is not published."""

    message = "We cannot find that entry. It may have been withdrawn."


def add_comment(entry_id: int, author_id: int, text: str, now: datetime) -> int:
    """Add a comment and return its id; pressed twice, the first one's.

    Raises CommentRefused in one of its kinds, and the contest's NotOpen or Closed.
    """
    tidied = tidy_paragraphs(text)
    check_text(tidied)
    with transaction() as session:
        _check_open(session, entry_id, now)
        _wait_for_author(session, author_id)
        first = _find_same(session, entry_id, author_id, tidied, now)
        if first is not None:
            return first
        comment = Comment(entry_id=entry_id, author_id=author_id, text=tidied, written_at=now)
        session.add(comment)
        session.flush()
        _raise_version(session, entry_id)
        comment_id = comment.id
    return comment_id


def remove_comment(comment_id: int, author_id: int) -> None:
    """Delete one's own comment for good; it may be gone already. Raises NotYours."""
    with transaction() as session:
        comment = session.get(Comment, comment_id)
        if comment is None:
            return
        if comment.author_id != author_id:
            raise NotYours
        session.execute(delete(Comment).where(Comment.id == comment_id))
        _raise_version(session, comment.entry_id)


def refresh_pages_naming(user_id: int) -> None:
    """Have the kept pages that name this person made anew: of their entries, and of those they commented on."""
    commented = select(Comment.entry_id).where(Comment.author_id == user_id)
    with transaction() as session:
        session.execute(
            update(Entry)
            .where(or_(Entry.entrant_id == user_id, Entry.id.in_(commented)))
            .values(version=Entry.version + 1)
        )


def _check_open(session: Session, entry_id: int, now: datetime) -> None:
    entry = session.get(Entry, entry_id)
    contest = session.get(Contest, entry.contest_id) if entry is not None else None
    if entry is None or contest is None or entry.state != "published" or not contest.is_published:
        raise NoSuchEntry
    check_may(contest.phases, Action.COMMENT, now)


def _wait_for_author(session: Session, author_id: int) -> None:
    """One person's words come one after the other, so that the second of a pair finds the first."""
    session.execute(select(User.id).where(User.id == author_id).with_for_update(key_share=True))


def _find_same(session: Session, entry_id: int, author_id: int, text: str, now: datetime) -> int | None:
    return session.scalar(
        select(Comment.id)
        .where(
            Comment.entry_id == entry_id,
            Comment.author_id == author_id,
            Comment.text == text,
            Comment.written_at > now - SAME_AGAIN,
        )
        .limit(1)
    )


def _raise_version(session: Session, entry_id: int) -> None:
    session.execute(update(Entry).where(Entry.id == entry_id).values(version=Entry.version + 1))
