"""Whoever appealed is told once how it ended and why: the author, or the voter whose receipt it was."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from quilt.accounts.models import User
from quilt.database import db, write
from quilt.integrity.answers import mail_answers
from quilt.integrity.appeals import answer_appeal, appeal_by_receipt, appeal_for_entry
from quilt.mail import MailMessage
from quilt.votes.models import Vote
from tests.conftest import NOW
from tests.factories import make_user
from tests.integrity.casting import BOT, cast, close_batch

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def held(entry, contest):
    vote = cast(entry, contest, user=make_user("voter@example.org"), **BOT)
    close_batch(contest)
    return vote


@pytest.fixture
def ben(app):
    return make_user(name="Ben", role="admin")


def appeal(vote, author_id=None):
    receipt = db.session.scalar(select(Vote.receipt).where(Vote.id == vote))
    return appeal_by_receipt(receipt, "It was me.", author_id=author_id, now=NOW)


def answer(number, outcome, words, actor):
    answer_appeal(number, outcome, words, actor_id=actor.id, now=LATER)
    db.session.rollback()  # a worker's next round begins afresh


def list_letters():
    db.session.rollback()
    return db.session.scalars(select(MailMessage).where(MailMessage.kind == "appeal_answered")).all()


@pytest.mark.parametrize(
    ("outcome", "words"), [("upheld", "the vote counts now"), ("dismissed", "the vote does not count")]
)
def test_the_voter_of_a_receipt_is_told_once_how_and_why(held, ben, settings, outcome, words):
    number = appeal(held)
    assert mail_answers(settings, NOW) == 0
    answer(number, outcome, "We looked at the film's own page.", ben)
    assert [mail_answers(settings, LATER), mail_answers(settings, LATER)] == [1, 0]
    [letter] = list_letters()
    assert letter.recipient == "voter@example.org" and words in letter.text and words in letter.html
    assert "We looked at the film's own page." in letter.text and "/appeal?receipt=" in letter.text


def test_an_author_who_is_signed_in_is_told_in_the_voter_s_place(held, ben, settings):
    friend = make_user("friend@example.org")
    answer(appeal(held, friend.id), "upheld", "Fine.", ben)
    assert mail_answers(settings, LATER) == 1
    assert [letter.recipient for letter in list_letters()] == ["friend@example.org"]


def test_an_entrant_is_told_about_all_votes_of_the_entry(entry, held, ben, settings):
    entrant = db.session.get(User, entry.entrant_id).email
    number = appeal_for_entry(entry.id, "They are my pupils.", author_id=entry.entrant_id, now=NOW)
    answer(number, "upheld", "So they are.", ben)
    mail_answers(settings, LATER)
    [letter] = list_letters()
    assert letter.recipient == entrant and f"/entries/{entry.id}/notices" in letter.text
    assert "votes that were held or rejected count now" in letter.text


def test_who_is_gone_gets_no_letter_and_is_not_asked_for_again(held, ben, settings):
    number = appeal(held)
    answer(number, "dismissed", "No.", ben)
    voter = update(User).where(User.email == "voter@example.org").values(is_gone=True)
    write(lambda connection: connection.execute(voter).rowcount)
    assert [mail_answers(settings, LATER), mail_answers(settings, LATER)] == [1, 0]
    assert list_letters() == []
