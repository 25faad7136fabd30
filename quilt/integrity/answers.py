"""Telling whoever appealed how it ended, and why: one letter each."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.entries.models import Entry
from quilt.integrity.models import Appeal
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.votes.models import Vote, Voter

MOST_LETTERS = 500  # of one round


def mail_answers(settings: Settings, now: datetime) -> int:
    """Write to whoever made an appeal that was answered, once each; returns how many appeals were told.

    Who appealed by a receipt without being signed in is the vote's voter. An account that is gone gets no letter.
    """
    waiting = select(Appeal.id).where(Appeal.answered_at.is_not(None), Appeal.told_at.is_(None))
    ids = db.session.scalars(waiting.order_by(Appeal.id).limit(MOST_LETTERS)).all()
    return sum(_tell(appeal_id, settings, now) for appeal_id in ids)


def _tell(appeal_id: int, settings: Settings, now: datetime) -> bool:
    with transaction() as session:
        appeal = session.get(Appeal, appeal_id, with_for_update=True, populate_existing=True)
        if appeal is None or appeal.told_at is not None:
            return False
        appeal.told_at = now
        row = session.execute(_about(appeal_id)).first()
        if row is not None:
            letter = composer(settings)(
                "appeal_answered", title=row.title, is_upheld=appeal.outcome == "upheld", words=appeal.answer,
                is_about_entry=appeal.vote_id is None, page_url=_find_page(settings, row, appeal.entry_id),
            )  # fmt: skip
            put_in_outbox(session, letter, row.email, now)
    return True


def _about(appeal_id: int) -> Any:
    """The entry's title, the vote's receipt, and the address of whoever is to be told."""
    return (
        select(Entry.title, Vote.receipt, User.email)
        .select_from(Appeal)
        .join(Entry, Entry.id == Appeal.entry_id)
        .outerjoin(Vote, Vote.id == Appeal.vote_id)
        .outerjoin(Voter, Voter.id == Vote.voter_id)
        .join(User, User.id == func.coalesce(Appeal.author_id, Voter.user_id))
        .where(Appeal.id == appeal_id, User.is_gone.is_(False))
    )


def _find_page(settings: Settings, row: Any, entry_id: int) -> str:
    """Where the answer stands, and where one may say something new."""
    path = f"/entries/{entry_id}/notices" if row.receipt is None else f"/appeal?receipt={row.receipt}"
    return f"{settings.base_url}{path}"
