"""Bursts of votes: alerts that hold nothing, and notices by which people say beforehand that one will come."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from quilt.contests.models import Phase
from quilt.database import db, insert_if_new, write
from quilt.entries.models import Entry
from quilt.integrity.facts import find_first_vote, get_rulebook
from quilt.integrity.models import BlastNotice, VoteAlert
from quilt.integrity.rules import Rulebook, find_burst
from quilt.votes.models import Vote

MOST_WORDS = 300
MOST_PEOPLE = 10_000_000
NOTICE_BEFORE = timedelta(hours=2)  # a blast's votes come within a day of it, and clocks are set by hand
NOTICE_AFTER = timedelta(hours=24)
_LOOK_BACK = 2  # slots that may have filled up since the last look


class NoticeRefused(Exception):
    """A notice that will not do; `field` says which part, `message` why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert, what was usual before, and the notice that tells of it, if any."""

    id: int
    entry_id: int
    entry_title: str
    starts_at: datetime
    ends_at: datetime
    votes_count: int
    expected: float
    notice: str


def raise_alerts(now: datetime) -> int:
    """Look at the last quarters of every contest in which voting is open; how many alerts were raised.

    What is usual: the entry's own votes a quarter over the day before, or those of all entries, whichever is more.
    """
    open_now = select(Phase.contest_id).where(
        Phase.may_vote, Phase.starts_at <= now, Phase.ends_at > now - timedelta(hours=1)
    )
    return sum(_raise_in(contest_id, now) for contest_id in db.session.scalars(open_now.distinct()))


def add_notice(
    entry_id: int, *, starts_at: datetime, people: int, words: str, author_id: int, now: datetime
) -> None:
    """Register that many people will be asked to vote. Raises NoticeRefused."""
    words = " ".join(words.replace("\x00", "").split())
    if not words or len(words) > MOST_WORDS:
        raise NoticeRefused("words", f"Say what it is, in at most {MOST_WORDS} characters.")
    if not 1 <= people <= MOST_PEOPLE:
        raise NoticeRefused("people", "About how many people? A whole number from 1 to 10,000,000.")
    if abs(starts_at - now) > timedelta(days=366):
        raise NoticeRefused("starts_at", "That is more than a year away.")
    entry = db.session.get_one(Entry, entry_id)
    row = {"contest_id": entry.contest_id, "entry_id": entry_id, "starts_at": starts_at, "people_count": people,
           "words": words, "author_id": author_id, "created_at": now}  # fmt: skip
    write(_insert_notice, row)


def list_notices(entry_id: int) -> list[BlastNotice]:
    """The notices of an entry, the newest first."""
    statement = select(BlastNotice).where(BlastNotice.entry_id == entry_id)
    return list(db.session.scalars(statement.order_by(BlastNotice.starts_at.desc()).limit(50)))


def list_alerts(contest_id: int, since: datetime, limit: int = 100) -> list[ShownAlert]:
    """The alerts of a contest since then, the newest first, each with the notice that fits."""
    statement = (
        select(VoteAlert, Entry.title)
        .join(Entry, Entry.id == VoteAlert.entry_id)
        .where(VoteAlert.contest_id == contest_id, VoteAlert.starts_at >= since)
        .order_by(VoteAlert.starts_at.desc(), VoteAlert.id)
        .limit(limit)
    )
    notices = list(db.session.scalars(select(BlastNotice).where(BlastNotice.contest_id == contest_id)))
    length = timedelta(minutes=get_rulebook().alert["minutes"])
    return [
        ShownAlert(
            alert.id, alert.entry_id, title, alert.starts_at, alert.starts_at + length, alert.votes_count,
            alert.expected, _find_notice(notices, alert),
        )
        for alert, title in db.session.execute(statement)
    ]  # fmt: skip


def _find_notice(notices: list[BlastNotice], alert: VoteAlert) -> str:
    for notice in notices:
        begin, end = notice.starts_at - NOTICE_BEFORE, notice.starts_at + NOTICE_AFTER
        if notice.entry_id == alert.entry_id and begin <= alert.starts_at < end:
            return f"{notice.words} (about {notice.people_count:,} people)"
    return ""


def _raise_in(contest_id: int, now: datetime) -> int:
    book = get_rulebook()
    length = timedelta(minutes=book.alert["minutes"])
    newest = datetime.fromtimestamp(
        now.timestamp() // length.total_seconds() * length.total_seconds(), now.tzinfo
    )
    counts = _count_slots(contest_id, newest, length, book)
    entries = {entry_id for entry_id, _ in counts}
    everywhere = db.session.scalar(
        select(func.count())
        .select_from(Entry)
        .where(Entry.contest_id == contest_id, Entry.state == "published")
    )
    raised = 0
    slots = int(book.alert["before_hours"] * 3600 / length.total_seconds())
    before = {entry: sum(counts[entry, slot] for slot in range(_LOOK_BACK, slots)) for entry in entries}
    usual = sum(before.values()) / (max(1, everywhere or 1) * slots)
    for entry in sorted(entries):
        for slot in range(_LOOK_BACK):
            expected = max(before[entry] / slots, usual)
            chance = find_burst(book, counts[entry, slot], expected)
            if chance is not None:
                row = {"contest_id": contest_id, "entry_id": entry, "starts_at": newest - slot * length,
                       "votes_count": counts[entry, slot], "expected": expected, "chance": chance,
                       "rules": book.name, "raised_at": now}  # fmt: skip
                raised += write(_insert_alert, row)
    return raised


def _count_slots(
    contest_id: int, newest: datetime, length: timedelta, book: Rulebook
) -> Counter[tuple[int, int]]:
    """Votes by entry and slot, 0 the newest, over the day before."""
    since = newest - timedelta(hours=book.alert["before_hours"])
    with db.engine.connect() as connection:
        first = find_first_vote(connection, since)
        rows = connection.execute(
            select(Vote.entry_id, Vote.cast_at).where(Vote.contest_id == contest_id, Vote.id >= first)
        )
        counts: Counter[tuple[int, int]] = Counter()
        for entry_id, cast_at in rows:
            if cast_at >= since:
                counts[entry_id, -int((cast_at - newest) // length)] += 1
    return counts


def _insert_alert(connection: Connection, row: dict[str, object]) -> int:
    statement = insert_if_new(VoteAlert.__table__, connection.dialect.name, "id")
    return int(connection.execute(statement, row).scalar() is not None)


def _insert_notice(connection: Connection, row: dict[str, object]) -> None:
    connection.execute(insert(BlastNotice), row)
