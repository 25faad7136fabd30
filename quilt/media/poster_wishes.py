"""A poster at another second: the row says which one is wanted and which one it has, the queue is only a hint.

A wish is told to the queue again each `HINT_PAUSE`. Where every try failed, the poster stays what it was until somebody
asks anew.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.sql import ColumnElement

from quilt.database import db, transaction
from quilt.media.leases import HINT_PAUSE, MOST_ATTEMPTS
from quilt.media.models import Video


@dataclass(frozen=True)
class Wish:
    """One try at the poster of a film that plays; its key is one of the media storage."""

    video_id: int
    second: float
    video_key: str


def wish_poster(video: Video, second: float, now: datetime) -> bool:
    """Write into the row, which the caller has locked, where its poster shall be cut; whether that makes work."""
    is_there = video.cut_second == second
    if video.poster_second == second and (is_there or video.attempts_count < MOST_ATTEMPTS):
        return False
    video.poster_second, video.attempts_count = second, 0
    video.lease_until = None if is_there else now + HINT_PAUSE
    return not is_there


def claim_wish(video_id: int, now: datetime) -> Wish | None:
    """Begin a try at the poster that is wanted; None where it is there already, or was given up."""
    statement = (
        update(Video)
        .where(Video.id == video_id, _is_wished())
        .values(attempts_count=Video.attempts_count + 1, lease_until=now + HINT_PAUSE)
        .returning(Video.poster_second, Video.video_key)
    )
    with transaction() as session:
        row = session.execute(statement).first()
    return None if row is None else Wish(video_id, *row)


def fulfil_wish(wish: Wish, poster_key: str, thumbnail_key: str) -> tuple[str, str]:
    """Give the film these pictures; returns the keys of those that nobody needs now.

    They are these two themselves where another second is wanted by now, or another worker was faster.
    """
    with transaction() as session:
        video = session.get_one(Video, wish.video_id, with_for_update=True, populate_existing=True)
        if video.state != "ready" or video.poster_second != wish.second or video.cut_second == wish.second:
            return poster_key, thumbnail_key
        replaced = video.poster_key, video.thumbnail_key
        video.poster_key, video.thumbnail_key = poster_key, thumbnail_key
        video.cut_second, video.lease_until = wish.second, None
        return replaced


def take_up_wishes(now: datetime) -> list[int]:
    """The ids of the films whose wish the queue should hear of (again)."""
    due = and_(_is_wished(), or_(Video.lease_until.is_(None), Video.lease_until <= now))
    waiting = db.session.scalars(select(Video.id).where(due)).all()  # nearly always none: no need to write
    if not waiting:
        return []
    with transaction() as session:
        told = session.scalars(
            update(Video)
            .where(Video.id.in_(waiting), due)
            .values(lease_until=now + HINT_PAUSE)
            .returning(Video.id)
        )
        return sorted(told)


def _is_wished() -> ColumnElement[bool]:
    return and_(
        Video.state == "ready",
        Video.kind == "file",
        Video.video_key != "",
        Video.cut_second.is_distinct_from(Video.poster_second),
        Video.attempts_count < MOST_ATTEMPTS,
    )
