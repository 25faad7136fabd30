"""Votes as they are shown where the policy shows them by the hour or the day: as they stood at that moment."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from quilt.contests.changes import make_pages_fresh
from quilt.contests.models import BallotPolicy, Contest, Phase
from quilt.database import db, write
from quilt.votes.casting_models import ShownTally
from quilt.votes.models import EntryTally
from quilt.votes.periods import find_day_start


def shown_votes() -> ColumnElement[Any]:
    """For a SELECT with an outer join of `shown_tally`: the votes of an entry that everybody may see."""
    return func.coalesce(ShownTally.votes, EntryTally.standing, 0)


def refresh_shown(now: datetime) -> int:
    """Take the counts anew in every contest whose hour or day is over; returns in how many.

    Entries that are new begin with what they have. When voting is over the kept counts go: the true ones show.
    """
    count = 0
    for contest_id, zone, counts, closes_at in _list_contests():
        if now >= closes_at:
            count += write(_let_go, contest_id)
        else:
            count += write(_take, contest_id, find_moment(counts, zone, now), now)
    return count


def find_moment(counts: str, zone: str, now: datetime) -> datetime:
    """The last full hour, or the last midnight, on the contest's clocks."""
    local = now.astimezone(ZoneInfo(zone))
    if counts == "day":
        return find_day_start(local.date(), ZoneInfo(zone))
    return now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _list_contests() -> list[Any]:
    statement = (
        select(Contest.id, Contest.time_zone, BallotPolicy.counts, func.max(Phase.ends_at).label("closes_at"))
        .join(BallotPolicy, BallotPolicy.contest_id == Contest.id)
        .join(Phase, Phase.contest_id == Contest.id)
        .where(Contest.is_published, BallotPolicy.counts.in_(("hour", "day")), Phase.may_vote)
        .group_by(Contest.id, Contest.time_zone, BallotPolicy.counts)
    )
    rows = list(db.session.execute(statement))
    db.session.rollback()
    return rows


def _take(connection: Connection, contest_id: int, moment: datetime, now: datetime) -> int:
    kept = select(ShownTally.entry_id, ShownTally.counted_at).where(ShownTally.contest_id == contest_id)
    known = {row.entry_id: row.counted_at for row in connection.execute(kept)}
    tallies = connection.execute(
        select(EntryTally.entry_id, EntryTally.standing).where(EntryTally.contest_id == contest_id)
    ).all()
    fresh = [
        {"entry_id": row.entry_id, "contest_id": contest_id, "votes": row.standing, "counted_at": now}
        for row in tallies
        if row.entry_id not in known or known[row.entry_id] < moment
    ]
    if not fresh:
        return 0
    connection.execute(delete(ShownTally).where(ShownTally.entry_id.in_([row["entry_id"] for row in fresh])))
    connection.execute(insert(ShownTally), fresh)
    make_pages_fresh(connection, contest_id)
    return 1


def _let_go(connection: Connection, contest_id: int) -> int:
    gone = connection.execute(delete(ShownTally).where(ShownTally.contest_id == contest_id)).rowcount
    if gone:
        make_pages_fresh(connection, contest_id)
    return int(bool(gone))
