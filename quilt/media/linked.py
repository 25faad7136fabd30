"""Videos that live at YouTube or Vimeo: where to play them, and what their provider says of them."""

import structlog

from quilt.database import db, transaction
from quilt.jobs.queue import Job
from quilt.media.links import LinkedVideo, parse_link
from quilt.media.models import Video
from quilt.media.oembed import fetch_oembed, fetch_picture
from quilt.media.pictures import save_stills
from quilt.media.rules import MediaRefused
from quilt.media.sandbox import private_folder
from quilt.media.storage import Storage, new_key

log = structlog.get_logger("quilt.media")

KINDS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}
PROVIDER_NAMES = {"youtube": "YouTube", "vimeo": "Vimeo"}
ID_LENGTH = 40
POSTER_SIDE, THUMBNAIL_SIDE = 1280, 640


def find_linked(kind: str, external_id: str) -> LinkedVideo | None:
    """Addresses of a linked video by what its row holds; None for our own files."""
    return parse_link(KINDS[kind] + external_id) if kind in KINDS else None


def external_id_of(linked: LinkedVideo) -> str:
    """What is stored of a link: the id, with the secret of an unlisted Vimeo video behind a slash."""
    return linked.watch_url.removeprefix(KINDS[linked.provider])


def learn_facts(job: Job, video_id: int) -> None:
    """Ask the provider for title and picture, where that is allowed and the network answers."""
    video = db.session.get(Video, video_id, populate_existing=True)
    linked = find_linked(video.kind, video.external_id) if video is not None else None
    db.session.rollback()
    if linked is None or not job.settings.oembed_on:
        return
    facts = fetch_oembed(linked)
    if facts is None:
        return
    poster_key, thumbnail_key = _keep_picture(job, fetch_picture(facts))
    with transaction() as session:
        fresh = session.get_one(Video, video_id)
        fresh.external_title = facts.title
        fresh.poster_key, fresh.thumbnail_key = poster_key, thumbnail_key


def _keep_picture(job: Job, picture: bytes | None) -> tuple[str, str]:
    """The keys of poster and thumbnail, or two empty ones: the cause's patch stands in then."""
    if picture is None:
        return "", ""
    job.settings.media.mkdir(parents=True, exist_ok=True)
    with private_folder(job.settings.media) as folder:
        poster, thumbnail = folder / "poster.jpg", folder / "thumbnail.jpg"
        try:
            save_stills(picture, [(poster, POSTER_SIDE), (thumbnail, THUMBNAIL_SIDE)])
        except MediaRefused as refused:
            log.info("picture_refused", reason=refused.code)
            return "", ""
        keys = new_key("jpg", job.entropy), new_key("jpg", job.entropy)
        for key, path in zip(keys, (poster, thumbnail), strict=True):
            Storage(job.settings.media).save(key, path)
    return keys
