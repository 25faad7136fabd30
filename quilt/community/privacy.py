"""What the community knows of a person, and how it lets go: their words go with them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, forgets, tells
from quilt.community.models import Comment
from quilt.entries.models import Entry


@tells("comments")
def tell_comments(session: Session, user_id: int) -> Iterable[Row]:
    """What they wrote under entries, hidden ones too."""
    for row in session.scalars(select(Comment).where(Comment.author_id == user_id).order_by(Comment.id)):
        yield {"entry": row.entry_id, "text": row.text, "state": row.state, "written": row.written_at}


@forgets("community")
def forget_comments(session: Session, user_id: int, now: datetime) -> None:
    """Delete what they wrote, and have the pages that showed it made anew."""
    commented = select(Comment.entry_id).where(Comment.author_id == user_id)
    session.execute(
        update(Entry).where(Entry.id.in_(commented)).values(version=Entry.version + 1),
        execution_options={"synchronize_session": False},
    )
    session.execute(delete(Comment).where(Comment.author_id == user_id))
