"""The desk: who may enter, what waits, deciding, and the log."""

import re
from datetime import timedelta

import pytest

from quilt.config import Settings
from quilt.database import db
from quilt.entries import service as entries
from quilt.entries.drafts import newest_revision
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.media.models import Video
from tests.conftest import NOW
from tests.factories import attach_video, make_contest, make_entry, make_user, make_video
from tests.web.site.test_submit import sign_in, token_of

COMPOSE = composer(Settings())
NASTY = "<img src=x onerror=alert(1)>"


def send_in_one(title="Mateo's first steps", **texts):
    entrant = make_user(name=texts.pop("name", "Mateo"))
    entry_id = entries.start_draft(entrant.id, make_contest().id, NOW)
    fields = {"title": title, "cause": "Pompe", "story": "He walked.", **texts}
    entries.save_draft(entry_id, entrant.id, 0, fields, NOW)
    attach_video(entry_id, entrant.id, make_video(entrant).id, NOW)
    entries.accept_rules(entry_id, entrant.id, 1, NOW)
    entries.send_in(entry_id, entrant.id, NOW, COMPOSE, "https://quilt.example/submit/1")
    return entry_id


@pytest.fixture
def ana(client):
    user = make_user(name="Ana", role="moderator")
    sign_in(client, user)
    return user


def decide(client, entry_id, action, revision_id=None, **more):
    if revision_id is None:
        revision_id = newest_revision(db.session, entry_id).id
        db.session.rollback()
    data = {"csrf_token": token_of(client), "action": action, "revision_id": revision_id, **more}
    return client.post(f"/admin/entries/{entry_id}/decide", data=data)


def test_the_queue_shows_the_oldest_first_with_counts(client, ana):
    first, second = send_in_one("First"), send_in_one("Second")
    page = client.get("/admin")
    assert page.text.index("First") < page.text.index("Second")
    assert re.search(r'Waiting <span class="muted number">2</span>', page.text)
    assert f"/admin/entries/{first}" in page.text and f"/admin/entries/{second}" in page.text


def test_times_are_those_of_the_contest(client, ana):
    entry_id = send_in_one()
    assert "10 May 2026, 08:00 (New York)" in client.get("/admin").text
    decide(client, entry_id, "approve")
    for path, times in (("/admin?state=approved", 1), (f"/admin/entries/{entry_id}", 3)):
        page = client.get(path).text
        assert (page.count("(New York)"), page.count("(UTC)")) == (times, 0), path


@pytest.mark.parametrize("state", ["submitted", "needs_changes", "approved", "rejected", "draft", "nonsense"])
def test_every_tab_of_the_queue(client, ana, state):
    make_entry()
    assert client.get(f"/admin?state={state}").status_code == 200


def test_approving_takes_it_off_the_queue(client, ana):
    entry_id = send_in_one()
    review = client.get(f"/admin/entries/{entry_id}")
    assert "Mateo&#39;s first steps" in review.text and "Decide" in review.text
    answer = decide(client, entry_id, "approve")
    assert answer.status_code == 303
    queue = client.get("/admin").text
    assert "Nobody waits" in queue and "Approved: “Mateo&#39;s first steps”" in queue
    assert db.session.get_one(Entry, entry_id).state == "published"
    log = client.get("/admin/log").text
    assert "approved" in log and "Ana" in log
    assert "There is nothing to decide now." in client.get(f"/admin/entries/{entry_id}").text


def test_asking_for_changes_shows_the_entrant_the_reason(app, client, ana):
    entry_id = send_in_one()
    assert (
        decide(client, entry_id, "ask_changes", reason="ask_changes:sound", words="Page 2!").status_code
        == 303
    )
    entrant = app.test_client()
    sign_in(entrant, db.session.get_one(type(ana), db.session.get_one(Entry, entry_id).entrant_id))
    page = entrant.get(f"/submit/{entry_id}").text
    assert "The sound is hard to understand." in page and "Page 2!" in page
    assert re.search(r'href="/submit/\d+\?step=video">Change the video</a>', page)


@pytest.mark.parametrize(
    ("action", "more", "words"),
    [
        pytest.param("reject", {"words": "My words"}, "Choose a reason", id="H08"),
        pytest.param("reject", {"reason": "ask_changes:sound"}, "Choose a reason", id="foreign-reason"),
        pytest.param("reject", {"reason": "reject:other"}, "Say in your own words", id="other-without-words"),
        pytest.param("", {}, "Choose what to do", id="no-action"),
    ],
)
def test_refused_decisions_keep_what_was_typed(client, ana, action, more, words):
    entry_id = send_in_one()
    answer = decide(client, entry_id, action, **more)
    assert answer.status_code == 422 and words in answer.text and more.get("words", "") in answer.text
    assert db.session.get_one(Entry, entry_id).state == "submitted"


def test_the_reason_is_not_called_optional(client, ana):
    page = client.get(f"/admin/entries/{send_in_one()}").text
    assert "Reason (needed to ask for changes or to reject)</label>" in page and "<optgroup" in page


def test_H10_the_second_moderator_is_told_who_was_first(app, client, ana):
    entry_id = send_in_one()
    revision_id = newest_revision(db.session, entry_id).id
    db.session.rollback()
    decide(client, entry_id, "approve", revision_id)
    ben = app.test_client()
    sign_in(ben, make_user(name="Ben", role="admin"))
    answer = decide(ben, entry_id, "reject", revision_id, reason="reject:harm")
    assert answer.status_code == 409
    assert re.search(r"Ana already approved this at \d\d:\d\d\.", answer.text)


def test_H22_every_free_text_is_escaped(client, ana):
    entry_id = send_in_one(NASTY, cause=NASTY[:60], story=NASTY, thanks=NASTY, name=NASTY)
    video = make_video(make_user(name=NASTY), kind="file", state="parked", message=NASTY, file_name=NASTY)
    decide(client, entry_id, "reject", reason="reject:other", words=NASTY)
    for path in ("/admin", "/admin?state=rejected", f"/admin/entries/{entry_id}", "/admin/log"):
        page = client.get(path)
        assert page.status_code == 200 and "<img src=x" not in page.text
        assert "&lt;img" in page.text, path
    assert video.id


def test_what_would_change_on_a_live_entry(client, ana):
    entry = make_entry(title="The old title")
    entries.start_revision(entry.id, entry.entrant_id, NOW)
    entries.save_draft(entry.id, entry.entrant_id, 0, {"title": "The new title"}, NOW)
    entries.send_in(entry.id, entry.entrant_id, NOW, COMPOSE, "https://quilt.example/submit/1")
    page = client.get(f"/admin/entries/{entry.id}").text
    assert "<del>old</del>" in page and "<ins>new</ins>" in page


def test_out_of_the_prize_and_in_again(client, ana):
    entry = make_entry()
    page, path = f"/admin/entries/{entry.id}", f"/admin/entries/{entry.id}/prize"

    def change(**fields):
        return client.post(path, data={"csrf_token": token_of(client), **fields})

    assert "Outside the prize</button>" in client.get(page).text
    assert change(is_eligible="no", words="A school class.").status_code == 303
    shown = client.get(page).text
    assert "In the prize again</button>" in shown and "A school class." in shown
    refused = change(is_eligible="yes", words=" ")
    assert refused.status_code == 422 and "Say why" in refused.text
    assert change(is_eligible="perhaps", words="Why not").status_code == 422
    assert not db.session.get_one(Entry, entry.id, populate_existing=True).is_eligible
    assert change(is_eligible="yes", words="They are 18.").status_code == 303
    assert db.session.get_one(Entry, entry.id, populate_existing=True).is_eligible


def test_only_published_entries_leave_the_prize(client, ana):
    entry_id = send_in_one()
    assert "Outside the prize" not in client.get(f"/admin/entries/{entry_id}").text
    data = {"csrf_token": token_of(client), "is_eligible": "no", "words": "No."}
    assert client.post(f"/admin/entries/{entry_id}/prize", data=data).status_code == 422


def test_sent_in_again_shows_when_and_what_changed(client, ana):
    entry_id = send_in_one("The old title")
    assert "<del>" not in client.get(f"/admin/entries/{entry_id}").text
    seen = newest_revision(db.session, entry_id).id
    db.session.rollback()
    decide(client, entry_id, "ask_changes", seen, reason="ask_changes:story")
    late = decide(client, entry_id, "approve", seen)
    assert late.status_code == 409 and "Ana already asked for changes to this" in late.text
    entrant_id, later = db.session.get_one(Entry, entry_id).entrant_id, NOW + timedelta(hours=5)
    entries.save_draft(
        entry_id,
        entrant_id,
        newest_revision(db.session, entry_id).edit_count,
        {"title": "The new title"},
        later,
    )
    entries.send_in(entry_id, entrant_id, later, COMPOSE, "https://quilt.example/submit/1")
    page = client.get(f"/admin/entries/{entry_id}").text
    assert "10 May 2026, 08:00" in page and ", again <time" in page and "10 May 2026, 13:00" in page
    assert "<del>old</del>" in page and "<ins>new</ins>" in page
    assert decide(client, entry_id, "approve", seen).status_code == 409, "not what was looked at"


def test_a_parked_video_is_run_again(client, ana):
    video = make_video(make_user(), kind="file", state="parked", message="We failed.", file_name="poison.mp4")
    assert "poison.mp4" in client.get("/admin").text
    path = f"/admin/videos/{video.id}/rerun"
    for _ in range(2):
        assert client.post(path, data={"csrf_token": token_of(client)}).status_code == 303
    assert db.session.get_one(Video, video.id, populate_existing=True).state == "queued"
    assert client.post("/admin/videos/999999/rerun", data={"csrf_token": token_of(client)}).status_code == 404


@pytest.mark.parametrize(
    ("page", "status"), [("1", 200), ("2", 200), ("0", 422), ("-1", 422), ("x", 422), ("", 422)]
)
def test_pages_of_the_log(client, ana, page, status):
    assert client.get(f"/admin/log?page={page}").status_code == status


@pytest.mark.parametrize("path", ["/admin", "/admin/log", "/admin/entries/1"])
def test_H01_the_desk_does_not_exist_for_others(app, path):
    make_entry()
    member, nobody = app.test_client(), app.test_client()
    sign_in(member, make_user())
    assert member.get(path).status_code == 404
    assert nobody.get(path).status_code == 302 and "/sign-in" in nobody.get(path).headers["Location"]


@pytest.mark.parametrize(
    "path", ["/admin/entries/1/decide", "/admin/entries/1/prize", "/admin/videos/1/rerun"]
)
def test_H01_nor_do_its_forms(app, path):
    make_entry()
    member = app.test_client()
    sign_in(member, make_user())
    assert member.post(path, data={"csrf_token": token_of(member)}).status_code == 404


@pytest.mark.parametrize("entry_id", [999_999, 2**63])
def test_unknown_entries(client, ana, entry_id):
    assert client.get(f"/admin/entries/{entry_id}").status_code == 404
