"""Filling the demo: films, people, ten days of a contest, all through the services and with a clock passed in."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Flask

from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.contests.queries import find_contest
from quilt.database import db
from quilt.demo import bad_hour, people
from quilt.demo.counting import Count
from quilt.demo.crowd import Audience, Stage, play
from quilt.demo.entering import WRITING, Desk, Troupe, open_contest
from quilt.demo.films import FILM_SIDE, Shoot, make_films, receive_paper
from quilt.demo.stories import Book, Story, read_book
from quilt.votes.queries import build_policy

SEED = "linen"
DAYS = timedelta(days=10)

Say = Callable[[str], object]


class NotADemo(Exception):
    """A real site is not filled with invented people who have well-known passwords."""


def fill(app: Flask, now: datetime, say: Say = print, film_side: int = FILM_SIDE) -> None:
    """Fill an empty database, whose tables are there, with the demo contest as it stands at `now`.

    Does nothing where the contest is there already. The same seed gives the same people, films and trees.
    `film_side` is the longer side of its films in pixels.
    Raises NotADemo under the settings of a real site.
    """
    settings: Settings = app.extensions["quilt_settings"]
    if settings.is_production:
        raise NotADemo("The demo is filled under QUILT_ENV=demo only.")
    book = read_book()
    with app.app_context():
        if find_contest(book.contest["slug"]) is None:
            _Filling(app, settings, book, now.replace(second=0, microsecond=0), say, film_side).run()


class _Filling:
    def __init__(
        self, app: Flask, settings: Settings, book: Book, now: datetime, say: Say, film_side: int
    ) -> None:
        self._app, self._settings, self._book, self._now, self._say = app, settings, book, now, say
        self._film_side = film_side
        self._starts_at = now - DAYS
        self._entropy = random.Random(f"{SEED} codes").randbytes

    def run(self) -> None:
        contest_id = open_contest(self._book, self._starts_at, self._now)
        count = Count(self._settings, contest_id, self._entropy)
        count.open(db.session.get_one(Contest, contest_id).phases[0].starts_at)
        with self._timed("people"):
            staff = people.create_staff(self._starts_at - DAYS)
            owners = self._create_entrants()
            crowd = people.create_crowd(self._book, self._starts_at, random.Random(f"{SEED} names"))
        with self._timed("films"):
            videos = self._make_films(owners)
        desk = Desk(self._settings, contest_id, staff, owners, videos, self._starts_at, self._entropy)
        with self._timed("entries"):
            desk.play(self._book)
        with self._timed("ten days of visits, votes and shares"):
            contest = db.session.get_one(Contest, contest_id, populate_existing=True)
            voters = [*crowd, *owners.values()]  # the entrants vote for one another
            secret = self._settings.secret_key
            stage = Stage(build_policy(contest), secret, voters, self._starts_at, self._now)
            entered = desk.list_published(self._book.published)
            audiences: list[Troupe] = [Audience(each, stage, SEED) for each in entered]
            audiences += [
                bad_hour.BadHour(each, stage.policy, secret, staff["moderator"], self._now, SEED)
                for each in entered
                if each.story.title == bad_hour.STORY
            ]
            play(self._app, audiences, stage, SEED, count.close, self._report_day)

    def _create_entrants(self) -> dict[str, int]:
        return {
            story.title: people.create_entrant(
                story, self._starts_at + timedelta(hours=story.hours) - WRITING
            ).id
            for story in self._stories
        }

    def _make_films(self, owners: dict[str, int]) -> dict[str, int]:
        told = [story for story in self._stories if not story.file_name]
        shoots = [
            Shoot(
                story,
                owners[story.title],
                self._starts_at + timedelta(hours=story.hours) - WRITING / 2,
            )
            for story in told
        ]
        report = self._report_films(len(shoots))
        ids = make_films(self._app, self._settings, shoots, self._film_side, self._entropy, report)
        draft = self._book.draft
        begun_at = self._starts_at + timedelta(hours=draft.hours)
        paper = receive_paper(self._settings, owners[draft.title], draft.file_name, begun_at, self._entropy)
        return {**{story.title: id_ for story, id_ in zip(told, ids, strict=True)}, draft.title: paper}

    @property
    def _stories(self) -> list[Story]:
        book = self._book
        return [*book.published, *book.waiting, book.needs_changes, book.draft]

    def _report_films(self, count: int) -> Callable[[int], None]:
        def report(ready: int) -> None:
            if ready % 6 == 0:
                self._say(f"  {ready} of {count} films are ready")

        return report

    def _report_day(self, day: int) -> None:
        if day % 5 == 0:
            self._say(f"  day {day} of {DAYS.days}")

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._say(f"  {what}: {time.monotonic() - began:.1f} s")
