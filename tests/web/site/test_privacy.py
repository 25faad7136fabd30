"""A person's own data: the copy they take, and leaving; rows A30, I01, I04 and I11 of docs/bad_inputs.md."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from quilt.accounts.exports import drop_old_exports, folder_of, guard_cell, list_due_exports
from quilt.accounts.leaving import delete_due_accounts
from quilt.accounts.models import User
from quilt.accounts.models_security import AccountExport
from quilt.accounts.tasks import make_export
from quilt.community.models import Comment
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.entries.models import Entry, EntryRevision
from quilt.jobs.queue import Job
from quilt.mail import MailMessage
from quilt.media.models import Video
from quilt.media.storage import originals_of
from quilt.votes.models import Vote, Voter
from quilt.web import clock
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save
from tests.sessions import start_sessions

PRIVACY = "/me/privacy"
KEY = f"cd/cd{'0' * 30}.mp4"


@pytest.fixture(autouse=True)
def no_copies(settings: Settings) -> None:
    shutil.rmtree(folder_of(settings), ignore_errors=True)


@pytest.fixture
def ana(app: Flask) -> User:
    return make_user("ana@example.org", name="=Ana")


@pytest.fixture
def browse(app: Flask) -> Callable[[User], FlaskClient]:
    """A browser in which somebody is signed in and has just confirmed that it is them."""

    def enter(user: User, minutes: int = 0) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as session:
            shown_at = int((clock.now() - timedelta(minutes=minutes)).timestamp())
            session.update(start_sessions([user.id])[user.id], fresh_at=shown_at)
        return client

    return enter


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(PRIVACY).text)[1]
    return client.post(path, data={"csrf_token": token, **fields})


def work(settings: Settings) -> Job:
    return Job(settings, clock.now, clock.entropy)


def pack(client: FlaskClient, settings: Settings) -> int:
    """Ask for a copy and let a worker make it; its number."""
    assert send(client, f"{PRIVACY}/copies").status_code == 302
    [export_id] = list_due_exports(clock.now())
    make_export(work(settings), export_id)
    return export_id


def take(client: FlaskClient, export_id: int) -> TestResponse:
    answer = client.get(f"{PRIVACY}/copies/{export_id}", buffered=True)
    answer.get_data()
    answer.close()
    return answer


def fill(ana: User, settings: Settings) -> Entry:
    """An entry with a film, a comment and a vote, all of one person."""
    contest = make_contest()
    entry = make_entry(contest, ana, title="The library bus")
    path = originals_of(settings).path(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a film of forty bytes, more or less, or so")
    with transaction() as session:
        session.execute(update(Video).where(Video.owner_id == ana.id).values(original_key=KEY, kind="file"))
    other = make_entry(contest, title="Somebody else's")
    save(Comment(entry_id=other.id, author_id=ana.id, text="@everybody: go on!", written_at=NOW))
    voter = save(Voter(contest_id=contest.id, user_id=ana.id, key=b"k" * 32, created_at=NOW))
    save(
        Vote(
            contest_id=contest.id, voter_id=voter.id, entry_id=other.id, period="", receipt="c0ffee" * 4,
            cast_at=NOW, state="counted",
        )
    )  # fmt: skip
    return entry


def test_a_copy_holds_everything_of_its_owner_and_nothing_of_others(  # I11
    ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    fill(ana, settings)
    bea = make_user("bea@example.org", name="Bea")
    make_entry(entrant=bea, title="The secret of Bea")
    client = browse(ana)
    answer = take(client, pack(client, settings))
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    assert re.search(
        r"attachment; filename=quilt-\d+-\d{4}-\d\d-\d\d\.zip", answer.headers["Content-Disposition"]
    )
    assert "no-store" in answer.headers["Cache-Control"]
    archive = ZipFile(io.BytesIO(answer.data))
    everything = json.loads(archive.read("everything.json"))
    assert (
        everything["account"][0]["email"] == "ana@example.org" and everything["account"][0]["name"] == "=Ana"
    )
    assert everything["votes"][0]["receipt"] == "c0ffee" * 4
    assert everything["entries"][0]["title"] == "The library bus"
    films = [name for name in archive.namelist() if name.startswith("films/")]
    assert len(films) == 1 and archive.read(films[0]).startswith(b"a film")
    assert b"Bea" not in b"".join(archive.read(name) for name in archive.namelist())


def test_tables_hold_no_formulas(
    ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:  # I01
    fill(ana, settings)
    client = browse(ana)
    answer = take(client, pack(client, settings))
    archive = ZipFile(io.BytesIO(answer.data))
    [account] = csv.DictReader(io.StringIO(archive.read("account.csv").decode("utf-8-sig")))
    [comment] = csv.DictReader(io.StringIO(archive.read("comments.csv").decode("utf-8-sig")))
    assert account["name"] == "'=Ana" and comment["text"] == "'@everybody: go on!"
    assert json.loads(archive.read("everything.json"))["comments"][0]["text"] == "@everybody: go on!"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx", "|x", "＝1"])
def test_what_a_spreadsheet_would_compute(text: str) -> None:
    assert guard_cell(text) == f"'{text}" and guard_cell(-1) == -1 and guard_cell("a=1") == "a=1"


def test_a_copy_is_its_owner_s_alone(  # I04
    ana: User, browse: Callable[..., FlaskClient], settings: Settings, client: FlaskClient
) -> None:
    own = browse(ana)
    path = f"{PRIVACY}/copies/{pack(own, settings)}"
    assert browse(make_user()).get(path).status_code == 404
    assert client.get(path).location == f"/sign-in?next={path}"
    assert browse(ana, minutes=31).get(path).location == f"/sign-in/confirm?next={path}"
    with transaction() as session:
        session.execute(update(AccountExport).values(expires_at=clock.now()))
    assert own.get(path).status_code == 404
    assert drop_old_exports(settings, clock.now()) == 1 and list(folder_of(settings).glob("*.zip")) == []
    assert "Over" in own.get(PRIVACY).text


def test_a_letter_tells_when_it_is_ready(
    ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    pack(browse(ana), settings)
    assert db.session.scalars(select(MailMessage.kind)).all() == ["export_ready"]


def test_one_at_a_time_and_three_a_day(
    ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    client = browse(ana)
    assert send(client, f"{PRIVACY}/copies").status_code == 302
    assert send(client, f"{PRIVACY}/copies").status_code == 409
    make_export(work(settings), list_due_exports(clock.now())[0])
    pack(client, settings)
    pack(client, settings)
    assert send(client, f"{PRIVACY}/copies").status_code == 429


def test_a_copy_whose_worker_died_is_made_by_another(  # I07
    ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    client = browse(ana)
    send(client, f"{PRIVACY}/copies")
    [export_id] = list_due_exports(clock.now())
    with transaction() as session:
        session.execute(
            update(AccountExport).values(state="making", due_at=clock.now() + timedelta(minutes=5))
        )
    make_export(work(settings), export_id)
    assert list_due_exports(clock.now()) == [] and list(folder_of(settings).glob("*")) == []
    with transaction() as session:
        session.execute(update(AccountExport).values(due_at=clock.now()))
    assert list_due_exports(clock.now()) == [export_id]
    make_export(work(settings), export_id)
    assert db.session.get(AccountExport, export_id, populate_existing=True).state == "ready"
    assert [path.suffix for path in folder_of(settings).iterdir()] == [".zip"]
    assert oct(next(folder_of(settings).iterdir()).stat().st_mode)[-3:] == "600"


def test_the_preview_counts(ana: User, browse: Callable[..., FlaskClient], settings: Settings) -> None:
    fill(ana, settings)
    page = browse(ana).get(PRIVACY).text
    for words in ("1 version of your entries and 1 film", "1 comment of yours", "1 vote: counted as before"):
        assert words in page


def test_leaving_takes_seven_days_and_one_press_to_come_back(
    app: Flask, ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    client = browse(ana)
    assert send(client, f"{PRIVACY}/leave").status_code == 422, "the box is not ticked"
    answer = send(client, f"{PRIVACY}/leave", sure="y")
    assert answer.status_code == 200 and "no longer point to you" in answer.text
    assert client.get("/me").status_code == 302
    leaving_at = db.session.get(User, ana.id, populate_existing=True).leaving_at
    assert timedelta(days=6, hours=23) < leaving_at - clock.now() <= timedelta(days=7)
    assert delete_due_accounts(settings, clock.now() + timedelta(days=6)) == 0
    back = browse(db.session.get(User, ana.id))
    assert "will be deleted on" in back.get(PRIVACY).text
    assert send(back, f"{PRIVACY}/stay").status_code == 302
    assert delete_due_accounts(settings, clock.now() + timedelta(days=8)) == 0
    kinds = db.session.scalars(select(MailMessage.kind).order_by(MailMessage.id)).all()
    assert kinds == ["account_leaving", "security_changed"]


def test_who_decides_about_others_hands_over_first(app: Flask, browse: Callable[..., FlaskClient]) -> None:
    mo = make_user(role="moderator")
    assert send(browse(mo), f"{PRIVACY}/leave", sure="y").status_code == 409
    assert db.session.get(User, mo.id, populate_existing=True).leaving_at is None


def test_after_leaving_the_vote_counts_and_leads_to_nobody(  # A30
    app: Flask, ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    entry = fill(ana, settings)
    client = browse(ana)
    pack(client, settings)
    votes = db.session.execute(select(Vote.__table__)).all()
    send(client, f"{PRIVACY}/leave", sure="y")
    assert delete_due_accounts(settings, clock.now() + timedelta(days=7)) == 1
    db.session.expire_all()
    assert db.session.execute(select(Vote.__table__)).all() == votes, "not a byte of the ballot changed"
    assert db.session.scalars(select(Voter.user_id)).all() == [None]
    gone = db.session.get(User, ana.id)
    assert gone.is_gone and gone.name == "" and "ana" not in gone.email and gone.password_hash is None
    assert db.session.scalars(select(Comment)).all() == []
    left = db.session.get(Entry, entry.id)
    assert left.state == "withdrawn" and "bus" not in left.title + left.search_text + left.slug + left.story
    assert db.session.scalars(
        select(EntryRevision.title).where(EntryRevision.entry_id == entry.id)
    ).all() == [""]
    assert not originals_of(settings).path(KEY).exists() and list(folder_of(settings).glob("*")) == []
    assert db.session.scalars(select(MailMessage)).all() == [], "letters to them are gone too"
    assert app.test_client().get(f"/entries/{entry.id}").status_code in (404, 410)


def test_whoever_is_interrupted_does_it_again(
    ana: User, browse: Callable[..., FlaskClient], settings: Settings
) -> None:
    fill(ana, settings)
    send(browse(ana), f"{PRIVACY}/leave", sure="y")
    originals_of(settings).delete(KEY)  # as if a worker had died after the files
    assert delete_due_accounts(settings, clock.now() + timedelta(days=7)) == 1
    assert delete_due_accounts(settings, clock.now() + timedelta(days=7)) == 0
