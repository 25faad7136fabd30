"""What integrity knows of a person, and how it lets go: of appeals' words and authors, of the evidence about votes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, forgets, tells
from quilt.contests.models import Phase
from quilt.database import db, write
from quilt.integrity.models import Appeal, BlastNotice, VoteCheck
from quilt.votes.models import Vote

KEPT = timedelta(days=30)  # after the end of voting: longer than anybody can appeal
_MOST = 5_000  # votes in one transaction


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
    """Nobody reads any more who asked, and with which words, or who told of a mailing; appeals stay answered."""
    own = update(BlastNotice).where(BlastNotice.author_id == user_id).values(author_id=None)
    session.execute(own, execution_options={"synchronize_session": False})
    session.execute(update(Appeal).where(Appeal.author_id == user_id).values(author_id=None, words=""))


def forget_evidence(now: datetime) -> int:
    """Empty the evidence of votes in contests whose voting ended thirty days ago; of how many votes."""
    ended = (
        select(Phase.contest_id)
        .where(Phase.may_vote)
        .group_by(Phase.contest_id)
        .having(func.max(Phase.ends_at) < now - KEPT)
    )
    forgotten = 0
    for contest_id in db.session.scalars(ended).all():
        while emptied := write(_forget_some, contest_id):
            forgotten += emptied
    return forgotten


def _forget_some(connection: Connection, contest_id: int) -> int:
    some = (
        select(Vote.id)
        .where(Vote.contest_id == contest_id, Vote.evidence.is_not(None))
        .order_by(Vote.id)
        .limit(_MOST)
    )
    connection.execute(
        update(VoteCheck)
        .where(VoteCheck.contest_id == contest_id, VoteCheck.evidence.is_not(None))
        .values(evidence=None)
    )
    return connection.execute(update(Vote).where(Vote.id.in_(some)).values(evidence=None)).rowcount
