"""Uploads that could not be used: kept for a while, so that somebody can ask what was wrong, then thrown away."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select

from quilt.config import Settings
from quilt.database import db, transaction
from quilt.media.models import Video
from quilt.media.storage import Storage, originals_of

KEPT = timedelta(days=30)


def clear_refused(settings: Settings, now: datetime) -> int:
    """Delete the files that were refused thirty days ago or earlier; returns how many. The rows stay and say why.

    Files go first: whoever is interrupted does it again, and a file that is gone already is no error.
    """
    old = db.session.scalars(select(Video.id).where(_is_due(now))).all()
    originals = originals_of(settings)
    return sum(_clear(video_id, originals, now) for video_id in old)


def _clear(video_id: int, originals: Storage, now: datetime) -> bool:
    with transaction() as session:
        due = select(Video).where(Video.id == video_id, _is_due(now))
        video = session.scalars(due.with_for_update()).first()  # a moderator may have started it again
        if video is None:
            return False
        originals.delete(video.original_key)
        video.original_key = ""
        return True


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(Video.state == "refused", Video.original_key != "", Video.refused_at <= now - KEPT)
