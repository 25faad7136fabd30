"""Keys of requests, votes taken back, pauses, addresses that prove little, and mail that is late."""

import contextlib
import hashlib
import itertools
import os
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from quilt.accounts.domains import add_domain_word
from quilt.accounts.models import EmailCode
from quilt.contests.dates import pause_contest
from quilt.contests.models import BallotPolicy, Contest, Phase
from quilt.contests.rules import describe_instant
from quilt.database import db
from quilt.entries.models import Entry
from quilt.mail import MailMessage, deliver
from quilt.votes.casting_models import VoteKey
from quilt.votes.challenges import CALM, LoadMeter
from quilt.votes.evidence import unpack_evidence
from quilt.votes.models import Vote
from quilt.web.clock import now
from quilt.web.request_keys import hold_key, take_key
from quilt.web.site import challenges
from tests.factories import make_entry, make_user
from tests.integrity.casting import close_batch
from tests.live import sign_cookie
from tests.web.site.test_votes import HEADERS, ask_for_code, confirm, count_votes, open_contest, read_code

JSON = {**HEADERS, "Accept": "application/json"}


def sign_in(app, client, voter):
    client.set_cookie("quilt_session", sign_cookie(app, voter.id).partition("=")[2])
    return client


def find_ticket(client, entry):
    page = client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS)
    return re.search(r'data-ticket="([^"]+)"', page.text)[1]


def vote(client, entry, **headers):
    data = {"ticket": find_ticket(client, entry)}
    return client.post(f"/entries/{entry.id}/vote", data=data, headers={**JSON, **headers})


def test_D16_the_same_request_again_gets_the_same_receipt(app, client):
    entry = make_entry(open_contest(period="day"))
    sign_in(app, client, make_user())
    answers = [vote(client, entry, **{"Idempotency-Key": "press-1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.json["receipt"] for answer in answers}) == 1 and count_votes() == 1
    assert db.session.query(VoteKey).count() == 1


def test_a_key_stands_for_one_vote_also_on_the_next_day(app, client):
    entry, voter = make_entry(open_contest(period="day")), make_user()
    sign_in(app, client, voter)
    first = vote(client, entry, **{"Idempotency-Key": "press-1"})
    with db.engine.begin() as connection:
        connection.execute(update(Vote).values(period="2020-01-01"))
    again = vote(client, entry, **{"Idempotency-Key": "press-1"})
    assert (again.status_code, again.json["receipt"], count_votes()) == (200, first.json["receipt"], 1)
    assert vote(client, entry, **{"Idempotency-Key": "press-2"}).status_code == 201


def test_D20_the_same_request_after_the_close_gets_the_same_receipt(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    ticket = {"ticket": find_ticket(client, entry)}
    headers = {**JSON, "Idempotency-Key": "press-1"}
    first = client.post(f"/entries/{entry.id}/vote", data=ticket, headers=headers)
    with db.engine.begin() as connection:
        connection.execute(update(Phase).values(ends_at=now() - timedelta(minutes=1)))
        connection.execute(update(Contest).values(version=Contest.version + 1))
    again = client.post(f"/entries/{entry.id}/vote", data=ticket, headers=headers)
    assert (again.status_code, again.json["receipt"]) == (200, first.json["receipt"])


def test_D20_the_same_request_after_the_entry_is_gone_gets_the_same_receipt(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    ticket = {"ticket": find_ticket(client, entry)}
    headers = {**JSON, "Idempotency-Key": "press-1"}
    path = f"/entries/{entry.id}/vote"
    first = client.post(path, data=ticket, headers=headers)
    with db.engine.begin() as connection:
        connection.execute(update(Entry).values(state="withdrawn", version=Entry.version + 1))
    again = client.post(path, data=ticket, headers=headers)
    assert (again.status_code, again.json["receipt"]) == (200, first.json["receipt"])
    page = client.post(path, data=ticket, headers={**HEADERS, "Idempotency-Key": "press-1"})
    assert (page.status_code, page.location) == (303, f"/receipts/{first.json['receipt']}")
    assert client.post(path, data=ticket, headers={**JSON, "Idempotency-Key": "press-2"}).status_code == 404
    sign_in(app, client, make_user())
    assert client.post(path, data=ticket, headers=headers).status_code == 404  # a key is its owner's


def test_D17_a_key_cannot_stand_for_another_vote(app, client):
    contest = open_contest()
    first, second = make_entry(contest), make_entry(contest)
    sign_in(app, client, make_user())
    assert vote(client, first, **{"Idempotency-Key": "press-1"}).status_code == 201
    refused = vote(client, second, **{"Idempotency-Key": "press-1"})
    assert refused.status_code == 422 and "another vote" in refused.json["detail"]
    assert count_votes() == 1


def test_D16_of_two_that_come_again_at_once_both_get_the_receipt(app, client, settings):
    entry, voter = make_entry(open_contest()), make_user()
    sign_in(app, client, voter)
    first = vote(client, entry, **{"Idempotency-Key": "press-1"})
    with hold_key(voter.id, hashlib.sha256(b"press-1").digest(), settings.data):
        again = vote(client, entry, **{"Idempotency-Key": "press-1"})
    assert (again.status_code, again.json["receipt"]) == (200, first.json["receipt"])


@contextlib.contextmanager
def in_another_process(user_id, key, folder):
    """The key is held by a process of its own, which is killed at the end: it lets go of nothing by itself."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            take_key(user_id, key, folder)
            os.write(tell, b"held")
            signal.pause()
        finally:
            os._exit(1)
    os.close(tell)
    assert os.read(told, 4) == b"held"
    os.close(told)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("hold", [hold_key, in_another_process])
def test_D18_a_key_whose_first_request_is_running(app, client, settings, hold):
    entry, voter = make_entry(open_contest()), make_user()
    sign_in(app, client, voter)
    with hold(voter.id, hashlib.sha256(b"press-1").digest(), settings.data):
        waiting = vote(client, entry, **{"Idempotency-Key": "press-1"})
        assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
        assert "being saved" in waiting.json["detail"] and count_votes() == 0
        assert vote(client, entry, **{"Idempotency-Key": "press-2"}).status_code == 201
    again = vote(client, entry, **{"Idempotency-Key": "press-1"})
    assert again.status_code == 200 and count_votes() == 1


@pytest.mark.parametrize("key", ["", "x" * 10_240, "a b", "a\x7f", "é"])
def test_D19_what_is_no_key(app, client, key):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    with contextlib.suppress(ValueError):  # some clients cannot even send it
        assert vote(client, entry, **{"Idempotency-Key": key}).status_code == 400
    assert count_votes() == 0


def test_D19_the_key_of_another_voter_is_another_key(app):
    entry = make_entry(open_contest())
    for _ in range(2):
        browser = sign_in(app, app.test_client(), make_user())
        assert vote(browser, entry, **{"Idempotency-Key": "press-1"}).status_code == 201
    assert count_votes() == 2


def test_a_vote_is_taken_back_from_one_s_own_page(app, client):
    entry = make_entry(open_contest(revocable_until=now() + timedelta(hours=1)))
    sign_in(app, client, make_user())
    receipt = vote(client, entry).json["receipt"]
    page = client.get("/me", headers=HEADERS)
    assert "Take my vote back" in page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    moved = client.post(f"/votes/{receipt}/withdraw", data={"csrf_token": token}, headers=HEADERS)
    done = client.get(moved.location, headers=HEADERS)
    assert "Your vote is taken back." in done.text and "Take my vote back" not in done.text
    assert db.session.scalars(select(Vote)).one().state == "withdrawn"
    assert "Your vote is sewn in" not in client.get(f"/entries/{entry.id}-{entry.slug}").text
    again = vote(client, entry)
    assert again.status_code == 409 and "cannot be given again" in again.json["detail"]


def test_where_votes_stay_cast_nothing_offers_otherwise(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    receipt = vote(client, entry).json["receipt"]
    assert "Take my vote back" not in client.get("/me", headers=HEADERS).text
    refused = take_back(client, receipt)
    assert "a vote that was cast stays cast" in refused.text
    assert take_back(client, "nonsense").status_code == 404
    assert db.session.scalars(select(Vote)).one().state == "recorded"


def test_why_a_vote_is_not_taken_back_is_told_on_the_contest_s_clocks(app, client):
    entry = make_entry(open_contest(revocable_until=now() + timedelta(hours=1)))
    sign_in(app, client, make_user())
    receipt = vote(client, entry).json["receipt"]
    with db.engine.begin() as connection:
        connection.execute(update(Vote).values(state="rejected"))
    refused = take_back(client, receipt).text
    assert "What became of this vote is decided" in refused and "could be taken back until" not in refused
    past = datetime(2026, 1, 5, 17, 30, tzinfo=UTC)
    with db.engine.begin() as connection:
        connection.execute(update(BallotPolicy).values(revocable_until=past))
    assert f"until {describe_instant(past, 'America/New_York')}" in take_back(client, receipt).text


def take_back(client, receipt):
    """Press the button of the own page, whether it is there or not."""
    page = client.get("/me", headers=HEADERS).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    moved = client.post(f"/votes/{receipt}/withdraw", data={"csrf_token": token}, headers=HEADERS)
    return client.get(moved.location, headers=HEADERS) if moved.location else moved


def test_a_pause_says_why_on_the_page_and_in_the_answer(app, client):
    contest = open_contest()
    entry = make_entry(contest)
    sign_in(app, client, make_user())
    ticket = find_ticket(client, entry)
    admin = make_user(role="admin")
    pause_contest(contest.id, "A flood of bots.", actor_id=admin.id, now=now() - timedelta(minutes=1))
    refused = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=JSON)
    assert refused.status_code == 409 and "paused: A flood of bots." in refused.json["detail"]
    assert "Voting is paused: A flood of bots." in client.get(f"/entries/{entry.id}-{entry.slug}").text
    for path in (f"/contests/{contest.slug}", f"/contests/{contest.slug}/rules"):
        assert "A flood of bots." in client.get(path).text
    assert count_votes() == 0


def test_D34_an_address_for_ten_minutes_is_asked_for_more_and_kept(client):
    entry = make_entry(open_contest())
    asked = ask_for_code(client, entry, "ana@mailinator.com")
    assert asked.status_code == 422 and "Use a lasting one. Or go on with it" in asked.text
    assert "your vote is recorded then, and a person looks at it before it counts." in asked.text
    assert 'value="ana@mailinator.com"' in asked.text and entry.title in asked.text.replace("&#39;", "'")
    assert db.session.query(MailMessage).count() == 0


def test_D34_who_goes_on_with_it_reads_what_all_read_until_the_batch_holds_the_vote(client):
    contest = open_contest()
    entry = make_entry(contest)
    asked = ask_for_code(client, entry, "ana@mailinator.com")
    [name] = re.findall(r'<button [^>]*name="(\w+)" value="1">Go on with this address', asked.text)
    again = ask_for_code(client, entry, "ana@mailinator.com", **{name: "1", "proof": "nonsense.1"})
    assert again.status_code == 422 and f'name="{name}"' in again.text, (
        "the choice stays where something else fails"
    )
    assert ask_for_code(client, entry, "ana@mailinator.com", **{name: "1"}).status_code == 303
    done = confirm(client, entry)
    entry_page = f"/entries/{entry.id}-{entry.slug}"
    for path in (done.location, entry_page):
        page = client.get(path, headers=HEADERS).text
        assert "Your vote is sewn in" in page and "Whether it counts is decided within minutes" in page
        assert "short while" not in page and "held" not in page.partition("<main")[2], "not before the batch"
    assert list(close_batch(contest).values()) == ["held"]
    page = client.get(done.location, headers=HEADERS).text
    assert "Your vote is being looked at" in page and "sewn" not in page and "/appeal?receipt=" in page


@pytest.mark.parametrize("address", ["ana@mailinator。com", "ana@ｍailinator.com", "ana＠Mailinator.com"])
def test_D34_another_spelling_of_the_domain_is_the_same(client, address):
    asked = ask_for_code(client, make_entry(open_contest()), address)
    assert asked.status_code == 422 and "Go on with this address" in asked.text


def test_D34_where_no_code_counts_going_on_is_not_offered(client):
    entry = make_entry(open_contest(tiers="oauth,passkey"))
    asked = ask_for_code(client, entry, "ana@mailinator.com", goes_on="1")
    assert asked.status_code == 422 and "Go on with" not in asked.text and "go on with" not in asked.text


def test_D34_where_nothing_stronger_counts_nobody_is_turned_away(client):
    entry = make_entry(open_contest(tiers="email"))
    assert ask_for_code(client, entry, "ana@mailinator.com").status_code == 303
    done = confirm(client, entry)
    assert count_votes() == 1 and "short while" not in client.get(done.location, headers=HEADERS).text


def test_the_word_of_an_admin_about_a_domain_wins_over_the_list(client):
    entry, admin = make_entry(open_contest()), make_user(role="admin")
    told = {"actor_id": admin.id, "now": now()}
    add_domain_word("mailinator.com", True, "A school uses it.", now() + timedelta(days=1), **told)
    add_domain_word("example.net", False, "A farm of bots.", None, **told)
    assert ask_for_code(client, entry, "ana@mailinator.com").status_code == 303
    assert ask_for_code(client, entry, "ana@mail.example.net").status_code == 422
    assert ask_for_code(client, entry, "ana@example.org").status_code == 303


def test_D37_a_code_that_was_mailed_late_is_good_for_ten_minutes_from_then(app, client):
    entry = make_entry(open_contest())
    assert ask_for_code(client, entry).status_code == 303
    hours_ago = now() - timedelta(hours=3)
    with db.engine.begin() as connection:  # the mail server was away for three hours
        connection.execute(
            update(EmailCode).values(created_at=hours_ago, expires_at=hours_ago + timedelta(minutes=10))
        )
        connection.execute(update(MailMessage).values(created_at=hours_ago, due_at=hours_ago))
    code = "".join(read_code().groups())
    page = client.get(f"/entries/{entry.id}/vote/confirm", headers=HEADERS)
    assert "Our mail is slow" in page.text
    mail_id = db.session.scalars(select(MailMessage.id)).one()
    assert deliver(mail_id, None, "Quilt <quilt@example.org>", now() - timedelta(minutes=9)) == "kept"
    assert confirm(client, entry, code).status_code == 303 and count_votes() == 1
    wait = unpack_evidence(db.session.scalars(select(Vote.evidence)).one()).code_wait
    assert 540 <= wait < 600, "since the letter has left"


def test_D30_ten_minutes_after_the_letter_has_left_the_code_is_too_old(app, client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    hours_ago = now() - timedelta(hours=3)
    with db.engine.begin() as connection:
        connection.execute(
            update(EmailCode).values(created_at=hours_ago, expires_at=hours_ago + timedelta(minutes=10))
        )
    mail_id = db.session.scalars(select(MailMessage.id)).one()
    with db.engine.begin() as connection:
        connection.execute(update(MailMessage).values(due_at=hours_ago))
    deliver(mail_id, None, "Quilt <quilt@example.org>", now() - timedelta(minutes=11))
    late = confirm(client, entry)
    assert late.status_code == 422 and "still waiting" in late.text and count_votes() == 0


def test_D37_a_client_that_speaks_json_is_told_that_the_code_is_on_its_way(client):
    entry = make_entry(open_contest())
    ticket = find_ticket(client, entry)
    answer = client.post(
        f"/entries/{entry.id}/vote", data={"ticket": ticket, "email": "ana@example.org"}, headers=JSON
    )
    assert answer.status_code == 202 and "send your code shortly" in answer.json["detail"]
    assert answer.json["confirm"] == f"/entries/{entry.id}/vote/confirm"


def solve(told):
    for number in itertools.count():
        text = f"{told['challenge']}.{number}"
        if int.from_bytes(hashlib.sha256(text.encode()).digest()) >> (256 - told["bits"]) == 0:
            return text


def test_a_proof_of_work_goes_with_the_form_and_counts_once(client):
    entry = make_entry(open_contest())
    told = client.get(f"/entries/{entry.id}/challenge").json
    proof = solve(told)
    assert ask_for_code(client, entry, proof=proof).status_code == 303
    again = ask_for_code(client, entry, "ben@example.org", proof=proof)  # D27
    assert again.status_code == 422 and 'value="ben@example.org"' in again.text
    assert "check once more that it is you" in again.text and "data-challenge" in again.text
    assert db.session.query(MailMessage).count() == 1
    assert confirm(client, entry).status_code == 303 and count_votes() == 1


def test_D27_a_client_that_speaks_json_gets_a_fresh_challenge(client):
    entry = make_entry(open_contest())
    data = {"ticket": find_ticket(client, entry), "email": "ana@example.org", "proof": "nonsense.1"}
    refused = client.post(f"/entries/{entry.id}/vote", data=data, headers=JSON)
    assert refused.status_code == 422
    fresh = {**data, "proof": solve(refused.json["challenge"])}
    assert client.post(f"/entries/{entry.id}/vote", data=fresh, headers=JSON).status_code == 202


def test_without_a_script_a_busy_network_gets_its_letters_a_little_later(client, monkeypatch):
    monkeypatch.setattr(challenges, "_unproven", LoadMeter())
    entry = make_entry(open_contest())
    for number in range(CALM + 2):
        assert ask_for_code(client, entry, f"pupil{number}@example.org").status_code == 303
    mails = db.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
    waits = [round((mail.due_at - mail.created_at).total_seconds()) for mail in mails]
    assert waits == [0] * CALM + [2, 4]
