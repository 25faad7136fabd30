"""The demo's films: made here, received like any upload, and prepared by the worker's own function."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask

from quilt.config import Settings
from quilt.demo.stories import Story
from quilt.jobs.queue import Job
from quilt.media.samples import make_sample
from quilt.media.sandbox import private_folder
from quilt.media.service import receive_file
from quilt.media.storage import originals_of, parts_of
from quilt.media.tasks import process_video

HANDS = 2  # films in work at a time
FILM_SIDE = 960  # pixels of the longer side; the shorter one is nine sixteenths of it
TAKES = timedelta(seconds=24)  # how long a film seems to have been in work
SEWN = 0.94  # of the film: the poster shows the finished patch
PAPER = b"%PDF-1.7\n% the script of a film, chosen by mistake\n"


@dataclass(frozen=True)
class Shoot:
    """A film to be made: of which story, by whom, and when they upload it."""

    story: Story
    owner_id: int
    at: datetime


def make_films(
    app: Flask,
    settings: Settings,
    shoots: Sequence[Shoot],
    side: int,
    entropy: Callable[[int], bytes],
    report: Callable[[int], None],
) -> list[int]:
    """Make, receive and prepare these films; returns the ids of their videos in the same order.

    `side` is the longer side of a film in pixels, a multiple of 32. `report` hears how many are ready. Raises what the making of a film raises.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder(parts_of(settings)))
        pool = stack.enter_context(ThreadPoolExecutor(HANDS))
        made = [
            pool.submit(_make, shoot.story, side, folder / f"{number}.mp4")
            for number, shoot in enumerate(shoots)
        ]
        received = [_receive(settings, *pair, entropy) for pair in zip(shoots, made, strict=True)]
        prepared = [
            pool.submit(_prepare, app, settings, video_id, shoot.at, entropy)
            for video_id, shoot in zip(received, shoots, strict=True)
        ]
        for number, future in enumerate(prepared, 1):
            future.result()
            report(number)
    return received


def receive_paper(
    settings: Settings, owner_id: int, file_name: str, now: datetime, entropy: Callable[[int], bytes]
) -> int:
    """A file that is no film, uploaded all the same; returns the id of the refused video."""
    with private_folder(parts_of(settings)) as folder:
        (folder / "paper").write_bytes(PAPER)
        return receive_file(owner_id, folder / "paper", file_name, originals_of(settings), now, entropy)


def _make(story: Story, side: int, target: Path) -> Path:
    short = side * 9 // 16
    size = (short, side) if story.is_upright else (side, short)
    make_sample(target, title=story.title, cause=story.cause, seconds=story.seconds, size=size)
    return target


def _receive(settings: Settings, shoot: Shoot, made: "Future[Path]", entropy: Callable[[int], bytes]) -> int:
    name = f"{shoot.story.title.lower().replace(' ', '-')}.mp4"
    poster_second = SEWN * shoot.story.seconds
    originals = originals_of(settings)
    return receive_file(shoot.owner_id, made.result(), name, originals, shoot.at, entropy, poster_second)


def _prepare(
    app: Flask, settings: Settings, video_id: int, at: datetime, entropy: Callable[[int], bytes]
) -> None:
    with app.app_context():
        process_video(Job(settings, lambda: at + TAKES, entropy), video_id)
