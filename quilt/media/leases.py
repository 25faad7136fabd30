"""Who works on a video, since when, and how often it was tried: every change of a video's state in the worker.

A claim counts as a try and holds for `LEASE`; each report of progress prolongs it. The number of the try
fences off a worker that was thought dead: whatever it still reports finds no row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, update
from sqlalchemy.sql import ColumnElement

from quilt.database import transaction
from quilt.media.models import Video

LEASE = timedelta(seconds=90)  # longer than looking into a file may take, during which nothing is reported
HINT_PAUSE = timedelta(seconds=60)  # how long a waiting video is left alone after the queue was told of it
BACKOFF = timedelta(seconds=20)
MOST_ATTEMPTS = 3

OURS = (
    "Something failed on our side, three times. Your file is safe and we have been told; "
    "we will start it again, and you need not do anything."
)


class LeaseLost(Exception):
    """Somebody else works on this video by now."""


@dataclass(frozen=True)
class Claim:
    """One try at one video."""

    video_id: int
    attempt: int
    original_key: str
    poster_second: float


@dataclass(frozen=True)
class Produced:
    """What came out of a try: keys in the media storage, seconds, pixels."""

    video_key: str
    poster_key: str
    thumbnail_key: str
    duration_seconds: float
    width: int
    height: int


def claim_video(video_id: int, now: datetime) -> Claim | None:
    """Take a waiting video, or one whose worker fell silent; None where somebody else has it or it is done."""
    statement = (
        update(Video)
        .where(Video.id == video_id, _is_free(now), Video.attempts_count < MOST_ATTEMPTS)
        .values(
            state="processing",
            progress=0,
            message="",
            attempts_count=Video.attempts_count + 1,
            lease_until=now + LEASE,
        )
        .returning(Video.attempts_count, Video.original_key, Video.poster_second)
    )
    with transaction() as session:
        row = session.execute(statement).first()
    return None if row is None else Claim(video_id, *row)


def report_progress(claim: Claim, percent: int, now: datetime) -> None:
    """Store how far it is and prolong the lease. Raises LeaseLost."""
    _change(claim, progress=max(0, min(99, percent)), lease_until=now + LEASE)


def finish_video(claim: Claim, produced: Produced, now: datetime) -> None:
    """The video plays. Raises LeaseLost."""
    _change(
        claim,
        state="ready",
        progress=100,
        lease_until=None,
        ready_at=now,
        video_key=produced.video_key,
        poster_key=produced.poster_key,
        thumbnail_key=produced.thumbnail_key,
        cut_second=claim.poster_second,
        duration_seconds=produced.duration_seconds,
        width=produced.width,
        height=produced.height,
    )


def refuse_video(claim: Claim, message: str, now: datetime) -> None:
    """The file itself is the reason, and says so to the entrant. Raises LeaseLost."""
    _change(claim, state="refused", lease_until=None, message=message[:300], refused_at=now)


def fail_video(claim: Claim, message: str, now: datetime) -> None:
    """A try failed: wait and try again, or park it with `message` after the last one. Raises LeaseLost."""
    if claim.attempt >= MOST_ATTEMPTS:
        _change(claim, state="parked", lease_until=None, message=message[:300])
    else:
        _change(claim, state="queued", progress=0, lease_until=now + BACKOFF * 2 ** (claim.attempt - 1))


def return_video(claim: Claim, now: datetime) -> None:
    """The worker goes home: the try does not count, and the next sweep tells another. Raises LeaseLost."""
    _change(claim, state="queued", progress=0, lease_until=now, attempts_count=claim.attempt - 1)


def take_up_lost(now: datetime) -> list[int]:
    """The ids that the queue should hear of (again): lost hints, silent workers, tries that are due.

    A video whose last try fell silent is parked.
    """
    silent = and_(Video.state == "processing", Video.lease_until < now)
    untold = and_(Video.state == "queued", or_(Video.lease_until.is_(None), Video.lease_until <= now))
    with transaction() as session:
        session.execute(
            update(Video)
            .where(silent, Video.attempts_count >= MOST_ATTEMPTS)
            .values(state="parked", lease_until=None, message=OURS)
        )
        # One statement that looks and changes: a claim in between must not be undone.
        told = session.scalars(
            update(Video)
            .where(or_(silent, untold))
            .values(state="queued", progress=0, lease_until=now + HINT_PAUSE)
            .returning(Video.id)
        )
        return sorted(told)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(Video.state == "queued", and_(Video.state == "processing", Video.lease_until < now))


def _change(claim: Claim, **values: object) -> None:
    statement = update(Video).where(
        Video.id == claim.video_id, Video.state == "processing", Video.attempts_count == claim.attempt
    )
    with transaction() as session:
        if session.execute(statement.values(**values)).rowcount == 0:  # type: ignore[attr-defined]
            raise LeaseLost(claim.video_id)
