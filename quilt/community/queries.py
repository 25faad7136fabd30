"""Reading comments."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from quilt.accounts.models import User
from quilt.community.models import Comment
from quilt.database import db
from quilt.entries.models import Entry

_comment, _user, _entry = Comment.__table__, User.__table__, Entry.__table__


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment as it is shown; `is_entrant` where the entry's own people speak."""

    id: int
    entry_id: int
    author_id: int
    author_name: str
    is_entrant: bool
    text: str
    written_at: datetime


def list_comments(entry_id: int, limit: int = 50) -> list[CommentView]:
    """The visible comments of an entry, the newest `limit` of them, newest first."""
    statement = (
        select(
            _comment.c.id,
            _comment.c.entry_id,
            _comment.c.author_id,
            _user.c.name,
            (_entry.c.entrant_id == _comment.c.author_id).label("is_entrant"),
            _comment.c.text,
            _comment.c.written_at,
        )
        .join(_user, _user.c.id == _comment.c.author_id)
        .join(_entry, _entry.c.id == _comment.c.entry_id)
        .where(_comment.c.entry_id == entry_id, _comment.c.state == "visible")
        .order_by(_comment.c.written_at.desc(), _comment.c.id.desc())
        .limit(limit)
    )
    return [CommentView(*row) for row in db.session.execute(statement)]


def find_comment_entry(comment_id: int) -> int | None:
    """The id of the entry under which a comment stands, hidden or not."""
    found: int | None = db.session.scalar(select(_comment.c.entry_id).where(_comment.c.id == comment_id))
    return found
