"""Yes, that was me; please look again; a mailing will go out."""

import re
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from quilt.contests.models import Contest
from quilt.database import db, transaction, write
from quilt.integrity.checks import VOTE_CHECK, mail_checks
from quilt.integrity.facts import get_rulebook
from quilt.integrity.models import Appeal, BlastNotice, VoteCheck
from quilt.signed_ids import make_token
from quilt.votes.decisions import Verdict, decide_votes
from quilt.votes.models import DecisionInbox, Vote
from quilt.web.clock import now
from quilt.web.tickets import issue_ticket
from tests.conftest import NOW
from tests.factories import make_entry, make_user
from tests.integrity.casting import BOT, cast, close_batch, states
from tests.web.site.browsing import post, sign_in

TELLS = {"starts_at": "2026-05-11T10:00", "people": "1,200", "words": "Our newsletter"}


@pytest.fixture
def entry(app):
    return make_entry(title="The library bus")


@pytest.fixture
def held(entry):
    contest = db.session.get(Contest, entry.contest_id)
    vote = cast(entry, contest, user=make_user("held@example.org"), **BOT)
    close_batch(contest)
    return vote


@pytest.fixture
def link(held, settings):
    mail_checks(settings, NOW)
    return f"/votes/check/{make_token(held, settings.secret_key, VOTE_CHECK)}"


def test_opening_the_letter_s_link_changes_nothing(client, held, link):
    page = client.get(link)
    assert page.status_code == 200 and "Yes, that was me" in page.text and "The library bus" in page.text
    assert page.headers["Referrer-Policy"] == "same-origin" and "no-store" in page.headers["Cache-Control"]
    assert client.head(link).status_code == 200
    assert states()[held] == "held" and db.session.get(VoteCheck, held).answered_at is None


def test_the_button_counts_the_vote_and_says_nothing_of_it(client, held, link, entry, settings):
    receipt = db.session.scalar(select(Vote.receipt).where(Vote.id == held))
    db.session.rollback()
    for hasty in ({}, {"ticket": re.search(r'name="ticket" value="([^"]+)"', client.get(link).text)[1]}):
        told = client.post(link, data=hasty)
        assert "Once more, please" in told.text and states()[held] == "held"
        assert "Wait 2 seconds" in told.text  # after the page; the letter is older
    with transaction() as session:
        session.get_one(VoteCheck, held).mailed_at = now() - timedelta(seconds=10)
    assert re.search(r"Wait (20|1\d) seconds", client.post(link).text)
    with transaction() as session:
        session.get_one(VoteCheck, held).mailed_at = NOW
    db.session.rollback()
    entry_id, earlier = entry.id, now() - timedelta(seconds=20)
    ticket = issue_ticket(entry_id, "", settings.secret_key, earlier, secrets.token_bytes)
    first, again = (client.post(link, data={"ticket": ticket}) for _ in range(2))
    assert f"/receipts/{receipt}" in first.text and f"/appeal?receipt={receipt}" in first.text
    assert first.status_code == again.status_code == 200 and "Thank you" in first.text
    assert states()[held] == "counted" and "counted" not in first.text
    assert "Thank you" in client.get(link).text  # asked and answered


@pytest.mark.parametrize("state", ["counted", "rejected"])
def test_a_vote_that_was_decided_about_meanwhile_asks_nothing_more(client, held, link, state):
    verdict = Verdict(state, "reviewer", "looked", get_rulebook().name)
    write(decide_votes, [held], verdict, NOW)
    page = client.get(link).text
    assert "Nothing is left to do" in page and "Yes, that was me" not in page
    assert "will not count" not in page and state not in page


@pytest.mark.parametrize("token", ["x", "a" * 32, "%00", "ü"])
def test_a_link_that_is_not_ours(client, token):
    assert client.get(f"/votes/check/{token}").status_code in (400, 404)
    assert client.post(f"/votes/check/{token}").status_code in (400, 404)


def test_a_voter_asks_for_a_second_look(client, held):
    receipt = db.session.scalar(select(Vote.receipt).where(Vote.id == held))
    db.session.rollback()
    answer = post(client, "/appeal", receipt=receipt, words="It <b>was</b> me.")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "It &lt;b&gt;was&lt;/b&gt; me." in page and "waits for an answer" in page
    assert "<textarea" not in page, "an empty form under what was sent"
    twice = post(client, "/appeal", receipt=receipt, words="Once more.")
    assert (
        twice.status_code == 422
        and "waiting for an answer already" in twice.text
        and "Once more." in twice.text
    )
    assert len(db.session.scalars(select(Appeal)).all()) == 1


def test_nobody_fills_in_an_appeal_that_nothing_can_come_of(client, held):
    receipt = db.session.scalar(select(Vote.receipt).where(Vote.id == held))
    ask, form = client.get("/appeal").text, client.get(f"/appeal?receipt=%20{receipt.upper()}").text
    assert 'method="get"' in ask and "<textarea" not in ask and "<textarea" in form
    write(decide_votes, [held], Verdict("counted", "reviewer", "looked", get_rulebook().name), NOW)
    write(lambda connection: connection.execute(delete(DecisionInbox)))  # as the next batch does
    page = client.get(f"/appeal?receipt={receipt}").text
    assert "This vote counts. There is nothing to appeal against." in page and "<textarea" not in page
    unknown = client.get(f"/appeal?receipt={'0' * 24}")
    assert (
        unknown.status_code == 404 and "We know no vote" in unknown.text and "<textarea" not in unknown.text
    )


@pytest.mark.parametrize(
    ("receipt", "status"), [("0" * 24, 404), ("", 404), ("x" * 500, 404), ("' OR 1=1", 404)]
)
def test_an_unknown_receipt_keeps_what_was_written(client, held, receipt, status):
    answer = post(client, "/appeal", receipt=receipt, words="My words")
    assert answer.status_code == status and "My words" in answer.text and "We know no vote" in answer.text


def test_the_entrant_tells_of_a_mailing(client, entry):
    sign_in(client, entrant := db.session.get(type(make_user()), entry.entrant_id))
    answer = post(client, f"/entries/{entry.id}/notices", **TELLS)
    assert answer.status_code == 303
    page = client.get(f"/entries/{entry.id}/notices").text
    assert "Our newsletter (about 1,200 people)" in page and "11 May 2026, 10:00" in page
    notice = db.session.scalars(select(BlastNotice)).one()
    assert (notice.people_count, notice.author_id, notice.starts_at.hour) == (1200, entrant.id, 14)
    assert f"/entries/{entry.id}/notices" in client.get("/me").text


@pytest.mark.parametrize("wrong", [{"starts_at": "x"}, {"people": "many"}, {"people": "0"}, {"words": ""}])
def test_a_mailing_that_will_not_do_keeps_what_was_typed(client, entry, wrong):
    sign_in(client, db.session.get(type(make_user()), entry.entrant_id))
    answer = post(client, f"/entries/{entry.id}/notices", **{**TELLS, **wrong})
    assert answer.status_code == 422 and answer.text.count('role="alert"') == 1
    assert "Our newsletter" in answer.text or "words" in wrong
    assert db.session.scalars(select(BlastNotice)).all() == []


def test_the_entrant_asks_for_a_second_look(client, entry, held):
    sign_in(client, db.session.get(type(make_user()), entry.entrant_id))
    assert post(client, f"/entries/{entry.id}/appeal", words="").status_code == 422
    assert post(client, f"/entries/{entry.id}/appeal", words="All people.").status_code == 303
    assert "All people." in client.get(f"/entries/{entry.id}/notices").text


def test_the_rules_of_evidence_stand_in_words_with_their_fingerprint(client, entry):
    page = client.get("/rules/evidence").text
    assert get_rulebook().digest in page and "The film was not played" in page
    contest = db.session.get(Contest, entry.contest_id)
    assert get_rulebook().digest in client.get(f"/contests/{contest.slug}/rules").text
