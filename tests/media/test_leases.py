"""The row is the truth: who may work on a video, and what becomes of it."""

import threading
from datetime import timedelta

import pytest
from flask import Flask

from quilt.database import db
from quilt.media.leases import (
    BACKOFF,
    LEASE,
    MOST_ATTEMPTS,
    OURS,
    LeaseLost,
    Produced,
    claim_video,
    fail_video,
    finish_video,
    refuse_video,
    report_progress,
    return_video,
    take_up_lost,
)
from quilt.media.models import Video
from tests.conftest import NOW
from tests.factories import make_user, make_video

SECOND = timedelta(seconds=1)


@pytest.fixture
def video(app: Flask) -> Video:
    return make_video(make_user(), kind="file", state="queued", progress=0, original_key="x", external_id="")


def read(video: Video) -> Video:
    return db.session.get_one(Video, video.id, populate_existing=True)


def test_only_one_gets_it(video):
    assert claim_video(video.id, NOW) is not None
    assert claim_video(video.id, NOW + LEASE) is None
    assert (read(video).state, read(video).attempts_count) == ("processing", 1)


def test_a_silent_worker_loses_it_and_is_fenced_off(video):
    first = claim_video(video.id, NOW)
    second = claim_video(video.id, NOW + LEASE + SECOND)
    assert second is not None and second.attempt == 2
    for late in (
        lambda: report_progress(first, 50, NOW),
        lambda: refuse_video(first, "no", NOW),
        lambda: fail_video(first, "no", NOW),
        lambda: finish_video(first, Produced("a", "b", "c", 1.0, 2, 2), NOW),
    ):
        with pytest.raises(LeaseLost):
            late()
    report_progress(second, 50, NOW + LEASE + SECOND)
    assert read(video).progress == 50


def test_progress_is_a_heartbeat(video):
    claim = claim_video(video.id, NOW)
    report_progress(claim, 10, NOW + LEASE)
    assert take_up_lost(NOW + LEASE + SECOND) == []
    assert take_up_lost(NOW + 2 * LEASE + SECOND) == [video.id]


def test_the_sweep_finds_what_the_queue_forgot_and_tells_it_once_a_minute(video):
    assert take_up_lost(NOW) == [video.id]
    assert take_up_lost(NOW + SECOND) == []
    assert take_up_lost(NOW + timedelta(seconds=61)) == [video.id]


def test_three_failures_park_it_with_a_reason_and_others_go_on(video):
    other = make_video(make_user(), kind="file", state="queued", original_key="y", external_id="")
    at = NOW
    for attempt in range(1, MOST_ATTEMPTS + 1):
        claim = claim_video(video.id, at)
        assert claim is not None and claim.attempt == attempt
        fail_video(claim, "We could not process this file.", at)
        at += BACKOFF * 10
    assert (read(video).state, read(video).message) == ("parked", "We could not process this file.")
    assert claim_video(video.id, at) is None
    assert take_up_lost(at) == [other.id]
    assert claim_video(other.id, at) is not None


def test_workers_that_die_three_times_park_it_too(video):
    at = NOW
    for _ in range(MOST_ATTEMPTS):
        assert claim_video(video.id, at) is not None
        at += LEASE + SECOND
    assert take_up_lost(at) == []
    assert (read(video).state, read(video).message) == ("parked", OURS)


def test_a_worker_that_goes_home_spends_no_try(video):
    return_video(claim_video(video.id, NOW), NOW)
    assert (read(video).state, read(video).attempts_count) == ("queued", 0)
    assert take_up_lost(NOW) == [video.id]


def test_failures_wait_longer_each_time(video):
    fail_video(claim_video(video.id, NOW), "no", NOW)
    assert take_up_lost(NOW + BACKOFF - SECOND) == []
    assert take_up_lost(NOW + BACKOFF) == [video.id]


def test_a_sweep_never_undoes_a_claim(app, video):
    """Many sweeps and claims at once: whoever got it keeps it, once."""
    db.session.rollback()
    gate = threading.Barrier(8)
    claims = []

    def meet(number):
        gate.wait()
        with app.app_context():
            for _ in range(15):
                if number % 2:
                    take_up_lost(NOW)
                else:
                    claims.append(claim_video(video_id, NOW))

    video_id = video.id
    people = [threading.Thread(target=meet, args=(number,)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    assert len(claims) == 60 and sum(claim is not None for claim in claims) == 1
    assert (read(video).state, read(video).attempts_count) == ("processing", 1)
