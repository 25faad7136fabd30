"""The demo's contest and its entries: entered, looked at and decided through the services, in the order of time."""

import random
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from sqlalchemy import select

from quilt.arrivals.fold import fold_entry
from quilt.arrivals.models import NamedLink
from quilt.config import Settings
from quilt.contests.queries import PhaseFacts, PolicyFacts
from quilt.contests.service import create_contest
from quilt.database import db, transaction
from quilt.demo.stories import Book, Story
from quilt.embeds.queries import find_embed_code
from quilt.entries import service as entries
from quilt.entries.drafts import newest_revision
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.mail import deliver_due
from quilt.media.models import Video
from quilt.moderation.eligibility import set_eligibility
from quilt.moderation.service import decide

WRITING = timedelta(minutes=80)  # from the first keystroke to sending in
REVIEW = timedelta(minutes=70)
MENDING = timedelta(hours=4)
UNDER_AGE = "Entered by a class whose pupils are under 18: shown with votes and spread, outside the prize."


@dataclass(frozen=True)
class Entered:
    """A published entry with the codes that people can come by."""

    story: Story
    entry_id: int
    entrant_id: int
    published_at: datetime
    own_code: str
    embed_code: str


@dataclass(frozen=True)
class Act:
    """Something that somebody does at a moment."""

    at: datetime
    do: Callable[[datetime], object]


class Troupe:
    """People of one entry, and what they are going to do."""

    def __init__(self, entered: Entered, acts: Iterable[Act]) -> None:
        self._entered = entered
        self._acts = deque(sorted(acts, key=attrgetter("at")))

    def act(self, until: datetime) -> None:
        """Do what they do before `until`, then fold it, as a worker does every second."""
        has_acted = False
        while self._acts and self._acts[0].at < until:
            act = self._acts.popleft()
            act.do(act.at)
            has_acted = True
        if has_acted:
            fold_entry(self._entered.entry_id, until)


def open_contest(book: Book, starts_at: datetime, now: datetime) -> int:
    """The contest: open for films and votes since the noon before `starts_at`, for some days more; its id."""
    told = book.contest
    zone = ZoneInfo(told["time_zone"])
    opens_at = _at_clock(starts_at - timedelta(days=1), zone, time(12))
    last_films_at = _at_clock(now + timedelta(days=6), zone, time(12))
    closes_at = _at_clock(now + timedelta(days=11), zone, time(20))
    return create_contest(
        slug=told["slug"],
        title=told["title"],
        intro=told["intro"],
        prize_text=told["prize_text"],
        prize_from=told["prize_from"],
        time_zone=told["time_zone"],
        rules_text=told["rules"],
        phases=(
            PhaseFacts("Films and votes", opens_at, last_films_at, True, True, True, True),
            PhaseFacts("Last votes", last_films_at, closes_at, False, True, True, True),
        ),
        policy=PolicyFacts(),
        now=opens_at - timedelta(days=9),
        entropy=secrets.token_bytes,
    )


class Desk:
    """Everybody at the entrance: entrants with their drafts, the moderator, the admin."""

    def __init__(
        self,
        settings: Settings,
        contest_id: int,
        staff: dict[str, int],
        owners: dict[str, int],
        videos: dict[str, int],
        starts_at: datetime,
        entropy: Callable[[int], bytes],
    ) -> None:
        """`owners` and `videos` hold the entrant's and the video's id for each title."""
        self._settings, self._contest_id, self._staff = settings, contest_id, staff
        self._owners, self._videos = owners, videos
        self._starts_at, self._entropy = starts_at, entropy
        self._compose = composer(settings)
        self._ids: dict[str, int] = {}

    def play(self, book: Book) -> None:
        """Do everything that happens to the entries, the earliest first, and deliver the letters about it."""
        acts = [act for story in book.published for act in self._publishing(story)]
        acts += [act for story in book.waiting for act in self._sending(story)]
        acts += self._sending(book.needs_changes)
        acts.append(Act(self._sent_at(book.needs_changes) + REVIEW, self._asking(book.needs_changes)))
        acts.append(Act(self._sent_at(book.draft), lambda at: self._begin(book.draft, at)))
        for act in sorted(acts, key=attrgetter("at")):
            act.do(act.at)
            deliver_due(act.at, self._settings)

    def list_published(self, stories: Sequence[Story]) -> list[Entered]:
        """The published entries, with their codes."""
        return [self._describe(story) for story in stories]

    def _publishing(self, story: Story) -> Iterator[Act]:
        yield from self._sending(story)
        looked_at = self._sent_at(story) + REVIEW * random.Random(story.title).uniform(0.4, 1.6)
        if story.reason:
            yield Act(looked_at, self._asking(story))
            yield Act(looked_at + MENDING, lambda at: self._send(story, at))
            looked_at += MENDING + REVIEW
        yield Act(looked_at, lambda at: self._decide(story, "approve", at))
        if not story.is_eligible:
            yield Act(looked_at + timedelta(minutes=9), lambda at: self._rule_out(story, at))

    def _sending(self, story: Story) -> list[Act]:
        sent_at = self._sent_at(story)
        return [
            Act(sent_at - WRITING, lambda at: self._begin(story, at)),
            Act(sent_at, lambda at: self._send(story, at)),
        ]

    def _asking(self, story: Story) -> Callable[[datetime], None]:
        return lambda at: self._decide(story, "ask_changes", at, reason=story.reason, words=story.words)

    def _sent_at(self, story: Story) -> datetime:
        return self._starts_at + timedelta(hours=story.hours)

    def _begin(self, story: Story, at: datetime) -> None:
        owner_id = self._owners[story.title]
        entry_id = self._ids[story.title] = entries.start_draft(owner_id, self._contest_id, at)
        entries.save_draft(entry_id, owner_id, 0, story.texts, at)
        with transaction() as session:
            entries.attaching(entry_id, owner_id, at)(
                session, session.get_one(Video, self._videos[story.title])
            )

    def _send(self, story: Story, at: datetime) -> None:
        entry_id, owner_id = self._ids[story.title], self._owners[story.title]
        entries.accept_rules(entry_id, owner_id, 1, at)
        url = f"{self._settings.base_url}/submit/{entry_id}"
        entries.send_in(entry_id, owner_id, at, self._compose, url)

    def _decide(self, story: Story, action: str, at: datetime, **why: str) -> None:
        entry_id = self._ids[story.title]
        revision_id = newest_revision(db.session, entry_id).id  # type: ignore[arg-type]
        decide(
            entry_id,
            revision_id,
            action,
            actor_id=self._staff["moderator"],
            now=at,
            entropy=self._entropy,
            compose=self._compose,
            base_url=self._settings.base_url,
            **why,
        )

    def _rule_out(self, story: Story, at: datetime) -> None:
        set_eligibility(self._ids[story.title], False, words=UNDER_AGE, actor_id=self._staff["admin"], now=at)

    def _describe(self, story: Story) -> Entered:
        entry_id = self._ids[story.title]
        entry = db.session.get_one(Entry, entry_id, populate_existing=True)
        own = select(NamedLink.code).where(NamedLink.entry_id == entry_id, NamedLink.label == "")
        if entry.published_at is None:
            raise RuntimeError(f"“{story.title}” was not published.")
        own_code = db.session.scalars(own).one()
        return Entered(
            story, entry_id, entry.entrant_id, entry.published_at, own_code, find_embed_code(entry_id)
        )


def _at_clock(near: datetime, zone: ZoneInfo, clock: time) -> datetime:
    """That time of the day on which `near` falls in the zone."""
    return datetime.combine(near.astimezone(zone).date(), clock, zone)
