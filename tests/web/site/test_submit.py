"""Entering, as a browser without scripts sees it."""

import contextvars
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.accounts.models import User
from quilt.contests.models import Phase
from quilt.database import db, transaction
from quilt.entries import service as entries
from quilt.entries.models import Entry, EntryRevision
from quilt.media.models import Video
from quilt.media.storage import originals_of
from quilt.web import clock
from tests.factories import attach_video, make_contest, make_user, make_video
from tests.sessions import start_sessions

TITLE = "Mateo's first steps"
ALL_RIGHTS = {"owns_video": "y", "people_agree": "y", "accepts_rules": "y", "rules_version": "1"}
JSON = {"Accept": "application/json"}


def sign_in(client, user):
    with client.session_transaction() as session:
        session.update(start_sessions([user.id])[user.id])


def token_of(client, path="/sign-in"):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)[1]


@pytest.fixture
def entrant(client):
    user = make_user(name="Mateo")
    sign_in(client, user)
    return user


@pytest.fixture
def contest(app):
    moment = clock.now()
    return make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))


@pytest.fixture
def draft_id(client, entrant, contest):
    answer = post(client, "/submit", contest_id=contest.id)
    assert answer.status_code == 303
    return int(re.search(r"/submit/(\d+)", answer.headers["Location"])[1])


def post(client, path, headers=None, **fields):
    data = {"csrf_token": token_of(client), **fields}
    return client.post(path, data=data, headers=headers)


def save(client, draft_id, step, headers=None, **fields):
    return post(client, f"/submit/{draft_id}/draft", headers, step=step, **fields)


def upload(client, draft_id, content, name="film.mp4", headers=None, token=None):
    data = {"csrf_token": token or token_of(client), "file": (io.BytesIO(content), name)}
    return client.post(f"/submit/{draft_id}/video", data=data, headers=headers)


def revision(draft_id):
    return db.session.scalars(select(EntryRevision).where(EntryRevision.entry_id == draft_id)).one()


def complete(client, draft_id):
    save(client, draft_id, "cause", edit_count=0, title=TITLE, cause="Pompe research")
    save(client, draft_id, "story", edit_count=1, story="He walked.", thanks="")
    post(client, f"/submit/{draft_id}/link", address="https://youtu.be/dQw4w9WgXcQ")
    save(client, draft_id, "rights", **ALL_RIGHTS)


def test_a_step_that_was_passed_over_is_not_done(client, draft_id):
    save(client, draft_id, "cause", edit_count=0, title=TITLE, cause="Pompe research")
    steps = client.get(f"/submit/{draft_id}?step=story").text.partition("</ol>")[0]
    words = re.findall(r'<a href="[^"]+">([^<]+)</a><span class="visually-hidden"> \(([^)]+)\)', steps)
    assert words == [("Title and cause", "done"), ("Video", "something is missing")]
    assert steps.count('class="is-done"') == 1


def test_the_whole_way_without_a_script(client, draft_id):
    answer = save(client, draft_id, "cause", edit_count=0, title=TITLE, cause="Pompe research")
    assert answer.headers["Location"].endswith("step=video")
    assert post(client, f"/submit/{draft_id}/link", address="https://vimeo.com/76979871").status_code == 303
    assert (
        save(client, draft_id, "story", edit_count=1, story="He walked.")
        .headers["Location"]
        .endswith("step=rights")
    )
    assert save(client, draft_id, "rights", **ALL_RIGHTS).headers["Location"].endswith("step=preview")
    preview = client.get(f"/submit/{draft_id}?step=preview")
    assert "Mateo&#39;s first steps" in preview.text and "Still missing" not in preview.text
    assert post(client, f"/submit/{draft_id}/send").status_code == 303
    page = client.get(f"/submit/{draft_id}")
    assert "Waiting for review" in page.text and "What happens next" in page.text
    row = revision(draft_id)
    assert (row.state, row.accepted_rules_version, row.accepted_at is not None) == ("submitted", 1, True)


@pytest.mark.parametrize("step", ["cause", "video", "story", "rights", "preview"])
def test_every_step_renders_empty_and_full(client, draft_id, step):
    assert client.get(f"/submit/{draft_id}?step={step}").status_code == 200
    complete(client, draft_id)
    page = client.get(f"/submit/{draft_id}?step={step}")
    assert page.status_code == 200 and page.headers["Cache-Control"] == "private, no-store"


def test_one_comes_back_to_the_first_thing_missing(client, draft_id):
    save(client, draft_id, "cause", edit_count=0, title=TITLE, cause="Pompe research")
    assert "<h1>Your video</h1>" in client.get(f"/submit/{draft_id}").text


def test_autosave_answers_with_the_new_edit_count(client, draft_id):
    answer = save(client, draft_id, "cause", JSON, edit_count=0, title="M")
    assert answer.json["edit_count"] == 1
    assert save(client, draft_id, "cause", JSON, edit_count=1, title="").json["edit_count"] == 2
    assert revision(draft_id).title == ""


@pytest.mark.parametrize(
    ("title", "message"),
    [
        pytest.param("", "Give your entry a title.", id="B01-empty"),
        pytest.param("   ", "Give your entry a title.", id="B01-spaces"),
        pytest.param("\u200b", "Give your entry a title.", id="B01-zero-width"),
        pytest.param("x" * 100_001, "Use at most 120 characters (you have 100,001).", id="B02"),
    ],
)
def test_titles_that_do_not_pass_are_kept_and_explained(client, draft_id, title, message):
    answer = save(client, draft_id, "cause", edit_count=0, title=title, cause="A cause")
    assert answer.status_code == 422 and message in answer.text
    assert 'id="title"' in answer.text and 'value="A cause"' in answer.text
    assert (title.strip("\u200b ") or "title") in answer.text


def test_B03_markup_is_text_everywhere(client, draft_id):
    nasty = '<script>alert(1)</script><svg/onload=x>[x](javascript:alert(1))<a href="data:text/html,x">'
    save(client, draft_id, "story", edit_count=0, story=nasty, thanks=nasty[:200])
    page = client.get(f"/submit/{draft_id}?step=preview").text
    assert "<script>alert" not in page and "<svg/onload" not in page and "&lt;script&gt;" in page
    assert revision(draft_id).story == nasty


@pytest.mark.parametrize(
    ("address", "words"),
    [
        pytest.param("http://127.0.0.1:5432/", "Only links to YouTube or Vimeo", id="B05"),
        pytest.param("http://[::1]/", "Only links to YouTube or Vimeo", id="B06"),
        pytest.param("http://169.254.169.254/latest/meta-data/", "Only links to YouTube or Vimeo", id="B07"),
        pytest.param("file:///etc/passwd", "Only https links", id="B11"),
        pytest.param("javascript:alert(1)", "Only https links", id="B11-script"),
        pytest.param("", "Only https links", id="empty"),
    ],
)
def test_links_that_are_not_taken(client, draft_id, address, words):
    answer = post(client, f"/submit/{draft_id}/link", address=address)
    assert answer.status_code == 422 and words in answer.text
    assert db.session.query(Video).count() == 0


def test_B14_after_the_close_the_draft_is_kept(client, draft_id, contest):
    complete(client, draft_id)
    contest.phases[0].ends_at = clock.now()
    db.session.merge(contest.phases[0])
    db.session.commit()
    answer = post(client, f"/submit/{draft_id}/send")
    assert (
        answer.status_code == 409
        and "Entries closed at" in answer.text
        and "Your draft is saved." in answer.text
    )
    assert revision(draft_id).title == TITLE


def test_B18_both_versions_are_shown(client, draft_id):
    save(client, draft_id, "cause", edit_count=0, title="The first tab", cause="c")
    answer = save(client, draft_id, "cause", edit_count=0, title="The second tab", cause="c")
    assert answer.status_code == 412
    assert "This draft changed in another tab." in answer.text
    assert "The first tab" in answer.text and "The second tab" in answer.text
    count = re.search(r'name="edit_count"[^>]*value="(\d+)"', answer.text)[1]
    assert (
        save(client, draft_id, "cause", edit_count=count, title="The second tab", cause="c").status_code
        == 303
    )
    assert save(client, draft_id, "cause", JSON, edit_count=0, title="Third").status_code == 412


def test_B19_foreign_fields_are_ignored(client, draft_id):
    extra = {"status": "approved", "owner_id": "1", "votes": "9999", "state": "published"}
    assert save(client, draft_id, "cause", edit_count=0, title="T", cause="c", **extra).status_code == 303
    entry = db.session.get_one(Entry, draft_id)
    assert (entry.state, revision(draft_id).state) == ("draft", "draft")


def test_B20_hidden_contests_do_not_exist(client, entrant, contest):
    hidden = make_contest(is_published=False)
    for contest_id in (hidden.id, 999_999, "x", "", "9" * 30):
        assert post(client, "/submit", contest_id=contest_id).status_code == 404


def test_B21_the_51st_draft(client, entrant, contest):
    for _ in range(50):
        entries.start_draft(entrant.id, contest.id, clock.now())
    answer = post(client, "/submit", contest_id=contest.id)
    assert answer.status_code == 422 and "You have 50 drafts. Delete one first." in answer.text


def test_what_was_withdrawn_in_another_tab_is_not_sent_in(client, draft_id):
    complete(client, draft_id)
    post(client, f"/submit/{draft_id}/send")
    assert post(client, f"/submit/{draft_id}/withdraw", sure="yes").status_code == 303
    answer = post(client, f"/submit/{draft_id}/send")
    assert answer.status_code == 409 and "cannot be sent in now" in answer.text


def test_sending_too_early_lists_what_is_missing(client, draft_id):
    answer = post(client, f"/submit/{draft_id}/send")
    assert answer.status_code == 422
    for words in ("Give your entry a title.", "Add your video", "Tick the three boxes"):
        assert words in answer.text


def test_unticked_boxes_are_asked_for(client, draft_id):
    answer = save(client, draft_id, "rights", owns_video="y", rules_version="1")
    assert answer.status_code == 422 and answer.text.count("Please tick this box.") == 4
    assert revision(draft_id).accepted_rules_version is None
    old = save(client, draft_id, "rights", **{**ALL_RIGHTS, "rules_version": "7"})
    assert old.status_code == 409 and "read version 1 and agree again" in old.text


def test_an_upload_is_taken_and_waits(client, draft_id, good_mp4):
    answer = upload(client, draft_id, good_mp4.read_bytes())
    assert answer.status_code == 303
    video = db.session.scalars(select(Video)).one()
    assert (video.state, video.file_name, video.byte_count) == ("queued", "film.mp4", good_mp4.stat().st_size)
    assert "waits its turn" in client.get(f"/submit/{draft_id}?step=video").text
    told = client.get(f"/submit/{draft_id}/progress.json").json
    assert (told["state"], told["is_final"]) == ("queued", False)


def test_an_upload_may_be_larger_than_any_other_request(client, draft_id, settings, good_mp4):
    content = good_mp4.read_bytes() + bytes(5_000_000)
    fields = f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token_of(client)}\r\n'
    opening = '--x\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n'
    body = io.BytesIO(f"{fields}{opening}".encode() + content + b"\r\n--x--\r\n")
    answer = client.post(
        f"/submit/{draft_id}/video", input_stream=body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 303
    video = db.session.scalars(select(Video)).one()
    assert originals_of(settings).path(video.original_key).read_bytes() == content


def test_an_upload_by_script_answers_in_json(client, draft_id, good_mp4):
    answer = upload(client, draft_id, good_mp4.read_bytes(), headers=JSON)
    assert answer.status_code == 201 and answer.json["state"] == "queued"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        pytest.param(b"", "film.mp4", "This file is empty", id="zero-bytes"),
        pytest.param(b"#EXTM3U\n/secret.ts", "film.mp4", "This is not a film", id="C13"),
        pytest.param(b"PK\x03\x04zip", "film.mp4", "This is not a film", id="C16"),
        pytest.param(b"x", "", "Choose a video file first.", id="none-chosen"),
    ],
)
def test_uploads_that_are_refused(client, draft_id, settings, content, name, words):
    answer = upload(client, draft_id, content, name)
    assert answer.status_code == 422 and words in answer.text
    assert upload(client, draft_id, content, name, headers=JSON).json["status"] == 422
    assert not list(settings.uploads.glob("parts/*"))


class Meanwhile(io.BytesIO):
    """A body during which something else happens: `act`, before its first piece is read."""

    act = None

    def readinto(self, buffer):
        self._happen()
        return super().readinto(buffer)

    def read(self, size=-1):
        self._happen()
        return super().read(size)

    def _happen(self):
        act, self.act = self.act, None
        if act is not None:
            contextvars.Context().run(act)


@pytest.mark.parametrize(
    "content", [b"\0\0\0\x18ftypisom" + bytes(100), b"PK\x03\x04zip"], ids=["film", "zip"]
)
@pytest.mark.parametrize("headers", [JSON, None], ids=["script", "plain"])
def test_an_upload_that_ends_after_the_entry_was_sent_in(
    app, client, entrant, draft_id, settings, content, headers
):
    complete(client, draft_id)
    token, tab = token_of(client), app.test_client()
    sign_in(tab, entrant)
    before = set(originals_of(settings).list_keys()), db.session.query(Video).count()
    head = '--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + token
    head += '\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n'
    body = Meanwhile(head.encode() + content + b"\r\n--x--\r\n")

    def send_in():
        with app.app_context():
            post(tab, f"/submit/{draft_id}/send")

    body.act = send_in
    answer = client.post(
        f"/submit/{draft_id}/video",
        headers=headers,
        input_stream=body,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 409, answer.text
    assert "sent in meanwhile, so its video cannot be changed now" in answer.text
    assert revision(draft_id).state == "submitted"
    assert (set(originals_of(settings).list_keys()), db.session.query(Video).count()) == before
    assert not list(settings.uploads.glob("parts/*"))


@pytest.mark.parametrize("headers", [JSON, None], ids=["script", "plain"])
def test_an_upload_to_what_was_sent_in_is_refused_before_it_is_read(client, draft_id, headers):
    complete(client, draft_id)
    post(client, f"/submit/{draft_id}/send")
    body, is_read = Meanwhile(b"--x--\r\n"), []
    body.act = lambda: is_read.append(True)
    answer = client.post(
        f"/submit/{draft_id}/video",
        headers=headers,
        input_stream=body,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 409 and "its video cannot be changed now" in answer.text
    assert not is_read


def test_a_link_after_the_entry_was_sent_in(client, draft_id):
    complete(client, draft_id)
    post(client, f"/submit/{draft_id}/send")
    count = db.session.query(Video).count()
    answer = post(client, f"/submit/{draft_id}/link", address="https://vimeo.com/76979871")
    assert answer.status_code == 409 and "sent in meanwhile" in answer.text
    assert db.session.query(Video).count() == count


@pytest.mark.parametrize("state", ["ready", "queued", "processing", "parked"])
def test_a_file_that_is_no_video_leaves_the_earlier_one(client, draft_id, entrant, settings, state):
    video = make_video(entrant, state=state)
    attach_video(draft_id, entrant.id, video.id, clock.now())
    before = set(originals_of(settings).list_keys())
    for headers in (None, JSON):
        answer = upload(client, draft_id, b"PK\x03\x04zip", headers=headers)
        assert answer.status_code == 422 and "This is not a film" in answer.text
        assert "Your earlier video is kept." in answer.text
    assert revision(draft_id).video_id == video.id and db.session.query(Video).count() == 1
    assert set(originals_of(settings).list_keys()) == before


def test_a_file_that_is_no_video_shows_where_there_was_none(client, draft_id):
    for content, words in ((b"PK\x03\x04zip", "This is not a film"), (b"", "This file is empty")):
        answer = upload(client, draft_id, content)
        assert answer.status_code == 422 and "earlier video" not in answer.text
        assert words in client.get(f"/submit/{draft_id}?step=video").text
        told = client.get(f"/submit/{draft_id}/progress.json").json
        assert told["state"] == "refused" and words in told["message"]


def test_uploading_is_the_one_main_button_until_there_is_a_film(client, draft_id, good_mp4):
    main = '<button class="button button-primary" type="submit" data-busy="Uploading…">'
    path = f"/submit/{draft_id}?step=video"
    assert main in client.get(path).text
    upload(client, draft_id, b"#EXTM3U", name="film.mp4")
    assert main in client.get(path).text
    upload(client, draft_id, good_mp4.read_bytes())
    assert main not in client.get(path).text


def test_too_large_is_said_before_it_is_read(client, draft_id, settings):
    answer = client.post(
        f"/submit/{draft_id}/video",
        headers=JSON,
        input_stream=io.BytesIO(b""),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(3 * 1024**3)},
    )
    assert answer.status_code == 413, answer.text
    assert "Videos can be up to 2 GB." in answer.json["detail"]
    assert not list(settings.uploads.glob("parts/*"))


def test_a_broken_off_upload_leaves_the_draft_and_no_file(client, draft_id, settings):
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' + b"0" * 5000
    answer = client.post(
        f"/submit/{draft_id}/video",
        input_stream=io.BytesIO(body),
        environ_overrides={"CONTENT_LENGTH": "90000"},
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 400
    assert not list(settings.uploads.glob("parts/*")) and revision(draft_id).video_id is None


def test_an_upload_needs_the_form_s_token(client, draft_id, settings, good_mp4):
    answer = upload(client, draft_id, good_mp4.read_bytes(), token="forged")
    assert answer.status_code == 403
    assert not list(settings.uploads.glob("parts/*")) and db.session.query(Video).count() == 0


def test_the_poster_s_second(client, draft_id, entrant):
    video = make_video(
        entrant, kind="file", duration_seconds=5.0, external_id="", video_key="", poster_second=1.0
    )
    attach_video(draft_id, entrant.id, video.id, clock.now())
    assert save(client, draft_id, "preview", poster_second="2.5").status_code == 303
    assert db.session.get_one(Video, video.id, populate_existing=True).poster_second == 2.5
    for nonsense in ("", "NaN", "soon"):
        assert save(client, draft_id, "preview", poster_second=nonsense).status_code == 422


@pytest.mark.parametrize(
    ("film", "words"),
    [
        ({}, "A linked film brings its own picture."),
        ({"kind": "file", "state": "processing"}, "Your film does not play yet."),
    ],
)
def test_a_poster_that_cannot_be_chosen_says_why(client, draft_id, entrant, film, words):
    attach_video(draft_id, entrant.id, make_video(entrant, **film).id, clock.now())
    answer = save(client, draft_id, "preview", poster_second="2.5")
    assert answer.status_code == 409 and words in answer.text
    assert "sent in meanwhile" not in answer.text and "This is how it will look" in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "/progress.json"),
        ("post", "/draft"),
        ("post", "/video"),
        ("post", "/link"),
        ("post", "/send"),
        ("post", "/revise"),
        ("post", "/withdraw"),
    ],
)
def test_nobody_else_sees_or_changes_it(app, client, draft_id, method, path):
    stranger, nobody = app.test_client(), app.test_client()
    sign_in(stranger, make_user())
    for browser, expected in ((stranger, {404}), (nobody, {302, 303, 403})):
        token = token_of(browser)
        answer = getattr(browser, method)(
            f"/submit/{draft_id}{path}", **({"data": {"csrf_token": token}} if method == "post" else {})
        )
        assert answer.status_code in expected, answer.text


@pytest.mark.parametrize("form", ["draft", "video", "link", "send", "revise", "withdraw"])
def test_a_form_s_address_leads_back_to_the_steps(client, draft_id, form):
    answer = client.get(f"/submit/{draft_id}/{form}")
    assert answer.status_code == 303
    assert "Title and cause" in client.get(answer.headers["Location"]).text


def test_a_draft_is_deleted_only_with_the_box(client, draft_id):
    assert post(client, f"/submit/{draft_id}/withdraw").status_code == 422
    assert post(client, f"/submit/{draft_id}/withdraw", sure="yes").status_code == 303
    assert db.session.get_one(Entry, draft_id).state == "withdrawn"
    assert "You have withdrawn it" in client.get(f"/submit/{draft_id}").text


def test_strangers_read_what_entering_means(client, contest):
    page = client.get("/submit")
    assert page.status_code == 200 and "Start your entry" in page.text
    last = contest.phases[-1]
    with transaction() as session:  # it touches the one before: the two are one stretch of time
        session.add(
            Phase(
                contest_id=contest.id, name="More", starts_at=last.ends_at,
                ends_at=last.ends_at + timedelta(days=1), may_submit=True,
            )
        )  # fmt: skip
    page = client.get("/submit")
    assert page.text.count("Entries until") == 1 and "Entries from" not in page.text
    answer = post(client, "/submit", contest_id=contest.id)
    assert answer.status_code == 303 and "/sign-in?next=" in answer.headers["Location"]


def test_after_the_close_no_draft_begins(client, entrant):
    over = make_contest(opens=clock.now() - timedelta(days=2), closes=clock.now() - timedelta(days=1))
    answer = post(client, "/submit", contest_id=over.id)
    assert answer.status_code == 409 and "Entries closed at" in answer.text


@pytest.fixture
def newcomer(client):
    """Somebody who has signed in by a code and was never asked for a name."""
    user = make_user(name="")
    sign_in(client, user)
    return user.id


def name_of(user_id):
    db.session.rollback()
    return db.session.get_one(User, user_id).name


def begin(client, contest):
    answer = post(client, "/submit", contest_id=contest.id)
    draft_id = int(re.search(r"/submit/(\d+)", answer.headers["Location"])[1])
    complete(client, draft_id)
    return draft_id


def test_a_newcomer_gives_a_name_with_the_first_entry(client, newcomer, contest):
    draft_id = begin(client, contest)
    assert 'id="name"' in client.get(f"/submit/{draft_id}?step=preview").text
    assert post(client, f"/submit/{draft_id}/send", name=" Rosa ").status_code == 303
    assert (name_of(newcomer), revision(draft_id).state) == ("Rosa", "submitted")
    assert 'id="name"' not in client.get(f"/submit/{begin(client, contest)}?step=preview").text


def test_a_name_that_will_not_do_is_kept_and_nothing_sent(client, newcomer, contest):
    draft_id = begin(client, contest)
    answer = post(client, f"/submit/{draft_id}/send", name="R" * 61)
    assert answer.status_code == 422
    assert "Use at most 60 characters." in answer.text and f'value="{"R" * 61}"' in answer.text
    assert (name_of(newcomer), revision(draft_id).state) == ("", "draft")


def test_a_name_is_asked_for_and_not_demanded(client, newcomer, contest):
    draft_id = begin(client, contest)
    assert post(client, f"/submit/{draft_id}/send", name="  ").status_code == 303
    assert (name_of(newcomer), revision(draft_id).state) == ("", "submitted")


def test_who_has_a_name_keeps_it(client, draft_id, entrant):
    complete(client, draft_id)
    user_id = entrant.id
    assert 'id="name"' not in client.get(f"/submit/{draft_id}?step=preview").text
    post(client, f"/submit/{draft_id}/send", name="Somebody else")
    assert name_of(user_id) == "Mateo"
