"""The demo: alive, whole, and made by the same services that requests drive."""

import itertools
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text

from quilt.accounts.models import User
from quilt.accounts.service import sign_in_with_password
from quilt.app import create_app
from quilt.arrivals.models import (
    Arrival,
    ArrivalInbox,
    EntryChannel,
    EntryGeneration,
    EntryPoint,
    EntrySpread,
    NotCounted,
    VisitorSalt,
)
from quilt.arrivals.queries import describe_spread
from quilt.audit import run_audit
from quilt.community.models import Comment
from quilt.config import Settings
from quilt.contests.queries import find_contest
from quilt.contests.rules import Action, may
from quilt.database import close_writers, db
from quilt.demo import NotADemo, bad_hour, fill, list_sign_ins
from quilt.demo.shapes import list_depths, plan_people
from quilt.demo.stories import read_book
from quilt.entries.drafts import count_by_state, list_waiting
from quilt.entries.exposure import get_epoch
from quilt.entries.models import Entry, EntryExposure
from quilt.integrity.alerts import list_alerts
from quilt.integrity.appeals import list_appeals
from quilt.jobs.queue import queue
from quilt.mail import MailMessage
from quilt.media.models import Video
from quilt.media.patches import build_patch
from quilt.media.probe import probe_video
from quilt.media.rules import VideoLimits
from quilt.media.storage import results_of
from quilt.moderation.models import ModerationLog
from quilt.shares.models import ShareAct
from quilt.votes.evidence import unpack_evidence
from quilt.votes.models import STANDING, EntryTally, Vote, Voter
from tests.conftest import NOW, do_not_wait_for_the_disk
from tests.live import migrate
from tests.spreads import recount_entry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose scratch database holds the demo."""
    settings = Settings(environment="demo", secret_key="demo" * 10, data=tmp_path_factory.mktemp("demo"))
    earlier = queue._settings
    app = create_app(settings)
    do_not_wait_for_the_disk(app)
    migrate(app)
    fill(app, NOW, say=lambda line: None, film_side=480)
    yield app
    close_writers()
    with app.app_context():
        db.engine.dispose()
    if earlier is not None:
        queue.set_up(earlier)


@pytest.fixture(autouse=True)
def context(request: pytest.FixtureRequest) -> Iterator[None]:
    if "filled" not in request.fixturenames:
        yield
        return
    with request.getfixturevalue("filled").app_context():
        yield
        db.session.remove()


def count(model, *conditions) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions))


def find_entry(title: str) -> Entry:
    return db.session.scalars(select(Entry).where(Entry.title == title)).one()


def list_published() -> list[Entry]:
    return list(db.session.scalars(select(Entry).where(Entry.state == "published")))


def snapshot() -> dict[str, int]:
    names = inspect(db.engine).get_table_names()
    return {name: db.session.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}


def test_the_contest_is_under_way(filled):
    contest = find_contest(read_book().contest["slug"])
    assert may(contest.phases, Action.VOTE, NOW) and may(contest.phases, Action.SUBMIT, NOW)
    assert (contest.prize_text, contest.time_zone) == ("$10,000", "America/New_York")
    assert (contest.policy.period, contest.policy.limit_count) == ("contest", None)
    assert "once for each" in contest.rules_text


def test_films_play_and_every_patch_is_another(filled, tmp_path):
    entries = list_published()
    assert len(entries) >= 12
    storage = results_of(Settings(environment="demo", data=filled.extensions["quilt_settings"].data))
    for entry in entries:
        video = db.session.get_one(Video, entry.video_id)
        probe = probe_video(storage.path(video.video_key), VideoLimits())
        assert probe.has_audio and probe.duration_s >= 3 and storage.exists(video.poster_key)
    assert len({build_patch(entry.cause).block for entry in entries}) == len(entries)
    assert [entry.title for entry in entries if not entry.is_eligible] == ["We carried the toads"]


def test_the_desk_has_work(filled):
    assert count_by_state()["submitted"] == 3
    assert [line.video_state for line in list_waiting()] == ["ready"] * 3
    states = {state: count(Entry, Entry.state == state) for state in ("needs_changes", "draft")}
    assert states == {"needs_changes": 1, "draft": 1}
    assert count(Video, Video.state == "refused") == 1
    actions = dict(db.session.execute(select(ModerationLog.action, func.count()).group_by("action")).all())
    assert actions == {"approve": 15, "ask_changes": 2, "out_of_prize": 1}
    kinds = dict(db.session.execute(select(MailMessage.kind, func.count()).group_by("kind")).all())
    assert kinds == {"entry_received": 20, "entry_published": 15, "entry_needs_changes": 2}
    assert count(MailMessage, MailMessage.state != "kept") == 0


def test_ten_days_of_two_thousand_people(filled):
    assert 1800 <= count(Arrival) <= 2200
    first, last = db.session.execute(select(func.min(Arrival.arrived_at), func.max(Arrival.arrived_at))).one()
    assert 9 <= (last - first).total_seconds() / 86_400 <= 10 and last < NOW
    channels = set(db.session.scalars(select(Arrival.channel).distinct()))
    assert {"wa", "fb", "copy", "mail", "qr", "embed", ""} <= channels
    assert 35 <= count(Comment) <= 60 and count(ShareAct) > 300
    assert count(NotCounted) > 50 and count(EntryPoint) > 300
    assert count(Voter) > 120 and 200 <= count(Vote) <= 0.3 * count(Arrival)
    assert count(Vote, Vote.arrival_id.is_(None)) == 0


def test_a_program_was_found(filled):
    entry = find_entry(bad_hour.STORY)
    doubted = count(Vote, Vote.state.not_in(STANDING))
    states = dict(db.session.execute(select(Vote.state, func.count()).group_by(Vote.state)).all())
    held = bad_hour.PRESSES - bad_hour.LOOKED_AT
    assert (states["held"], states["rejected"], doubted) == (held, bad_hour.LOOKED_AT, bad_hour.PRESSES)
    assert count(Vote, Vote.entry_id == entry.id, Vote.state.not_in(STANDING)) == bad_hour.PRESSES
    told = {unpack_evidence(packed).has_played for packed in db.session.scalars(select(Vote.evidence))}
    assert told == {True, False}
    alerts = list_alerts(entry.contest_id, NOW - bad_hour.BEFORE_END)
    assert {alert.entry_id for alert in alerts} == {entry.id}
    assert all(alert.votes_count >= 20 > 5 * alert.expected for alert in alerts)
    (appeal,) = list_appeals(entry.contest_id, is_open=True)
    asked = {person.role: db.session.scalars(select(User.id).where(User.email == person.email)).one()
             for person in list_sign_ins()}  # fmt: skip
    assert appeal.may_be_answered_by(asked["admin"]) and not appeal.may_be_answered_by(asked["moderator"])


def test_whenever_the_program_begins_its_quarters_are_looked_at_when_they_are_over():
    """A look at an alert sees the quarter it falls into and the one before, which is whole then."""
    hour = NOW.replace(minute=0)
    for begins_at in (hour + timedelta(minutes=minute) for minute in range(60)):
        seen = {_begin_quarter(look) - bad_hour.QUARTER for look in bad_hour.list_looks(begins_at)}
        voted = {_begin_quarter(begins_at + timedelta(minutes=minute)) for minute in range(24)}
        assert 2 <= len(voted) <= 3 and voted <= seen


def _begin_quarter(at):
    return at.replace(minute=at.minute // 15 * 15)


def test_shapes_are_as_different_as_real_ones(filled):
    star = describe_spread(find_entry("Sixty-one lunch boxes").id)
    assert star.reach >= 290 and star.longest_chain == 2 and star.structural_virality < 2.1
    chain = db.session.get_one(EntrySpread, find_entry("Letters to ward four").id)
    assert chain.max_depth >= 25 and chain.max_breadth <= 12 and chain.size < 120
    reaches = sorted(describe_spread(entry.id).reach for entry in list_published())
    assert reaches[0] < 5 and reaches[-1] > 350
    mixed = [describe_spread(find_entry(title).id) for title in ("Where the creek went", "A bench for Ada")]
    assert all(2.5 < figures.structural_virality < 7 for figures in mixed)


def test_counters_equal_rows(filled):
    for entry in list_published():
        votes = count(Vote, Vote.entry_id == entry.id, Vote.state.in_(STANDING))
        spread = db.session.get_one(EntrySpread, entry.id)
        assert db.session.get_one(EntryTally, entry.id).standing == votes == spread.votes_count
        assert spread.size - 1 == count(Arrival, Arrival.entry_id == entry.id)
        people = select(func.sum(EntryChannel.people_count)).where(EntryChannel.entry_id == entry.id)
        assert db.session.scalar(people) == spread.size - 1
    assert count(ArrivalInbox) == 0


def test_stored_spread_equals_a_recount(filled):
    def figures(entry_id: int) -> list[object]:
        generations = select(EntryGeneration.people_count, EntryGeneration.votes_count).where(
            EntryGeneration.entry_id == entry_id
        )
        return [
            describe_spread(entry_id),
            *db.session.execute(generations.order_by(EntryGeneration.generation)),
        ]

    ids = [entry.id for entry in list_published()]
    before = {entry_id: figures(entry_id) for entry_id in ids}
    assert len(before) == 15
    for entry_id in ids:
        folded_at = before[entry_id][0].folded_at
        db.session.rollback()
        recount_entry(entry_id, folded_at)
        db.session.rollback()
        assert figures(entry_id) == before[entry_id]


def test_the_audit_finds_nothing(filled):
    checks = run_audit(filled.extensions["quilt_settings"], NOW)
    assert [check for check in checks if check.differences] == []
    assert len(checks) >= 6 and sum(check.looked_at for check in checks) > 5_000


def test_the_fair_order_has_something_to_even_out(filled):
    shown = list(db.session.scalars(select(EntryExposure.shown_count).where(EntryExposure.shown_count > 0)))
    assert len(shown) == 15
    buckets = get_epoch(find_contest(read_book().contest["slug"]).id).buckets
    assert len(buckets) == 15 and len(set(buckets.values())) >= 3


def test_no_old_pseudonyms_stay(filled):
    assert 1 <= count(VisitorSalt) <= 3


def test_one_may_sign_in(filled):
    people = list_sign_ins()
    assert [person.role for person in people] == [
        "admin",
        "admin",
        "moderator",
        "entrant",
        "entrant",
        "entrant",
    ]
    for person in people:
        user = sign_in_with_password(person.email, person.password)
        assert user.role == (person.role if user.is_staff else "member")
        assert person.email in str(person) and person.password in str(person)
    assert count(User) > 150


def test_filling_again_changes_nothing(filled):
    before = snapshot()
    db.session.rollback()
    lines: list[str] = []
    fill(filled, NOW, say=lines.append)
    assert (snapshot(), lines) == (before, []) and sum(before.values()) > 5_000


def test_a_real_site_is_not_filled(tmp_path: Path):
    settings = Settings(
        secret_key="x" * 40, data=tmp_path, base_url="https://quilt.example", smtp_url="smtp://mail.example"
    )
    earlier = queue._settings
    app = create_app(settings)
    with pytest.raises(NotADemo):
        fill(app, NOW)
    if earlier is not None:
        queue.set_up(earlier)
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    "told",
    [
        {"shape": "star", "people": 40, "passed_on": 5, "channels": "broadcast"},
        {"shape": "chain", "generations": 30, "beside": 9, "channels": "private"},
        {"shape": "branching", "seeds": 30, "r": 0.6, "channels": "mixed"},
    ],
)
def test_planned_people_come_in_order_and_after_whom_they_follow(told):
    plans = [plan_people(told, 200.0, random.Random("a seed")) for _ in range(2)]
    assert plans[0] == plans[1] and len(plans[0]) >= 30
    people = plans[0]
    assert all(earlier.hours <= later.hours for earlier, later in itertools.pairwise(people))
    for number, person in enumerate(people):
        assert person.parent is None or person.parent < number
    assert people[-1].hours < 200 and min(list_depths(people)) == 1
