"""Decisions: one row of the log, one mail, and the first of two moderators wins."""

import secrets
import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text

from quilt.accounts.models import User
from quilt.arrivals.models import EntrySpread, NamedLink
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.entries import service as entries
from quilt.entries.drafts import newest_revision
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.mail import MailMessage
from quilt.media.models import Video
from quilt.moderation import queries, rules, service
from quilt.moderation.models import ModerationLog
from quilt.votes.models import EntryTally
from tests.conftest import NOW
from tests.factories import attach_video, make_contest, make_entry, make_user, make_video

COMPOSE = composer(Settings())


@pytest.fixture
def ana(app):
    return make_user(name="Ana", role="moderator")


def make_sent_in(**video):
    """An entry that waits for review; returns its id and its revision's."""
    entrant = make_user(name="Mateo")
    entry_id = entries.start_draft(entrant.id, make_contest().id, NOW)
    texts = {
        "title": "  Mateo's\u200b first steps ",
        "cause": "Pompe",
        "story": "He walked.",
        "thanks": "Thanks!",
    }
    entries.save_draft(entry_id, entrant.id, 0, texts, NOW)
    attach_video(entry_id, entrant.id, make_video(entrant, **video).id, NOW)
    entries.accept_rules(entry_id, entrant.id, 1, NOW)
    entries.send_in(entry_id, entrant.id, NOW, COMPOSE, "https://quilt.example/submit/1")
    revision_id = newest_revision(db.session, entry_id).id
    db.session.rollback()
    return entry_id, revision_id


def decide(entry_id, revision_id, action, actor, **more):
    return service.decide(
        entry_id,
        revision_id,
        action,
        actor_id=actor.id,
        now=NOW,
        entropy=secrets.token_bytes,
        compose=COMPOSE,
        base_url="https://quilt.example",
        **more,
    )


def read(entry_id):
    return db.session.get_one(Entry, entry_id, populate_existing=True)


def test_approval_makes_it_live_with_counters_and_its_own_link(ana):
    entry_id, revision_id = make_sent_in()
    version = db.session.get_one(Contest, read(entry_id).contest_id).version
    assert decide(entry_id, revision_id, "approve", ana) == "published"
    entry = read(entry_id)
    assert (entry.title, entry.slug, entry.thanks) == ("Mateo's first steps", "mateos-first-steps", "Thanks!")
    assert entry.search_text == "mateos first steps pompe he walked"
    assert (entry.version, entry.published_at, entry.video_id is not None) == (2, NOW, True)
    assert db.session.get_one(Contest, entry.contest_id, populate_existing=True).version == version + 1
    assert db.session.get_one(EntryTally, entry_id).standing == 0
    assert db.session.get_one(EntrySpread, entry_id).size == 1
    assert len(db.session.scalars(select(NamedLink).where(NamedLink.entry_id == entry_id)).one().code) == 11
    assert len(db.session.scalars(select(Embed).where(Embed.entry_id == entry_id)).one().code) == 11
    mail = db.session.scalars(select(MailMessage).where(MailMessage.kind == "entry_published")).one()
    assert f"https://quilt.example/entries/{entry_id}-mateos-first-steps" in mail.text
    assert [row.action for row in queries.list_decisions("entry", entry_id)] == ["approve"]


@pytest.mark.parametrize(
    ("action", "state", "letter"),
    [("ask_changes", "needs_changes", "entry_needs_changes"), ("reject", "rejected", "entry_rejected")],
)
def test_the_reason_reaches_the_entrant(ana, action, state, letter):
    entry_id, revision_id = make_sent_in()
    assert decide(entry_id, revision_id, action, ana, reason="rights", words="The song, please.") == state
    mail = db.session.scalars(select(MailMessage).where(MailMessage.kind == letter)).one()
    assert rules.say_reason(action, "rights") in mail.text and "The song, please." in mail.text
    row = queries.list_decisions("entry", entry_id)[0]
    assert (row.reason, row.words, row.actor_name) == (
        rules.say_reason(action, "rights"),
        "The song, please.",
        "Ana",
    )


@pytest.mark.parametrize(
    ("action", "reason", "words", "refusal"),
    [
        pytest.param("reject", "", "", rules.ReasonMissing, id="H08"),
        pytest.param("ask_changes", "off_topic", "", rules.ReasonMissing, id="a-reason-of-another-list"),
        pytest.param("reject", "other", "  ", rules.WordsMissing, id="other-needs-words"),
        pytest.param("reject", "harm", "x" * 2001, rules.TooManyWords, id="too-many-words"),
        pytest.param("crown", "", "", rules.UnknownAction, id="unknown"),
    ],
)
def test_refusals_change_nothing(ana, action, reason, words, refusal):
    entry_id, revision_id = make_sent_in()
    with pytest.raises(refusal):
        decide(entry_id, revision_id, action, ana, reason=reason, words=words)
    assert read(entry_id).state == "submitted" and queries.count_log() == 0


@pytest.mark.parametrize("state", ["processing", "parked", "refused", "queued"])
def test_only_a_video_that_plays_is_approved(ana, state):
    entry_id, revision_id = make_sent_in()
    db.session.scalars(select(Video)).one().state = state
    db.session.commit()
    with pytest.raises(rules.VideoNotReady):
        decide(entry_id, revision_id, "approve", ana)
    assert read(entry_id).state == "submitted"


def test_H10_two_moderators_at_once(ana):
    entry_id, revision_id = make_sent_in()
    decide(entry_id, revision_id, "approve", ana)
    with pytest.raises(rules.AlreadyDecided, match="Ana already approved this at 08:00."):
        decide(entry_id, revision_id, "reject", make_user(name="Ben"), reason="harm")
    assert read(entry_id).state == "published" and queries.count_log() == 1


def test_H10_with_threads_that_really_meet(app, ana):
    entry_id, revision_id = make_sent_in()
    moderator = SimpleNamespace(id=ana.id)
    db.session.rollback()
    outcomes = []
    gate = threading.Barrier(8)

    def try_it(number):
        action = "approve" if number % 2 else "ask_changes"
        gate.wait()
        with app.app_context():
            try:
                outcomes.append(decide(entry_id, revision_id, action, moderator, reason="sound"))
            except rules.AlreadyDecided:
                outcomes.append("too late")

    people = [threading.Thread(target=try_it, args=(number,)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    assert len(outcomes) == 8 and outcomes.count("too late") == 7
    assert queries.count_log() == 1


def test_what_was_withdrawn_or_sent_in_again_is_not_decided(ana):
    entry_id, revision_id = make_sent_in()
    with pytest.raises(rules.AlreadyDecided, match="changed meanwhile"):
        decide(entry_id, revision_id + 1, "approve", ana)
    entries.withdraw(entry_id, read(entry_id).entrant_id, NOW)
    with pytest.raises(rules.Withdrawn):
        decide(entry_id, revision_id, "approve", ana)
    with pytest.raises(service.NotFound):
        decide(999_999, revision_id, "approve", ana)


def test_a_live_entry_takes_the_new_text_only_when_it_is_approved(ana):
    entry = make_entry()
    entries.start_revision(entry.id, entry.entrant_id, NOW)
    entries.save_draft(entry.id, entry.entrant_id, 0, {"title": "Second steps"}, NOW)
    entries.send_in(entry.id, entry.entrant_id, NOW, COMPOSE, "https://quilt.example/submit/1")
    second = newest_revision(db.session, entry.id).id
    db.session.rollback()
    assert decide(entry.id, second, "ask_changes", ana, reason="story") == "published"
    assert read(entry.id).title == "Mateo's first steps"
    entries.send_in(entry.id, entry.entrant_id, NOW, COMPOSE, "https://quilt.example/submit/1")
    third = newest_revision(db.session, entry.id).id
    db.session.rollback()
    assert decide(entry.id, third, "approve", ana) == "published"
    assert (read(entry.id).title, read(entry.id).slug) == ("Second steps", "second-steps")
    links = db.session.scalars(select(NamedLink).where(NamedLink.entry_id == entry.id)).all()
    assert len(links) == 1, "its own link stays the same"


def test_the_log_only_grows(ana):
    entry_id, revision_id = make_sent_in()
    decide(entry_id, revision_id, "approve", ana)
    for statement in ("UPDATE moderation_log SET words = 'never said'", "DELETE FROM moderation_log"):
        with pytest.raises(Exception, match="this log only grows"):
            db.session.execute(text(statement))
        db.session.rollback()
    assert db.session.scalars(select(ModerationLog)).one().words == ""


def test_a_parked_video_is_run_again_and_that_is_written_down(ana):
    video = make_video(make_user(), kind="file", state="parked", attempts_count=3, message="We failed.")
    assert [it.video_id for it in queries.list_parked()] == [video.id]
    service.rerun_video(video.id, ana.id, NOW)
    fresh = db.session.get_one(Video, video.id, populate_existing=True)
    assert (fresh.state, fresh.attempts_count, fresh.message) == ("queued", 0, "")
    assert [row.action for row in queries.list_decisions("video", video.id)] == ["rerun"]
    with pytest.raises(entries.WrongState):
        service.rerun_video(video.id, ana.id, NOW)


@pytest.mark.parametrize("action", ["approve", "ask_changes", "reject"])
def test_H12_nobody_decides_about_their_own_entry(app, action):
    entry_id, revision_id = make_sent_in()
    entrant = db.session.get_one(User, read(entry_id).entrant_id)
    with pytest.raises(rules.OwnEntry):
        decide(entry_id, revision_id, action, entrant, reason="rights")
    assert read(entry_id).state == "submitted" and db.session.scalars(select(ModerationLog)).all() == []
