"""Taking videos in: an uploaded file, or a link."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from quilt.database import transaction
from quilt.media.leases import HINT_PAUSE
from quilt.media.linked import ID_LENGTH, external_id_of
from quilt.media.links import NoVideoInLink, parse_link
from quilt.media.models import Video
from quilt.media.rules import MediaRefused
from quilt.media.signature import container_of
from quilt.media.storage import OWN_BYTES, Storage, make_key
from quilt.media.tasks import fetch_link_facts, process_video

Attach = Callable[[Session, Video], None]


def _stay_alone(_session: Session, _video: Video) -> None:
    """A video that belongs to no draft yet."""


def receive_file(
    owner_id: int,
    path: Path,
    file_name: str,
    originals: Storage,
    now: datetime,
    entropy: Callable[[int], bytes],
    poster_second: float = 1.0,
    *,
    attach: Attach = _stay_alone,
) -> int:
    """Take over the file at `path`, which has been received whole; returns the id of its Video.

    What its first bytes already show to be no video is refused at once: the row's state and message say so.
    The bytes are kept in both cases, of a refused file for thirty days (`refused.py`). `attach` gives the new
    video its place in the same transaction. What it raises is passed on, as is what the database raises, and then
    neither row nor file stays.
    """
    refusal = _first_look(path)
    byte_count = path.stat().st_size
    key = make_key(path, "upload", entropy(OWN_BYTES))
    originals.save(key, path)
    video = Video(
        owner_id=owner_id,
        kind="file",
        state="refused" if refusal else "queued",
        message=refusal[:300],
        file_name=tidy_file_name(file_name),
        byte_count=byte_count,
        original_key=key,
        poster_second=poster_second,
        lease_until=None if refusal else now + HINT_PAUSE,
        refused_at=now if refusal else None,
        created_at=now,
    )
    try:
        with transaction() as session:
            session.add(video)
            session.flush()
            attach(session, video)
            video_id = video.id
    except Exception:
        originals.delete(key)
        raise
    if not refusal:
        process_video.later(video_id)
    return video_id


def link_video(owner_id: int, address: str, now: datetime, *, attach: Attach = _stay_alone) -> int:
    """Take a video at YouTube or Vimeo by its address; returns the id of its Video.

    Raises LinkRefused, and what `attach` raises, which gives the video its place in the same transaction.
    """
    linked = parse_link(address)
    external_id = external_id_of(linked)
    if len(external_id) > ID_LENGTH:
        raise NoVideoInLink
    video = Video(
        owner_id=owner_id,
        kind=linked.provider,
        state="ready",
        progress=100,
        external_id=external_id,
        created_at=now,
        ready_at=now,
    )
    with transaction() as session:
        session.add(video)
        session.flush()
        attach(session, video)
        video_id = video.id
    fetch_link_facts.later(video_id)
    return video_id


def tidy_file_name(name: str) -> str:
    """A file's own name as it is shown to its owner: no folders, no hidden characters, 200 at most."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:200] or "video"


def _first_look(path: Path) -> str:
    try:
        container_of(path)
    except MediaRefused as refused:
        return refused.message
    return ""
