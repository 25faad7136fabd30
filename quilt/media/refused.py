"""Uploads that could not be used: kept for a while, so that somebody can ask what was wrong, then thrown away."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from quilt.config import Settings
from quilt.database import db, transaction
from quilt.media.models import Video
from quilt.media.storage import originals_of

KEPT = timedelta(days=30)


def clear_refused(settings: Settings, now: datetime) -> int:
    """Delete the files that were refused thirty days ago or earlier; returns how many. The rows stay and say why.

    Files go first: whoever is interrupted does it again, and a file that is gone already is no error.
    """
    old = db.session.execute(
        select(Video.id, Video.original_key).where(
            Video.state == "refused", Video.original_key != "", Video.refused_at <= now - KEPT
        )
    ).all()
    originals = originals_of(settings)
    for row in old:
        originals.delete(row.original_key)
    with transaction() as session:
        ids = [row.id for row in old]
        session.execute(update(Video).where(Video.id.in_(ids)).values(original_key=""))
    return len(old)
