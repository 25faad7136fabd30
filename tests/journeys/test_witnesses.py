"""Every entrant gets the newest head once a day, until they say no."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.database import db
from quilt.journeys.witnesses import HEADS_OFF, mail_heads
from quilt.mail import MailMessage
from quilt.signed_ids import make_token
from quilt.votes.ledger_models import HeadLetter
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.votes.ledgers import cast, publish, run_batch, start_ledger, verify

DAY = timedelta(days=1)


@pytest.fixture
def contest(app, settings):
    contest = make_contest(title="Courage")
    start_ledger(settings, contest)
    return contest


def mail(settings, at=NOW):
    count = mail_heads(settings, at)
    db.session.rollback()
    return count


def letters():
    return db.session.scalars(
        select(MailMessage).where(MailMessage.kind == "tree_head").order_by(MailMessage.id)
    ).all()


def test_each_entrant_gets_one_head_a_day(settings, contest, tmp_path):
    ana, ben = make_user("ana@example.org"), make_user("ben@example.org")
    for entrant in (ana, ana, ben):
        make_entry(contest, entrant)
    make_entry(contest, make_user(), state="draft")
    entry = make_entry(contest, ben)
    assert mail(settings) == 2 and mail(settings) == 0
    assert mail(settings, NOW + DAY) == 0  # no newer head: nothing new to witness
    cast(entry)
    run_batch(settings, contest, at=NOW + DAY)
    assert mail(settings, NOW + DAY) == 2 and mail(settings, NOW + DAY) == 0
    assert {letter.recipient for letter in letters()} == {"ana@example.org", "ben@example.org"}
    old = next(line for line in letters()[0].text.splitlines() if line.startswith("{"))
    assert json.loads(old)["size"] == 0 and "verify.py http://localhost/contests/" in letters()[0].text
    saved = tmp_path / "old-head.json"
    saved.write_text(old + "\n")
    code, told = verify(publish(settings, contest, tmp_path / "files"), "--head", saved)
    assert (code, "is in the chain" in told) == (0, True), told


def test_whoever_says_no_gets_no_more_and_may_have_them_again(client, settings, contest):
    ana = make_user("ana@example.org")
    make_entry(contest, ana)
    path = f"/letters/heads/{make_token(ana.id, settings.secret_key, HEADS_OFF)}"
    assert "No more daily seals?" in client.get(path).text
    assert mail(settings) == 1
    assert letters()[0].off_url.endswith(path)
    assert "No more daily seals</h1>" in client.post(path).text
    assert "Send them to me again" in client.get(path).text
    run_batch(settings, contest, at=NOW + DAY)
    assert mail(settings, NOW + DAY) == 0
    client.post(path, data={"again": "1"})
    assert mail(settings, NOW + DAY) == 1
    assert db.session.query(HeadLetter).count() == 2


@pytest.mark.parametrize("token", ["x", "é", "A" * 32, ""])
def test_a_token_of_somebody_else_opens_nothing(client, app, token):
    assert client.post(f"/letters/heads/{token}").status_code in (404, 405)
