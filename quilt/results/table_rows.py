"""The rows of the tables to take away, one function a table: the columns in their order, the oldest row first."""

import heapq
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from quilt.accounts.domain_models import MailDomain
from quilt.accounts.models import User
from quilt.arrivals.models import EntrySpread
from quilt.community.models import Comment
from quilt.contests.models import Contest, ContestChange
from quilt.entries.models import Entry
from quilt.integrity.models import Appeal, VoteAlert, VoteReview
from quilt.media.models import Video
from quilt.moderation.queries import LOGS, read_decision
from quilt.results.pieces import Row, Stretch, read_in_pieces
from quilt.votes.models import EntryTally

WALK = 0  # added to a column, it keeps both databases from an index by which each piece would have to be sorted anew


def list_entries(contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        Entry.id,
        select(
            Entry.id, Entry.state, Entry.title, Entry.cause, Entry.story, _name(User), Video.kind, Video.state,
            Video.duration_seconds, Entry.is_eligible, Entry.created_at, Entry.submitted_at, Entry.published_at,
            func.coalesce(EntryTally.standing, 0), func.coalesce(EntrySpread.size - 1, 0),
        )
        .join(User, User.id == Entry.entrant_id)
        .outerjoin(Video, Video.id == Entry.video_id)
        .outerjoin(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(EntrySpread, EntrySpread.entry_id == Entry.id)
        .where(Entry.contest_id + WALK == contest_id, *stretch.holds(Entry.created_at))
    )  # fmt: skip


def list_comments(contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        Comment.id,
        select(Comment.id, Comment.entry_id, _name(User), Comment.state, Comment.text, Comment.written_at)
        .join(Entry, Entry.id == Comment.entry_id + WALK)
        .outerjoin(User, User.id == Comment.author_id)
        .where(Entry.contest_id == contest_id, *stretch.holds(Comment.written_at)),
    )


def list_changes(contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        ContestChange.id,
        select(
            ContestChange.changed_at, _name(User), ContestChange.kind, ContestChange.words, ContestChange.detail,
            ContestChange.is_public,
        )
        .outerjoin(User, User.id == ContestChange.actor_id)
        .where(ContestChange.contest_id == contest_id, *stretch.holds(ContestChange.changed_at))
    )  # fmt: skip


def list_alerts(contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        VoteAlert.id,
        select(
            VoteAlert.raised_at, VoteAlert.entry_id, VoteAlert.starts_at, VoteAlert.votes_count, VoteAlert.expected,
            VoteAlert.chance, VoteAlert.rules,
        )
        .where(VoteAlert.contest_id == contest_id, *stretch.holds(VoteAlert.raised_at))
    )  # fmt: skip


def list_reviews(contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        VoteReview.id,
        select(
            VoteReview.id, VoteReview.decided_at, VoteReview.entry_id, VoteReview.after, VoteReview.reason,
            VoteReview.words, VoteReview.votes_count, _name(User), VoteReview.undoes_id,
        )
        .outerjoin(User, User.id == VoteReview.actor_id)
        .where(VoteReview.contest_id == contest_id, *stretch.holds(VoteReview.decided_at))
    )  # fmt: skip


def list_appeals(contest_id: int, stretch: Stretch) -> Iterator[Row]:
    answerer = aliased(User)
    return read_in_pieces(
        Appeal.id,
        select(
            Appeal.id, Appeal.created_at, Appeal.entry_id, Appeal.words, Appeal.outcome, Appeal.answer,
            Appeal.answered_at, _name(answerer),
        )
        .outerjoin(answerer, answerer.id == Appeal.answered_by_id)
        .where(Appeal.contest_id == contest_id, *stretch.holds(Appeal.created_at))
    )  # fmt: skip


def list_contests(_contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        Contest.id,
        select(
            Contest.id, Contest.slug, Contest.title, Contest.prize_text, Contest.time_zone, Contest.is_published,
            Contest.frozen_at, Contest.created_at,
        )
        .where(*stretch.holds(Contest.created_at))
    )  # fmt: skip


def list_decisions(_contest_id: int, stretch: Stretch) -> Iterator[Row]:
    """Both logs of the desk, each as it was written, in one order by time."""
    parts = [
        map(read_decision, read_in_pieces(log.id, statement.where(*stretch.holds(log.decided_at))))
        for log, statement in LOGS
    ]
    return (
        (
            line.decided_at, line.actor_name, line.action, line.subject_kind, line.subject_id, line.part, line.reason,
            line.words,
        )
        for line in heapq.merge(*parts, key=attrgetter("decided_at"))
    )  # fmt: skip


def list_domains(_contest_id: int, stretch: Stretch) -> Iterator[Row]:
    return read_in_pieces(
        MailDomain.id,
        select(
            MailDomain.domain, MailDomain.verdict, MailDomain.reason, _name(User), MailDomain.added_at,
            MailDomain.ends_at,
        )
        .outerjoin(User, User.id == MailDomain.actor_id)
        .where(*stretch.holds(MailDomain.added_at))
    )  # fmt: skip


def _name(person: Any) -> ColumnElement[str]:
    return func.coalesce(person.name, "")
