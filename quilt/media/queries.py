"""Reading videos."""

from sqlalchemy import func, select

from quilt.database import db
from quilt.media.models import Video


def find_video(video_id: int | None) -> Video | None:
    """A video by its id, as it stands now."""
    return None if video_id is None else db.session.get(Video, video_id, populate_existing=True)


def count_in_work() -> dict[str, int]:
    """How many uploaded files stand in each state that is not an end."""
    statement = (
        select(Video.state, func.count())
        .where(Video.kind == "file", Video.state.in_(("queued", "processing", "parked")))
        .group_by(Video.state)
    )
    return {state: count for state, count in db.session.execute(statement)}
