"""A file goes in, a playable video comes out; a poison file is told apart, and a killed worker's work is done."""

import dataclasses
import hashlib
import io
import os
import secrets
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.exc import IntegrityError

from quilt.config import Settings
from quilt.database import db, transaction
from quilt.jobs.queue import Job, queue
from quilt.media.facts import keep_facts
from quilt.media.leases import HINT_PAUSE, MOST_ATTEMPTS, claim_video
from quilt.media.models import Video
from quilt.media.poster_wishes import claim_wish, wish_poster
from quilt.media.processing import clear_leftovers, cut_new_poster, process
from quilt.media.rules import CannotProcess
from quilt.media.service import link_video, receive_file, tidy_file_name
from quilt.media.storage import originals_of, parts_of, results_of
from quilt.media.tasks import fetch_link_facts, process_video, refresh_poster, sweep_videos
from tests.conftest import NOW
from tests.factories import make_user
from tests.media.conftest import QUICK_H264, SOUND

NOBODY = 999_999
WORKER = """
import secrets, sys, threading
from datetime import UTC, datetime
from pathlib import Path
from quilt.app import create_app
from quilt.config import Settings
from quilt.jobs.worker import run_worker
settings = Settings(environment="test", secret_key=sys.argv[3], data=Path(sys.argv[1]), database_url=sys.argv[2])
run_worker(create_app(settings), threading.Event(), lambda: datetime.now(UTC), secrets.token_bytes)
"""


@pytest.fixture
def room(app: Flask, settings: Settings, tmp_path: Path):
    """Settings with folders and a queue of this test's own."""
    own = dataclasses.replace(settings, data=tmp_path)
    queue.set_up(own)
    yield own
    queue.set_up(settings)


@pytest.fixture
def job(room: Settings) -> Job:
    return Job(room, lambda: NOW, secrets.token_bytes)


def receive(settings: Settings, content: bytes | Path, name: str = "holiday.mp4") -> int:
    part = parts_of(settings) / "part"
    part.write_bytes(content.read_bytes() if isinstance(content, Path) else content)
    return receive_file(make_user().id, part, name, originals_of(settings), NOW, secrets.token_bytes)


def read(video_id: int) -> Video:
    return db.session.get_one(Video, video_id, populate_existing=True)


def test_a_file_becomes_a_video_with_posters(job, room, good_mp4):
    video_id = receive(room, good_mp4)
    assert read(video_id).state == "queued"
    process_video(job, video_id)
    video = read(video_id)
    assert (video.state, video.progress, video.message) == ("ready", 100, "")
    assert video.duration_seconds == pytest.approx(2, abs=0.2)
    assert (video.width, video.height) == (320, 180)
    storage = results_of(room)
    sizes = [
        storage.path(key).stat().st_size for key in (video.video_key, video.poster_key, video.thumbnail_key)
    ]
    assert all(sizes), sizes
    assert not list(room.media.glob(".job-*"))
    assert originals_of(room).exists(video.original_key)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", id="zero-bytes"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "This is not a film", id="C13"),
        pytest.param(b"%PDF-1.7 and more", "This is not a film", id="C16-pdf"),
        pytest.param(b"\x7fELF" + bytes(100), "This is not a film", id="C16-elf"),
    ],
)
def test_what_is_no_video_is_refused_at_once(job, room, content, words):
    video_id = receive(room, content)
    assert read(video_id).state == "refused" and words in read(video_id).message
    assert queue.take() is None


@pytest.mark.parametrize("strangers_row", ["own", "another"])
def test_what_cannot_be_stored_leaves_no_file(room, good_mp4, strangers_row):
    """The row of the video itself fails as it is written, another one only as the transaction is committed."""
    owner_id = make_user().id
    part = parts_of(room) / "part"
    part.write_bytes(good_mp4.read_bytes())

    def attach(session, video):
        session.add(Video(owner_id=NOBODY, kind="file", state="queued", created_at=NOW))

    with pytest.raises(IntegrityError):
        receive_file(
            NOBODY if strangers_row == "own" else owner_id, part, "a.mp4", originals_of(room), NOW,
            secrets.token_bytes, attach=attach,
        )  # fmt: skip
    assert list(originals_of(room).list_keys()) == [] and db.session.query(Video).count() == 0


def test_what_only_a_second_look_shows_is_refused_and_others_go_on(job, room, films, good_mp4):
    still = films("short.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=0.1", *QUICK_H264)
    broken = good_mp4.read_bytes()[:40] + os.urandom(3000)
    refused = [receive(room, still), receive(room, broken)]
    fine = receive(room, good_mp4)
    for video_id in (*refused, fine):
        process_video(job, video_id)
    assert [read(video_id).state for video_id in (*refused, fine)] == ["refused", "refused", "ready"]
    assert "shorter than a second" in read(refused[0]).message


def test_a_lost_original_parks_the_video_after_three_tries(room, good_mp4):
    video_id = receive(room, good_mp4)
    originals_of(room).delete(read(video_id).original_key)
    for hour in range(4):
        at = NOW + timedelta(hours=hour)
        process_video(Job(room, lambda at=at: at, secrets.token_bytes), video_id)
    assert (read(video_id).state, read(video_id).attempts_count) == ("parked", 3)
    assert "on our side" in read(video_id).message


def test_the_poster_is_cut_anew_and_the_old_one_goes(job, room, good_mp4):
    video_id = receive(room, good_mp4)
    process_video(job, video_id)
    before = read(video_id)
    old = before.poster_key, before.thumbnail_key
    before.poster_second = 0.2
    db.session.commit()
    refresh_poster(job, video_id)
    after = read(video_id)
    assert after.poster_key not in old and results_of(room).exists(after.poster_key)
    assert not any(results_of(room).exists(key) for key in old)


@pytest.fixture
def ready_film(job, room, good_mp4):
    """The id of a film that plays, with an empty queue."""
    video_id = receive(room, good_mp4)
    process_video(job, video_id)
    while queue.take():
        continue
    return video_id


def wish(video_id, second, at=NOW):
    with transaction() as session:
        return wish_poster(session.get_one(Video, video_id), second, at)


def sweep_at(room, at):
    """What the queue hears of when workers sweep at this moment."""
    sweep_videos(Job(room, lambda: at, secrets.token_bytes))
    return list(iter(queue.take, None))


def test_a_poster_whose_hint_was_lost_is_cut_all_the_same(job, room, ready_film):
    assert sweep_at(room, NOW) == [] and read(ready_film).cut_second == 1.0
    assert wish(ready_film, 0.2)
    assert sweep_at(room, NOW) == [], "the queue was told just now"
    later = NOW + HINT_PAUSE
    assert sweep_at(room, later) == [(refresh_poster.name, (ready_film,))]
    assert sweep_at(room, later) == []
    before = read(ready_film).poster_key
    refresh_poster(job, ready_film)
    after = read(ready_film)
    assert after.poster_key != before and (after.cut_second, after.lease_until) == (0.2, None)
    assert sweep_at(room, later + HINT_PAUSE) == []


def test_a_doubled_hint_cuts_one_poster_and_leaves_no_file(job, room, ready_film):
    wish(ready_film, 0.2)
    first, second = claim_wish(ready_film, NOW), claim_wish(ready_film, NOW)
    for claimed in (first, second):
        cut_new_poster(job, claimed)
    assert claim_wish(ready_film, NOW) is None
    video = read(ready_film)
    assert set(results_of(room).list_keys()) == keys_of(video)


def test_the_earlier_second_again_is_no_work(ready_film):
    assert not wish(ready_film, 1.0)
    assert wish(ready_film, 0.2) and not wish(ready_film, 0.2)
    assert not wish(ready_film, 1.0) and claim_wish(ready_film, NOW) is None


def test_a_poster_that_cannot_be_cut_is_given_up_until_somebody_asks_again(job, room, ready_film):
    results_of(room).delete(read(ready_film).video_key)
    wish(ready_film, 0.2)
    before, at = read(ready_film).poster_key, NOW
    for _ in range(MOST_ATTEMPTS):
        at += HINT_PAUSE
        assert sweep_at(room, at) == [(refresh_poster.name, (ready_film,))]
        with pytest.raises(CannotProcess):
            refresh_poster(Job(room, lambda at=at: at, secrets.token_bytes), ready_film)
    assert sweep_at(room, at + HINT_PAUSE) == [] and read(ready_film).poster_key == before
    assert results_of(room).exists(before)
    assert wish(ready_film, 0.2, at) and claim_wish(ready_film, at) is not None


def test_a_worker_that_is_asked_to_stop_puts_the_video_back(room, good_mp4):
    video_id = receive(room, good_mp4)
    process_video(Job(room, lambda: NOW, secrets.token_bytes, lambda: True), video_id)
    assert (read(video_id).state, read(video_id).attempts_count) == ("queued", 0)
    assert not list(room.media.glob(".job-*"))


def test_a_link_is_ready_at_once_and_stays_so_without_a_network(job, app):
    video_id = link_video(make_user().id, "https://youtu.be/dQw4w9WgXcQ?si=x", NOW)
    fetch_link_facts(job, video_id)
    video = read(video_id)
    assert (video.kind, video.external_id, video.state) == ("youtube", "dQw4w9WgXcQ", "ready")


def test_leftovers_of_a_day_go(room):
    old, new = parts_of(room) / "old", parts_of(room) / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    (room.media / ".job-1").mkdir(parents=True)
    for path in (old, room.media / ".job-1"):
        os.utime(path, (NOW.timestamp() - 90_000,) * 2)
    os.utime(new, (NOW.timestamp(),) * 2)
    assert clear_leftovers(room, NOW) == 2
    assert new.exists() and not old.exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\fakepath\\a.mp4", "a.mp4"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nb\x00.mp4", "ab.mp4"),
        ("", "video"),
        ("x" * 300, "x" * 200),
    ],
)
def test_file_names(name, shown):
    assert tidy_file_name(name) == shown


def test_a_real_worker_goes_home_in_the_middle_of_a_video(room, database, films):
    """SIGTERM: it ends by itself within seconds, and the video waits for the next worker, no try spent."""
    film = films("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=8", *SOUND, *QUICK_H264)
    video_id = receive(room, film)
    db.session.rollback()
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(room.data), database, room.secret_key])
    try:
        deadline = time.monotonic() + 60
        while read(video_id).progress < 5 and time.monotonic() < deadline:
            db.session.rollback()
            time.sleep(0.05)
        worker.terminate()
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()
    db.session.rollback()
    assert (read(video_id).state, read(video_id).attempts_count) == ("queued", 0)


def test_killed_worker(room, database, films):
    """kill -9 of a real worker in the middle of a video: after the lease the sweep finds it, and it is finished."""
    film = films("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=8", *SOUND, *QUICK_H264)
    video_id = receive(room, film)
    db.session.rollback()
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(room.data), database, room.secret_key])
    try:
        deadline = time.monotonic() + 60
        while read(video_id).progress < 5 and time.monotonic() < deadline:
            db.session.rollback()
            time.sleep(0.05)
        assert read(video_id).state == "processing"
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    db.session.rollback()
    assert read(video_id).state == "processing", "killed in the middle"
    db.session.rollback()
    later = read(video_id).lease_until + timedelta(seconds=1)
    job = Job(room, lambda: later, secrets.token_bytes)
    while queue.take():
        continue
    sweep_videos(job)
    name, ids = queue.take()
    assert (name, ids) == (process_video.name, (video_id,))
    process_video(job, *ids)
    assert (read(video_id).state, read(video_id).attempts_count) == ("ready", 2)


def keys_of(video):
    return {video.video_key, video.poster_key, video.thumbnail_key} - {""}


def test_a_worker_that_was_overtaken_leaves_no_picture(room, good_mp4):
    """Another has the film by the time the pictures are cut."""
    video_id = receive(room, good_mp4)
    is_overtaken = False

    def now():
        nonlocal is_overtaken
        if not is_overtaken and list(room.media.rglob("*.jpg")):
            is_overtaken = True
            assert claim_video(video_id, NOW + timedelta(hours=1)).attempt == 2
        return NOW

    process_video(Job(room, now, secrets.token_bytes), video_id)
    assert is_overtaken and read(video_id).state == "processing"
    assert list(results_of(room).list_keys()) == []


def test_a_film_that_cannot_be_put_away_leaves_no_picture(room, good_mp4):
    video_id = receive(room, good_mp4)
    named = []

    def name(length):
        """The third name is the film's: where it would go, there is no folder."""
        named.append(bytes(length))
        if len(named) == 3:
            (film,) = room.media.glob(".job-*/video.mp4")
            (room.media / hashlib.sha256(film.read_bytes()).hexdigest()[:2]).write_text("no folder")
        return named[-1]

    process_video(Job(room, lambda: NOW, name), video_id)
    assert len(named) == 3 and read(video_id).state == "queued"
    assert list(results_of(room).list_keys()) == []


def test_facts_that_come_twice_leave_one_picture(job, room):
    video_id = link_video(make_user().id, "https://youtu.be/dQw4w9WgXcQ", NOW)
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), "red").save(picture, "JPEG")
    for title, content in (("One", picture.getvalue()), ("Two", picture.getvalue()), ("Three", None)):
        keep_facts(job, video_id, title, content)
        video = read(video_id)
        assert video.external_title == title and len(keys_of(video)) == 2
        assert set(results_of(room).list_keys()) == keys_of(video)


@pytest.mark.parametrize("ending", ["fails", "refused", "stopped"])
def test_what_a_worker_says_too_late_is_left_to_the_next(room, good_mp4, films, ending):
    short = films("short.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=0.1", *QUICK_H264)
    video_id = receive(room, short if ending == "refused" else good_mp4)
    late = claim_video(video_id, NOW)
    assert claim_video(video_id, NOW + timedelta(hours=1)).attempt == 2
    if ending == "fails":
        originals_of(room).delete(late.original_key)
    process(Job(room, lambda: NOW, secrets.token_bytes, lambda: ending == "stopped"), late)
    assert (read(video_id).state, read(video_id).attempts_count) == ("processing", 2)
