"""Every entrant is mailed the newest tree head once a day: whoever keeps one can tell whether votes were changed."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, func, select

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.database import db, insert_if_new, transaction
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.signed_ids import make_token
from quilt.votes.ledger_models import HeadLetter, HeadLetterOff, LedgerHead

OFF_PATH = "/letters/heads/"
HEADS_OFF = b"heads off"  # what the token in such a letter is for


@dataclass(frozen=True, slots=True)
class NewestHead:
    """The last head of a published contest, and the day that it is there."""

    contest_id: int
    slug: str
    title: str
    day: str
    number: int
    line: str


def mail_heads(settings: Settings, now: datetime) -> int:
    """Mail each contest's newest head to its entrants, once a day and only when there is a newer one than they have.

    Returns how many letters were written. A unique key decides, so any number of workers may do this at once.
    """
    letters = 0
    for head in list_newest_heads(now):
        letters += sum(_mail(head, user_id, settings, now) for user_id in _list_witnesses(head))
    return letters


def list_newest_heads(now: datetime) -> list[NewestHead]:
    """The last head of every published contest that has one."""
    last = (
        select(LedgerHead.contest_id, func.max(LedgerHead.number).label("number"))
        .group_by(LedgerHead.contest_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Contest.id, Contest.slug, Contest.title, Contest.time_zone, LedgerHead.number, LedgerHead.line)
        .join(last, last.c.contest_id == Contest.id)
        .join(LedgerHead, (LedgerHead.contest_id == Contest.id) & (LedgerHead.number == last.c.number))
        .where(Contest.is_published)
        .order_by(Contest.id)
    ).all()
    days = (now.astimezone(ZoneInfo(row.time_zone)).date().isoformat() for row in rows)
    return [
        NewestHead(row.id, row.slug, row.title, day, row.number, row.line)
        for row, day in zip(rows, days, strict=True)
    ]


def choose_heads(user_id: int, wants: bool, now: datetime) -> bool:
    """Switch the letters off, or on again; False where the account is gone."""
    with transaction() as session:
        if session.get(User, user_id) is None:
            return False
        if wants:
            session.execute(delete(HeadLetterOff).where(HeadLetterOff.user_id == user_id))
        else:
            insert = insert_if_new(HeadLetterOff.__table__, session.get_bind().dialect.name)
            session.execute(insert, {"user_id": user_id, "since": now})
        return True


def wants_heads(user_id: int) -> bool:
    """Whether somebody is to be mailed heads."""
    return db.session.get(HeadLetterOff, user_id) is None


def _list_witnesses(head: NewestHead) -> list[int]:
    """The entrants who have an entry in the contest, want these letters, and have not got this head, or one today."""
    had = exists().where(
        HeadLetter.contest_id == head.contest_id,
        HeadLetter.user_id == Entry.entrant_id,
        (HeadLetter.day == head.day) | (HeadLetter.head_number >= head.number),
    )
    statement = (
        select(Entry.entrant_id)
        .where(Entry.contest_id == head.contest_id, Entry.published_at.is_not(None), ~had)
        .where(~exists().where(HeadLetterOff.user_id == Entry.entrant_id))
        .distinct()
        .order_by(Entry.entrant_id)
    )
    return list(db.session.scalars(statement))


def _mail(head: NewestHead, user_id: int, settings: Settings, now: datetime) -> bool:
    """Note it and write the letter, or neither; False where another worker was first, or nobody can be written to."""
    with transaction() as session:
        user = session.get(User, user_id)
        row = {
            "contest_id": head.contest_id, "user_id": user_id, "day": head.day, "head_number": head.number,
            "sent_at": now,
        }  # fmt: skip
        insert = insert_if_new(HeadLetter.__table__, session.get_bind().dialect.name, "day")
        if user is None or user.is_gone or session.execute(insert, row).scalar() is None:
            return False
        off_url = f"{settings.base_url}{OFF_PATH}{make_token(user_id, settings.secret_key, HEADS_OFF)}"
        letter = composer(settings)(
            "tree_head", name=user.name, contest_title=head.title, head_line=head.line, off_url=off_url,
            ledger_url=f"{settings.base_url}/contests/{head.slug}/ledger",
        )  # fmt: skip
        put_in_outbox(session, letter, user.email, now, off_url=off_url)
    return True
