"""Drafts on both databases: whose they are, stale tabs, closing time, and the way to the moderators."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.database import db, transaction
from quilt.entries import drafts, service
from quilt.entries.models import Entry, EntryRevision
from quilt.entries.rules import (
    MOST_DRAFTS,
    NO_POSTER,
    EntriesClosed,
    NotOpenYet,
    NotReady,
    PosterFixed,
    RulesChanged,
    StaleDraft,
    TooManyDrafts,
    WrongState,
)
from quilt.entries.service import NotFound
from quilt.letters import composer
from quilt.mail import MailMessage
from tests.conftest import NOW
from tests.factories import attach_video, make_contest, make_entry, make_user, make_video

TEXTS = {"title": "Mateo's first steps", "cause": "Pompe research", "story": "He walked.", "thanks": ""}
COMPOSE = composer(Settings())


@pytest.fixture
def entrant(app):
    return make_user(name="Mateo")


@pytest.fixture
def contest(app):
    return make_contest()


@pytest.fixture
def draft_id(entrant, contest):
    return service.start_draft(entrant.id, contest.id, NOW)


def complete(draft_id, entrant):
    service.save_draft(draft_id, entrant.id, 0, TEXTS, NOW)
    attach_video(draft_id, entrant.id, make_video(entrant).id, NOW)
    service.accept_rules(draft_id, entrant.id, 1, NOW)


def send(draft_id, entrant, at=NOW):
    service.send_in(draft_id, entrant.id, at, COMPOSE, f"https://quilt.example/submit/{draft_id}")


def test_a_draft_from_the_first_keystroke(draft_id, entrant):
    assert service.save_draft(draft_id, entrant.id, 0, {"title": "M"}, NOW) == 1
    assert service.save_draft(draft_id, entrant.id, 1, {"title": "Ma", "story": "x" * 100_001}, NOW) == 2
    draft = drafts.find_draft(draft_id, entrant.id)
    assert draft.is_open and (draft.revision.title, len(draft.revision.story)) == ("Ma", 100_001)
    assert draft.entry.title == "", "nothing is shown before it is approved"


def test_saving_the_same_again_changes_nothing(draft_id, entrant):
    service.save_draft(draft_id, entrant.id, 0, TEXTS, NOW)
    assert service.save_draft(draft_id, entrant.id, 0, TEXTS, NOW + timedelta(hours=1)) == 1
    assert drafts.find_draft(draft_id, entrant.id).revision.updated_at == NOW


def test_B18_a_stale_tab_is_told_both_texts(draft_id, entrant):
    service.save_draft(draft_id, entrant.id, 0, {"title": "First tab"}, NOW)
    with pytest.raises(StaleDraft) as stale:
        service.save_draft(draft_id, entrant.id, 0, {"title": "Second tab"}, NOW)
    assert (stale.value.saved["title"], stale.value.typed["title"]) == ("First tab", "Second tab")
    assert stale.value.edit_count == 1
    assert drafts.find_draft(draft_id, entrant.id).revision.title == "First tab"


def test_B19_only_the_four_texts_are_taken(draft_id, entrant):
    service.save_draft(draft_id, entrant.id, 0, {"title": "T", "state": "approved", "video_id": "1"}, NOW)
    revision = drafts.find_draft(draft_id, entrant.id).revision
    assert (revision.state, revision.video_id) == ("draft", None)


def test_text_that_a_database_cannot_hold_is_kept_without_it(draft_id, entrant):
    service.save_draft(draft_id, entrant.id, 0, {"title": "a\x00b\ud800"}, NOW)
    assert drafts.find_draft(draft_id, entrant.id).revision.title == "ab?"


def test_B20_an_unpublished_contest_does_not_exist(entrant):
    hidden = make_contest(is_published=False)
    for contest_id in (hidden.id, 999_999):
        with pytest.raises(NotFound):
            service.start_draft(entrant.id, contest_id, NOW)


def test_B21_the_51st_draft(entrant, contest):
    for _ in range(MOST_DRAFTS):
        draft_id = service.start_draft(entrant.id, contest.id, NOW)
    with pytest.raises(TooManyDrafts, match="You have 50 drafts. Delete one first."):
        service.start_draft(entrant.id, contest.id, NOW)
    service.withdraw(draft_id, entrant.id, NOW)
    assert service.start_draft(entrant.id, contest.id, NOW)


def test_nobody_touches_the_draft_of_another(draft_id, entrant):
    stranger = make_user()
    video = make_video(stranger)
    for act in (
        lambda: service.save_draft(draft_id, stranger.id, 0, TEXTS, NOW),
        lambda: attach_video(draft_id, stranger.id, video.id, NOW),
        lambda: attach_video(draft_id, entrant.id, video.id, NOW),
        lambda: service.accept_rules(draft_id, stranger.id, 1, NOW),
        lambda: send(draft_id, stranger),
        lambda: service.withdraw(draft_id, stranger.id, NOW),
        lambda: service.start_revision(draft_id, stranger.id, NOW),
    ):
        with pytest.raises(NotFound):
            act()
    assert drafts.find_draft(draft_id, stranger.id) is None


def test_sending_in_tells_everything_that_is_missing(draft_id, entrant):
    with pytest.raises(NotReady) as refused:
        send(draft_id, entrant)
    assert list(refused.value.problems) == ["title", "cause", "video", "story", "rights"]


def test_sending_in_waits_for_the_moderators_and_writes_a_mail(draft_id, entrant):
    complete(draft_id, entrant)
    send(draft_id, entrant)
    draft = drafts.find_draft(draft_id, entrant.id)
    assert (draft.entry.state, draft.revision.state, draft.entry.submitted_at) == (
        "submitted",
        "submitted",
        NOW,
    )
    assert not draft.is_open
    mail = db.session.scalars(select(MailMessage)).one()
    assert (mail.kind, mail.recipient) == ("entry_received", entrant.email)
    with pytest.raises(WrongState):
        send(draft_id, entrant)
    with pytest.raises(WrongState):
        service.save_draft(draft_id, entrant.id, 1, {"title": "Late"}, NOW)
    assert [line.entry_id for line in drafts.list_waiting()] == [draft_id]


def test_B14_a_millisecond_too_late_keeps_the_draft(draft_id, entrant, contest):
    complete(draft_id, entrant)
    closes_at = contest.phases[0].ends_at
    with pytest.raises(EntriesClosed, match="Entries closed at 08:00 on 15 May"):
        send(draft_id, entrant, closes_at + timedelta(milliseconds=1))
    assert drafts.find_draft(draft_id, entrant.id).revision.title == TEXTS["title"]
    send(draft_id, entrant, closes_at - timedelta(milliseconds=1))


def test_too_early_keeps_the_draft(entrant):
    contest = make_contest(opens=NOW + timedelta(days=1))
    draft_id = service.start_draft(entrant.id, contest.id, NOW)
    complete(draft_id, entrant)
    with pytest.raises(NotOpenYet):
        send(draft_id, entrant)


def test_no_new_draft_after_the_close(entrant, contest):
    with pytest.raises(EntriesClosed):
        service.start_draft(entrant.id, contest.id, contest.phases[0].ends_at)


def test_rules_that_changed_must_be_agreed_to_again(draft_id, entrant, contest):
    complete(draft_id, entrant)
    fresh = db.session.get_one(Contest, contest.id)
    fresh.rules_version = 2
    db.session.commit()
    with pytest.raises(RulesChanged):
        service.accept_rules(draft_id, entrant.id, 1, NOW)
    with pytest.raises(NotReady):
        send(draft_id, entrant)
    service.accept_rules(draft_id, entrant.id, 2, NOW)
    send(draft_id, entrant)


def test_an_edit_of_a_live_entry_leaves_it_alone(app):
    entry = make_entry()
    number = service.start_revision(entry.id, entry.entrant_id, NOW)
    assert service.start_revision(entry.id, entry.entrant_id, NOW) == number == 2
    service.save_draft(entry.id, entry.entrant_id, 0, {"title": "A better title"}, NOW)
    service.send_in(entry.id, entry.entrant_id, NOW, COMPOSE, "https://quilt.example/submit/1")
    live = db.session.get_one(Entry, entry.id, populate_existing=True)
    assert (live.state, live.title, live.version) == ("published", "Mateo's first steps", 1)
    with pytest.raises(WrongState):
        service.start_revision(entry.id, entry.entrant_id, NOW)
    states = db.session.scalars(select(EntryRevision.state).order_by(EntryRevision.number)).all()
    assert states == ["approved", "submitted"]


def test_a_tab_from_before_the_approval_stays_stale(draft_id, entrant):
    """The next version goes on counting, or it would reach the old tab's count some saves later."""
    for count, title in enumerate(("First", "Second")):
        service.save_draft(draft_id, entrant.id, count, {"title": title}, NOW)
    with transaction() as session:
        session.get_one(Entry, draft_id).state = "published"
        drafts.newest_revision(session, draft_id).state = "approved"
    assert service.start_revision(draft_id, entrant.id, NOW) == 2
    assert drafts.find_draft(draft_id, entrant.id).revision.edit_count == 2
    service.save_draft(draft_id, entrant.id, 2, {"title": "Newer"}, NOW)
    for old_count in (0, 1, 2):
        with pytest.raises(StaleDraft):
            service.save_draft(draft_id, entrant.id, old_count, {"title": "Old tab"}, NOW)
    assert drafts.find_draft(draft_id, entrant.id).revision.title == "Newer"


def test_withdrawing_a_live_entry_changes_the_public_pages(app):
    entry = make_entry()
    before = db.session.get_one(Contest, entry.contest_id).version
    service.withdraw(entry.id, entry.entrant_id, NOW)
    fresh = db.session.get_one(Entry, entry.id, populate_existing=True)
    contest = db.session.get_one(Contest, entry.contest_id, populate_existing=True)
    assert (fresh.state, fresh.version, contest.version) == ("withdrawn", 2, before + 1)
    assert drafts.list_drafts(entry.entrant_id) == []
    with pytest.raises(WrongState):
        service.withdraw(entry.id, entry.entrant_id, NOW)


def test_a_live_video_keeps_the_poster_it_was_approved_with(app):
    entry = make_entry()
    service.start_revision(entry.id, entry.entrant_id, NOW)
    with pytest.raises(WrongState):
        service.choose_poster(entry.id, entry.entrant_id, 2.0, NOW)


@pytest.mark.parametrize(
    ("film", "cause"),
    [
        (None, "missing"),
        ({"kind": "vimeo"}, "linked"),
        ({"kind": "file", "state": "processing"}, "unready"),
        ({"kind": "file", "state": "queued"}, "unready"),
        ({"kind": "file", "state": "parked"}, "unready"),
    ],
)
def test_films_that_have_no_poster_to_choose(draft_id, entrant, film, cause):
    if film is not None:
        attach_video(draft_id, entrant.id, make_video(entrant, **film).id, NOW)
    with pytest.raises(PosterFixed) as refused:
        service.choose_poster(draft_id, entrant.id, 2.0, NOW)
    assert str(refused.value) == NO_POSTER[cause]
    video = drafts.find_draft(draft_id, entrant.id).video
    assert video is None or video.poster_second == 1.0


@pytest.mark.parametrize(("asked", "stored"), [(2.345, 2.35), (-4, 0), (1e9, 5.0)])
def test_the_second_of_the_poster(draft_id, entrant, asked, stored):
    video = make_video(entrant, kind="file", duration_seconds=5.0, external_id="")
    attach_video(draft_id, entrant.id, video.id, NOW)
    assert service.choose_poster(draft_id, entrant.id, asked, NOW) == video.id
    assert drafts.find_draft(draft_id, entrant.id).video.poster_second == pytest.approx(stored, abs=0.011)
    assert service.choose_poster(draft_id, entrant.id, asked, NOW) is None
