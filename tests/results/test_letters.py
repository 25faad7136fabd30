"""Who is told of a published result, and what they read in their letter."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.database import db, transaction
from quilt.mail import MailMessage
from quilt.results.letters import write_result_letters, write_withdrawal_letters
from quilt.results.models import Result
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user

WINS, FOLLOWS, NOTHING = "is in place 1.", "is in place 2, as a runner-up.", "has no place this time."


@pytest.fixture
def result(app):
    """Ana has the first and the last of three stories, Ben the second; a fourth one is withdrawn."""
    contest = make_contest(title="For the river", places=1)
    ana, ben = make_user("ana@example.org", "Ana"), make_user("ben@example.org", "Ben")
    make_user("desk@example.org", "Dora", role="admin")
    make_user("gone@example.org", role="admin", is_gone=True)
    make_user("other@example.org")
    entries = [
        make_entry(contest, who, title=title) for who, title in ((ana, "Bus"), (ben, "River"), (ana, "Book"))
    ]
    make_entry(contest, make_user("left@example.org"), state="withdrawn")
    make_entry(entrant=make_user("elsewhere@example.org"))
    return Result(
        contest_id=contest.id, places=json.dumps([entries[0].id, entries[1].id]), appeals_until=NOW + timedelta(hours=48)
    )  # fmt: skip


def read_letters():
    db.session.rollback()
    return {mail.recipient: mail for mail in db.session.scalars(select(MailMessage))}


def test_entrants_and_admins_read_the_places_once_each(result, settings):
    with transaction() as session:
        assert write_result_letters(session, result, settings, NOW) == 3
    letters = read_letters()
    assert letters.keys() == {"ana@example.org", "ben@example.org", "desk@example.org"}
    told = {address.partition("@")[0]: mail.text for address, mail in letters.items()}
    assert f"“Bus” {WINS}" in told["ana"] and f"“Book” {NOTHING}" in told["ana"]
    assert f"“River” {FOLLOWS}" in told["ben"] and "Bus" not in told["ben"]
    assert "place" not in told["desk"] and "look after contests" in letters["desk@example.org"].html
    for mail in letters.values():
        assert mail.subject == "The result of “For the river” is published"
        assert "/results\n" in mail.text and "until 12 May 2026, 08:00 (New York)" in mail.text


def test_they_read_as_well_that_it_was_taken_back(result, settings):
    with transaction() as session:
        words = "A film was not theirs."
        assert write_withdrawal_letters(session, result.contest_id, words, settings, NOW) == 3
    letters = read_letters()
    assert letters.keys() == {"ana@example.org", "ben@example.org", "desk@example.org"}
    assert all("was taken back" in mail.subject and words in mail.text for mail in letters.values())


def test_no_letter_leaves_where_the_transaction_breaks(result, settings):
    with pytest.raises(ZeroDivisionError), transaction() as session:
        write_result_letters(session, result, settings, NOW)
        raise ZeroDivisionError
    assert read_letters() == {}
