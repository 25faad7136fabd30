"""Hiding comments and showing them again: each time a row of the log."""

from datetime import datetime

from sqlalchemy import update

from quilt.community.models import Comment
from quilt.database import transaction
from quilt.entries.models import Entry
from quilt.moderation.models import ModerationLog

STATES = {"hide": "hidden", "show": "visible"}


def set_comment_state(comment_id: int, action: str, words: str, actor_id: int, now: datetime) -> bool:
    """Hide or show a comment (`action` is a key of STATES) and log it; False where nothing had to change."""
    state = STATES[action]
    with transaction() as session:
        changed = session.execute(
            update(Comment)
            .where(Comment.id == comment_id, Comment.state != state)
            .values(state=state)
            .returning(Comment.entry_id)
        ).scalar()
        if changed is None:
            return False
        session.execute(update(Entry).where(Entry.id == changed).values(version=Entry.version + 1))
        session.add(
            ModerationLog(
                subject_kind="comment",
                subject_id=comment_id,
                action=action,
                words=words,
                actor_id=actor_id,
                decided_at=now,
            )
        )
    return True
