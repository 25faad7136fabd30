"""From an uploaded file to something that plays: looked into, transcoded, posters cut, put into the storage."""

import shutil
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from quilt.config import Settings
from quilt.jobs.queue import Job
from quilt.media.leases import (
    OURS,
    Claim,
    LeaseLost,
    Produced,
    fail_video,
    finish_video,
    refuse_video,
    report_progress,
    return_video,
)
from quilt.media.poster_wishes import Wish, fulfil_wish
from quilt.media.probe import probe_video
from quilt.media.rules import POSTER_SIDE, THUMBNAIL_SIDE, CannotProcess, MediaRefused, VideoLimits
from quilt.media.sandbox import private_folder
from quilt.media.storage import OWN_BYTES, make_key, originals_of, results_of
from quilt.media.transcode import cut_posters, transcode_video

log = structlog.get_logger("quilt.media")

REPORT_PAUSE = timedelta(seconds=1)
LEFTOVER_AGE = timedelta(days=1)
PROBED, TRANSCODED = 4, 94  # percent of the whole that these two steps end at


class Stopping(Exception):
    """The worker is asked to go home."""


def clear_leftovers(settings: Settings, now: datetime) -> int:
    """Remove half uploads and workshops that nobody touched for a day; returns how many."""
    old = [
        path
        for path in (*settings.uploads.glob("parts/*"), *settings.media.glob(".job-*"))
        if now.timestamp() - path.stat().st_mtime > LEFTOVER_AGE.total_seconds()
    ]
    for path in old:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return len(old)


def process(job: Job, claim: Claim) -> None:
    """Do everything for one claimed video and store how it ended; whatever goes wrong goes into its row.

    Where another worker has it by now, nothing is stored.
    """
    try:
        _try(job, claim)
    except LeaseLost:
        log.warning("lease_lost", video_id=claim.video_id, attempt=claim.attempt)


def cut_new_poster(job: Job, wish: Wish) -> None:
    """Take poster and thumbnail of a film that plays from another second; another wish meanwhile wins.

    Raises CannotProcess.
    """
    storage = results_of(job.settings)
    with _workshop(job.settings) as folder:
        stills = _cut_posters(job, storage.path(wish.video_key), wish.second, folder)
        storage.save_all(stills)
    storage.delete_all(fulfil_wish(wish, *stills))


def _try(job: Job, claim: Claim) -> None:
    try:
        _prepare(job, claim)
    except LeaseLost:
        raise
    except Stopping:
        log.info("video_put_back", video_id=claim.video_id)
        return_video(claim, job.now())
    except CannotProcess as failure:
        log.warning(
            "video_not_processed",
            video_id=claim.video_id,
            attempt=claim.attempt,
            cause=str(failure.__cause__),
        )
        fail_video(claim, failure.message, job.now())
    except MediaRefused as refusal:
        log.info("video_refused", video_id=claim.video_id, reason=refusal.code)
        refuse_video(claim, refusal.message, job.now())
    except Exception:
        log.exception("video_failed", video_id=claim.video_id, attempt=claim.attempt)
        fail_video(claim, OURS, job.now())


def _prepare(job: Job, claim: Claim) -> None:
    settings = job.settings
    source = originals_of(settings).path(claim.original_key)
    probe = probe_video(source, VideoLimits(max_duration_s=settings.max_video_seconds))
    tell = _Reporter(job, claim)
    tell(PROBED)
    with _workshop(settings) as folder:
        made = folder / "video.mp4"
        transcoded = transcode_video(
            source,
            made,
            probe,
            max_duration_s=settings.max_video_seconds,
            on_progress=lambda percent: tell(PROBED + percent * (TRANSCODED - PROBED) // 100),
        )
        stills = _cut_posters(job, made, claim.poster_second, folder)
        video_key = make_key(made, "mp4", job.entropy(OWN_BYTES))
        report_progress(claim, 99, job.now())  # still ours? then the results may be put in their place
        results_of(settings).save_all({**stills, video_key: made})
    poster_key, thumbnail_key = stills
    produced = Produced(
        video_key, poster_key, thumbnail_key, transcoded.duration_s, transcoded.width, transcoded.height
    )
    try:
        finish_video(claim, produced, job.now())
    except LeaseLost:  # after any other failure the row may have them all the same
        results_of(settings).delete_all([video_key, *stills])
        raise


def _cut_posters(job: Job, video: Path, second: float, folder: Path) -> dict[str, Path]:
    """Poster and thumbnail, in this order: the keys they shall have, and where they lie in `folder`."""
    poster, thumbnail = folder / "poster.jpg", folder / "thumbnail.jpg"
    cut_posters(video, second, [(poster, POSTER_SIDE), (thumbnail, THUMBNAIL_SIDE)])
    return {make_key(still, "jpg", job.entropy(OWN_BYTES)): still for still in (poster, thumbnail)}


def _workshop(settings: Settings) -> AbstractContextManager[Path]:
    settings.media.mkdir(parents=True, exist_ok=True)
    return private_folder(settings.media)


class _Reporter:
    """Stores progress at most once a second, and ends the work when the worker goes home."""

    def __init__(self, job: Job, claim: Claim) -> None:
        self._job, self._claim = job, claim
        self._reported_at: datetime | None = None

    def __call__(self, percent: int) -> None:
        if self._job.is_stopping():
            raise Stopping
        now = self._job.now()
        if self._reported_at is None or now - self._reported_at >= REPORT_PAUSE:
            self._reported_at = now
            report_progress(self._claim, percent, now)
