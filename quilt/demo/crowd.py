"""Everybody who comes: ten days of arrivals, votes, shares, comments and looks at the gallery, hour by hour.

Each act goes through the service that a request of that kind goes through, with the time it happens at.
"""

import math
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from flask import Flask

from quilt.arrivals.nodes import Node, Visit
from quilt.arrivals.service import forget_old, get_salt, record_arrival, record_not_counted
from quilt.community.service import add_comment
from quilt.demo.entering import Act, Entered, Troupe
from quilt.demo.shapes import Person, list_depths, plan_people
from quilt.entries.exposure import (
    list_fair_order,
    number_epoch,
    record_shown,
    refresh_exposure_order,
)
from quilt.shares.service import record_share
from quilt.spread.counting import NotCounted, visitor_key
from quilt.votes.evidence import Evidence, make_marks, pack_evidence
from quilt.votes.rules import Policy, make_contest_key
from quilt.votes.service import Ballot, cast_vote

HOUR = timedelta(hours=1)
BATCH_HOURS = 6  # between two heads of the ledger, in the days that are over
LOOKS = (1, 5)  # at the gallery, in an hour
NO_PERSON = {
    NotCounted.PREVIEW: 48,
    NotCounted.ROBOT: 22,
    NotCounted.TOO_QUICK: 14,
    NotCounted.HIDDEN: 6,
    NotCounted.PREFETCH: 5,
    NotCounted.EMPTY_AGENT: 3,
    NotCounted.NONCE_EXPIRED: 2,
}
NO_PERSON_SHARE, SHARING_IN_VAIN, COMING_BACK, PLAYING = 0.14, 0.1, 0.07, 0.78
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
)


@dataclass(frozen=True)
class Stage:
    """What the whole crowd shares: the contest's rule for votes, who may cast them, from when to when."""

    policy: Policy
    secret: str
    voter_ids: Sequence[int]
    starts_at: datetime
    ends_at: datetime


class Audience(Troupe):
    """The people of one entry, and what each of them does. Chance has spoken before the first of them acts."""

    def __init__(self, entered: Entered, stage: Stage, seed: str) -> None:
        self._stage = stage
        self._chance = random.Random(f"{seed} {entered.story.title}")
        self._habits = random.Random(f"{seed} {entered.story.title} habits")
        horizon = (stage.ends_at - entered.published_at) / HOUR - 0.5
        self.people = plan_people(entered.story.spread or {}, horizon, self._chance)
        self._nodes: dict[int, Node] = {}
        self._entropy = random.Random(f"{seed} {entered.story.title} codes").randbytes
        self._requests: dict[int, tuple[str, str]] = {}  # the address and the browser that each comes by
        super().__init__(entered, self._list_acts())

    def _list_acts(self) -> Iterator[Act]:
        depths = list_depths(self.people)
        voters = self._line_up()
        children: dict[int, list[Person]] = {}
        for person in self.people:
            if person.parent is not None:
                children.setdefault(person.parent, []).append(person)
        for number, person in enumerate(self.people):
            yield self._at(person.hours, self._coming(number, person))
            yield from self._sharing(number, person, children.get(number, []))
            yield from self._voting(number, person, depths[number], voters)
            if self._chance.random() < COMING_BACK:
                yield self._at(person.hours + self._chance.uniform(2, 40), self._returning(number))
            if self._chance.random() < NO_PERSON_SHARE:
                yield self._at(person.hours, self._being_no_person())
        yield from self._commenting()

    def _line_up(self) -> list[int]:
        """Those who may vote here, in the order in which they will, from the end."""
        owner = self._entered.entrant_id
        others = [voter_id for voter_id in self._stage.voter_ids if voter_id != owner]
        return self._chance.sample(others, len(others))

    def _at(self, hours: float, do: Callable[[datetime], object]) -> Act:
        latest = (self._stage.ends_at - self._entered.published_at) / HOUR
        return Act(self._entered.published_at + HOUR * min(hours, latest - 0.02), do)

    def _coming(self, number: int, person: Person) -> Callable[[datetime], None]:
        address = f"198.18.{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
        browser = self._chance.choice(AGENTS)
        agent = f"{browser} ({self._entered.entry_id}-{number})"
        self._requests[number] = address, browser

        def come(at: datetime) -> None:
            salt = get_salt(at, secrets.token_bytes)  # the pseudonyms of real visitors hang on today's
            key = visitor_key(salt, self._entered.entry_id, address, agent)
            visit = Visit(self._entered.entry_id, key, **self._way(person))
            self._nodes[number] = record_arrival(visit, None, now=at, entropy=self._entropy)

        return come

    def _way(self, person: Person) -> dict[str, str]:
        """By whose link and channel somebody comes."""
        if person.parent is not None:
            return {"via": self._nodes[person.parent].code, "channel": person.channel}
        if person.channel == "embed":
            return {"via": self._entered.embed_code}
        if person.channel == "web":
            return {"referrer_host": "harrow-herald.example"}
        return {"via": self._entered.own_code if person.channel else "", "channel": person.channel}

    def _sharing(self, number: int, person: Person, children: list[Person]) -> Iterator[Act]:
        if children:
            first = min(children, key=lambda child: child.hours)
            hours, channel = (person.hours + first.hours) / 2, first.channel
        elif self._chance.random() < SHARING_IN_VAIN:
            hours, channel = person.hours + self._chance.expovariate(12), self._chance.choice(("copy", "wa"))
        else:
            return
        yield self._at(
            hours,
            lambda at: record_share(self._entered.entry_id, self._nodes[number].arrival_id, channel, now=at),
        )

    def _voting(self, number: int, person: Person, depth: int, voters: list[int]) -> Iterator[Act]:
        """Who was sent by a friend votes more often than who came by themselves."""
        likely = (self._entered.story.spread or {})["voting"] * (1.3 if depth > 1 else 0.9)
        if voters and self._chance.random() < likely:
            hours = person.hours + self._chance.lognormvariate(math.log(0.07), 0.8)
            yield self._at(hours, self._casting(number, voters.pop(), person.parent is not None))

    def _casting(self, number: int, voter_id: int, by_link: bool) -> Callable[[datetime], None]:
        stage, tell = self._stage, self._looking(number, by_link)

        def cast(at: datetime) -> None:
            visit = Visit(self._entered.entry_id, None, own_code=self._nodes[number].code)
            ballot = Ballot(voter_id, "email", visit, evidence=tell(at))
            cast_vote(ballot, stage.policy, secret=stage.secret, now=at, entropy=self._entropy)

        return cast

    def _looking(self, number: int, by_link: bool) -> Callable[[datetime], bytes]:
        """What somebody's vote tells of how they looked at the page: most play the film, and all take their time."""
        has_played = self._habits.random() < PLAYING
        dwell = 4.0 + self._habits.lognormvariate(math.log(40 if has_played else 15), 0.6)
        age, wait = (
            dwell + self._habits.expovariate(0.1),
            6.0 + self._habits.lognormvariate(math.log(25), 0.7),
        )
        key = make_contest_key(self._stage.secret, self._stage.policy.voter_salt)

        def tell(at: datetime) -> bytes:
            marks = make_marks(*self._requests[number], get_salt(at, secrets.token_bytes), key)
            return pack_evidence(Evidence(marks, has_played, dwell, age, wait, by_link=by_link))

        return tell

    def _returning(self, number: int) -> Callable[[datetime], None]:
        def come_again(at: datetime) -> None:
            visit = Visit(self._entered.entry_id, None, own_code=self._nodes[number].code)
            record_arrival(visit, None, now=at, entropy=self._entropy)

        return come_again

    def _being_no_person(self) -> Callable[[datetime], None]:
        reason = self._chance.choices(list(NO_PERSON), list(NO_PERSON.values()))[0]
        return lambda at: record_not_counted(self._entered.entry_id, reason, at)

    def _commenting(self) -> Iterator[Act]:
        told = self._entered.story
        authors = self._chance.sample(self._line_up(), len(told.comments))
        hours = 0.4 * (self._stage.ends_at - self._entered.published_at) / HOUR
        for number, (text, author) in enumerate(zip(told.comments, authors, strict=True), 1):
            yield self._at(hours * number / len(told.comments), self._saying(text, author))
        if told.answer:
            yield self._at(hours * 1.3, self._saying(told.answer, self._entered.entrant_id))

    def _saying(self, text: str, author_id: int) -> Callable[[datetime], object]:
        return lambda at: add_comment(self._entered.entry_id, author_id, text, at)


def play(
    app: Flask,
    audiences: Sequence[Troupe],
    stage: Stage,
    seed: str,
    close_batch: Callable[[datetime], None],
    report: Callable[[int], None],
) -> None:
    """Let everybody do what they do, hour by hour; `report` hears of each full day.

    `close_batch` writes the votes into the ledger, every few hours and at the end.

    The audiences act at the same time, as visitors do, so that what waits is committed together.
    """
    chance = random.Random(f"{seed} gallery")
    hour = stage.starts_at
    with ThreadPoolExecutor(len(audiences)) as pool:
        while hour < stage.ends_at:
            hour = min(hour + HOUR, stage.ends_at)
            list(pool.map(partial(_live_through, app, hour), audiences))
            _look_around(stage.policy.contest_id, hour, chance)
            if hour == stage.ends_at or not (hour - stage.starts_at) % (BATCH_HOURS * HOUR):
                close_batch(hour)
            days, rest = divmod(hour - stage.starts_at, timedelta(days=1))
            if not rest:
                report(days)
    forget_old(stage.ends_at)


def _live_through(app: Flask, until: datetime, audience: Troupe) -> None:
    with app.app_context():
        audience.act(until)


def _look_around(contest_id: int, now: datetime, chance: random.Random) -> None:
    """Some people look through the gallery, some look for one cause."""
    refresh_exposure_order(contest_id, number_epoch(now), now)
    order = list_fair_order(contest_id, None, chance.randrange(256))
    shown = Counter(dict.fromkeys(order, chance.randint(*LOOKS)))
    for _ in range(chance.randint(0, 2) if order else 0):
        shown[order[int(len(order) * chance.random() ** 2)]] += chance.randint(1, 3)
    record_shown(shown)
