"""What the provider of a linked video says of it: its title and its picture."""

import structlog

from quilt.database import db, transaction
from quilt.jobs.queue import Job
from quilt.media.linked import find_linked
from quilt.media.models import Video
from quilt.media.oembed import fetch_oembed, fetch_picture
from quilt.media.pictures import save_stills
from quilt.media.rules import POSTER_SIDE, THUMBNAIL_SIDE, MediaRefused
from quilt.media.sandbox import private_folder
from quilt.media.storage import OWN_BYTES, make_key, results_of

log = structlog.get_logger("quilt.media")


def learn_facts(job: Job, video_id: int) -> None:
    """Ask the provider for title and picture, where that is allowed and the network answers."""
    video = db.session.get(Video, video_id, populate_existing=True)
    linked = find_linked(video.kind, video.external_id) if video is not None else None
    db.session.rollback()
    if linked is None or not job.settings.oembed_on:
        return
    facts = fetch_oembed(linked)
    if facts is not None:
        keep_facts(job, video_id, facts.title, fetch_picture(facts))


def keep_facts(job: Job, video_id: int, title: str, picture: bytes | None) -> None:
    """Store title and picture of a linked video; a picture that it had before goes, unless no new one came."""
    keys = _keep_picture(job, picture)
    with transaction() as session:
        video = session.get_one(Video, video_id, with_for_update=True)
        video.external_title = title
        replaced: tuple[str, ...] = ()
        if keys is not None:
            replaced = video.poster_key, video.thumbnail_key
            video.poster_key, video.thumbnail_key = keys
    results_of(job.settings).delete_all(replaced)


def _keep_picture(job: Job, picture: bytes | None) -> tuple[str, str] | None:
    """The keys of poster and thumbnail; None where there is no picture: the cause's patch stands in then."""
    if picture is None:
        return None
    job.settings.media.mkdir(parents=True, exist_ok=True)
    with private_folder(job.settings.media) as folder:
        poster, thumbnail = folder / "poster.jpg", folder / "thumbnail.jpg"
        try:
            save_stills(picture, [(poster, POSTER_SIDE), (thumbnail, THUMBNAIL_SIDE)])
        except MediaRefused as refused:
            log.info("picture_refused", reason=refused.code)
            return None
        keys = (
            make_key(poster, "jpg", job.entropy(OWN_BYTES)),
            make_key(thumbnail, "jpg", job.entropy(OWN_BYTES)),
        )
        results_of(job.settings).save_all(dict(zip(keys, (poster, thumbnail), strict=True)))
    return keys
