"""Tables to take away: what the desk shows of a contest, or of the whole site, as CSV or JSON.

A spreadsheet gets every cell as text that it does not compute; JSON has the values exactly as they are kept.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, func, select
from sqlalchemy.orm import aliased

from quilt.accounts.domain_models import MailDomain
from quilt.accounts.exports import guard_cell
from quilt.accounts.models import User
from quilt.arrivals.models import EntrySpread
from quilt.community.models import Comment
from quilt.contests.models import Contest, ContestChange
from quilt.database import db
from quilt.entries.models import Entry
from quilt.integrity.models import Appeal, VoteAlert, VoteReview
from quilt.media.models import Video
from quilt.moderation.queries import count_log, list_log
from quilt.votes.models import EntryTally

Row = Sequence[object]
BYTE_ORDER_MARK = "\ufeff"  # by which some spreadsheets know UTF-8


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one instant to before another; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, column: Any) -> list[ColumnElement[bool]]:
        """The conditions under which a column of times lies within."""
        found = [column >= self.since] if self.since is not None else []
        return found + ([column < self.until] if self.until is not None else [])

    def has(self, moment: datetime) -> bool:
        """Whether a moment lies within."""
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `dated` says by what the dates choose rows. `read` takes the contest (0: the site) and a stretch."""

    title: str
    dated: str
    columns: tuple[str, ...]
    read: Callable[[int, Stretch], Iterable[Row]]


def write_csv(table: Table, rows: Iterable[Row], *, has_mark: bool) -> str:
    """The table with its head, lines ended by CR LF (RFC 4180); `has_mark` puts the mark of UTF-8 first."""
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK if has_mark else "")
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows([guard_cell(_say(cell)) for cell in row] for row in rows)
    return text.getvalue()


def write_json(table: Table, rows: Iterable[Row]) -> str:
    """The same as a list of objects, with every value as it is kept."""
    named = [dict(zip(table.columns, map(_say, row), strict=True)) for row in rows]
    return json.dumps(named, ensure_ascii=False, indent=1) + "\n"


def _say(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _name(person: Any) -> ColumnElement[str]:
    return func.coalesce(person.name, "")


def _list(statement: Executable) -> list[Row]:
    return [tuple(row) for row in db.session.execute(statement)]


def _list_entries(contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(
            Entry.id, Entry.state, Entry.title, Entry.cause, Entry.story, _name(User), Video.kind, Video.state,
            Video.duration_seconds, Entry.is_eligible, Entry.created_at, Entry.submitted_at, Entry.published_at,
            func.coalesce(EntryTally.standing, 0), func.coalesce(EntrySpread.size - 1, 0),
        )
        .join(User, User.id == Entry.entrant_id)
        .outerjoin(Video, Video.id == Entry.video_id)
        .outerjoin(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(EntrySpread, EntrySpread.entry_id == Entry.id)
        .where(Entry.contest_id == contest_id, *stretch.holds(Entry.created_at))
        .order_by(Entry.id)
    )  # fmt: skip


def _list_comments(contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(Comment.id, Comment.entry_id, _name(User), Comment.state, Comment.text, Comment.written_at)
        .join(Entry, Entry.id == Comment.entry_id)
        .outerjoin(User, User.id == Comment.author_id)
        .where(Entry.contest_id == contest_id, *stretch.holds(Comment.written_at))
        .order_by(Comment.id)
    )


def _list_changes(contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(
            ContestChange.changed_at, _name(User), ContestChange.kind, ContestChange.words, ContestChange.detail,
            ContestChange.is_public,
        )
        .outerjoin(User, User.id == ContestChange.actor_id)
        .where(ContestChange.contest_id == contest_id, *stretch.holds(ContestChange.changed_at))
        .order_by(ContestChange.id)
    )  # fmt: skip


def _list_alerts(contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(
            VoteAlert.raised_at, VoteAlert.entry_id, VoteAlert.starts_at, VoteAlert.votes_count, VoteAlert.expected,
            VoteAlert.chance, VoteAlert.rules,
        )
        .where(VoteAlert.contest_id == contest_id, *stretch.holds(VoteAlert.raised_at))
        .order_by(VoteAlert.id)
    )  # fmt: skip


def _list_reviews(contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(
            VoteReview.id, VoteReview.decided_at, VoteReview.entry_id, VoteReview.after, VoteReview.reason,
            VoteReview.words, VoteReview.votes_count, _name(User), VoteReview.undoes_id,
        )
        .outerjoin(User, User.id == VoteReview.actor_id)
        .where(VoteReview.contest_id == contest_id, *stretch.holds(VoteReview.decided_at))
        .order_by(VoteReview.id)
    )  # fmt: skip


def _list_appeals(contest_id: int, stretch: Stretch) -> list[Row]:
    answerer = aliased(User)
    return _list(
        select(
            Appeal.id, Appeal.created_at, Appeal.entry_id, Appeal.words, Appeal.outcome, Appeal.answer,
            Appeal.answered_at, _name(answerer),
        )
        .outerjoin(answerer, answerer.id == Appeal.answered_by_id)
        .where(Appeal.contest_id == contest_id, *stretch.holds(Appeal.created_at))
        .order_by(Appeal.id)
    )  # fmt: skip


def _list_contests(_contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(
            Contest.id, Contest.slug, Contest.title, Contest.prize_text, Contest.time_zone, Contest.is_published,
            Contest.frozen_at, Contest.created_at,
        )
        .where(*stretch.holds(Contest.created_at))
        .order_by(Contest.id)
    )  # fmt: skip


def _list_decisions(_contest_id: int, stretch: Stretch) -> Iterator[Row]:
    for line in reversed(list_log(count_log())):
        if stretch.has(line.decided_at):
            yield (
                line.decided_at, line.actor_name, line.action, line.subject_kind, line.subject_id, line.part,
                line.reason, line.words,
            )  # fmt: skip


def _list_domains(_contest_id: int, stretch: Stretch) -> list[Row]:
    return _list(
        select(
            MailDomain.domain, MailDomain.verdict, MailDomain.reason, _name(User), MailDomain.added_at,
            MailDomain.ends_at,
        )
        .outerjoin(User, User.id == MailDomain.actor_id)
        .where(*stretch.holds(MailDomain.added_at))
        .order_by(MailDomain.id)
    )  # fmt: skip


OF_CONTESTS = {
    "entries": Table(
        "Entries", "when they were begun",
        ("id", "state", "title", "cause", "story", "entrant", "film", "film_state", "seconds", "is_eligible",
         "created_at", "submitted_at", "published_at", "votes", "reach"),
        _list_entries,
    ),
    "comments": Table(
        "Comments", "when they were written", ("id", "entry", "author", "state", "text", "written_at"), _list_comments
    ),
    "changes": Table(
        "What was changed", "when it was", ("at", "who", "what", "words", "fields", "is_public"), _list_changes
    ),
    "alerts": Table(
        "Alerts about votes", "when they were raised",
        ("raised_at", "entry", "quarter_from", "votes", "expected", "chance", "rules"), _list_alerts,
    ),
    "reviews": Table(
        "Decisions about votes", "when they were made",
        ("id", "at", "entry", "after", "reason", "words", "votes", "who", "undoes"), _list_reviews,
    ),
    "appeals": Table(
        "Appeals", "when they came",
        ("id", "at", "entry", "words", "outcome", "answer", "answered_at", "answered_by"), _list_appeals,
    ),
}  # fmt: skip
OF_THE_SITE = {
    "contests": Table(
        "Contests", "when they were begun",
        ("id", "slug", "title", "prize", "time_zone", "is_published", "fixed_at", "created_at"), _list_contests,
    ),
    "log": Table(
        "The log of decisions", "when they were made",
        ("at", "who", "action", "about", "number", "part", "reason", "words"), _list_decisions,
    ),
    "domains": Table(
        "Mail domains", "when they were added", ("domain", "verdict", "reason", "who", "added_at", "ends_at"),
        _list_domains,
    ),
}  # fmt: skip
