"""Uploads that were no film are kept for a month and then thrown away; nothing else goes."""

import secrets
import threading
from datetime import timedelta

from quilt.audit.files import check_files
from quilt.database import db
from quilt.jobs.queue import Job
from quilt.media.models import Video
from quilt.media.refused import KEPT
from quilt.media.storage import originals_of
from quilt.media.tasks import clear_refused_files, process_video
from tests.conftest import NOW
from tests.media.conftest import QUICK_H264
from tests.media.test_service import job, read, receive, room  # noqa: F401
from tests.waiting import wait_for_a_lock

NO_FILM = b"this is a text about a holiday"


def clear(settings, now):
    clear_refused_files(Job(settings, lambda: now, secrets.token_bytes))
    db.session.expire_all()


def test_after_thirty_days_the_file_is_gone_and_the_reason_stays(app, room):  # noqa: F811
    video = read(receive(room, NO_FILM))
    key, originals, video_id = video.original_key, originals_of(room), video.id
    assert video.state == "refused" and video.refused_at == NOW and originals.exists(key)
    clear(room, NOW + KEPT - timedelta(seconds=1))
    assert originals.exists(key) and read(video_id).original_key == key
    clear(room, NOW + KEPT)
    assert not originals.exists(key)
    gone = read(video_id)
    assert (gone.original_key, gone.state) == (
        "",
        "refused",
    ) and "This is not a film" in gone.message
    clear(room, NOW + 2 * KEPT)
    assert [check.differences for check in check_files(room, NOW + KEPT)] == [(), ()]


def test_what_the_worker_refuses_counts_from_then(app, job, room, films):  # noqa: F811
    blink = films("blink.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=0.3", *QUICK_H264)
    video_id = receive(room, blink)
    later = NOW + timedelta(days=9)
    process_video(Job(room, lambda: later, secrets.token_bytes), video_id)
    video = read(video_id)
    assert video.state == "refused" and video.refused_at == later
    clear(room, NOW + KEPT)
    assert originals_of(room).exists(video.original_key)
    clear(room, later + KEPT)
    assert list(originals_of(room).list_keys()) == []


def test_a_film_that_is_started_again_at_that_moment_stays(app, room):  # noqa: F811
    video = read(receive(room, NO_FILM))
    key = video.original_key
    db.session.rollback()

    def clear_now():
        with app.app_context():
            clear(room, NOW + KEPT)

    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as other:
        other.execute(Video.__table__.update().values(state="queued"))
        clearing = threading.Thread(target=clear_now)
        clearing.start()
        wait_for_a_lock(clearing)
        other.commit()
    clearing.join(30)
    assert originals_of(room).exists(key) and read(video.id).original_key == key


def test_films_that_were_taken_stay(app, room):  # noqa: F811
    video = read(receive(room, NO_FILM))
    for state in ("queued", "processing", "ready", "parked"):
        db.session.execute(Video.__table__.update().values(state=state))
        db.session.commit()
        clear(room, NOW + 3 * KEPT)
        assert originals_of(room).exists(video.original_key), state


def test_a_file_that_is_gone_already_is_no_error(app, room):  # noqa: F811
    video_id = receive(room, NO_FILM)
    originals_of(room).delete(read(video_id).original_key)
    clear(room, NOW + KEPT)
    assert read(video_id).original_key == ""
