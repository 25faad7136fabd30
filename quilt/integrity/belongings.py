"""What integrity knows of a person, and how it lets go: an appeal stays answered, without its words and its author."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, forgets, tells
from quilt.integrity.models import Appeal, BlastNotice


@tells("appeals")
def tell_appeals(session: Session, user_id: int) -> Iterable[Row]:
    """What they asked to be looked at again, and the answers."""
    for row in session.scalars(select(Appeal).where(Appeal.author_id == user_id).order_by(Appeal.id)):
        yield {
            "entry": row.entry_id, "words": row.words, "asked": row.created_at, "outcome": row.outcome,
            "answer": row.answer, "answered": row.answered_at,
        }  # fmt: skip


@tells("mailings")
def tell_notices(session: Session, user_id: int) -> Iterable[Row]:
    """The mailings that they told of beforehand."""
    own = select(BlastNotice).where(BlastNotice.author_id == user_id).order_by(BlastNotice.id)
    for row in session.scalars(own):
        yield {
            "entry": row.entry_id,
            "words": row.words,
            "people": row.people_count,
            "goes_out": row.starts_at,
        }


@forgets("integrity")
def forget_appeals(session: Session, user_id: int, now: datetime) -> None:
    """Nobody reads any more who asked, and with which words, or who told of a mailing."""
    own = update(BlastNotice).where(BlastNotice.author_id == user_id).values(author_id=None)
    session.execute(own, execution_options={"synchronize_session": False})
    session.execute(update(Appeal).where(Appeal.author_id == user_id).values(author_id=None, words=""))
