"""Shown, but outside the prize: a state of its own, changed through one door that writes the log."""

import threading

import pytest

from quilt.contests.changes import make_pages_fresh
from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.entries.models import Entry
from quilt.moderation.eligibility import set_eligibility
from quilt.moderation.queries import list_decisions
from quilt.moderation.rules import NotPublished, OwnEntry, PlacesFixed
from quilt.moderation.service import NotFound
from quilt.votes.settling import lock_settlement, settle
from tests.conftest import NOW
from tests.factories import make_entry, make_user
from tests.votes.ledgers import start_appeals
from tests.waiting import wait_for_a_lock


def read(entry_id):
    return db.session.get_one(Entry, entry_id, populate_existing=True)


def test_out_of_the_prize_and_back_with_a_row_each(app):
    admin, entry = make_user(name="Ada", role="admin"), make_entry()
    versions = read(entry.id).version, db.session.get_one(Contest, entry.contest_id).version
    set_eligibility(entry.id, False, words="Entered by a school class.", actor_id=admin.id, now=NOW)
    assert not read(entry.id).is_eligible and read(entry.id).state == "published"
    contest = db.session.get_one(Contest, entry.contest_id, populate_existing=True)
    assert (read(entry.id).version, contest.version) == (versions[0] + 1, versions[1] + 1)
    set_eligibility(entry.id, False, words="Again.", actor_id=admin.id, now=NOW)
    set_eligibility(entry.id, True, words="They are 18.", actor_id=admin.id, now=NOW)
    rows = [(row.action, row.words) for row in list_decisions("entry", entry.id)]
    assert rows == [("into_prize", "They are 18."), ("out_of_prize", "Entered by a school class.")]
    assert read(entry.id).is_eligible


def test_no_such_entry(app):
    with pytest.raises(NotFound):
        set_eligibility(999_999, False, words="", actor_id=make_user().id, now=NOW)


def test_nobody_takes_their_own_entry_into_the_prize(app):
    entry = make_entry(None, make_user("mateo@gmail.com"), is_eligible=False)
    with pytest.raises(OwnEntry):
        set_eligibility(
            entry.id, True, words="Mine.", actor_id=make_user("ma.teo+desk@gmail.com").id, now=NOW
        )
    assert not read(entry.id).is_eligible and list_decisions("entry", entry.id) == []


def test_what_is_not_live_is_neither_in_the_prize_nor_out_of_it(app):
    entry = make_entry(state="removed")
    with pytest.raises(NotPublished):
        set_eligibility(entry.id, False, words="Late.", actor_id=make_user().id, now=NOW)
    assert read(entry.id).is_eligible and list_decisions("entry", entry.id) == []


def test_a_result_that_becomes_final_meanwhile_keeps_its_entries(app):
    admin_id, entry = make_user(role="admin").id, make_entry()
    entry_id, contest_id, refused = entry.id, entry.contest_id, []
    db.session.rollback()
    write(start_appeals, contest_id)

    def take_out():
        with app.app_context():
            try:
                set_eligibility(entry_id, False, words="A school class.", actor_id=admin_id, now=NOW)
            except PlacesFixed as refusal:
                refused.append(refusal)

    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as other:
        assert lock_settlement(other, contest_id)
        settle(other, contest_id, NOW)
        waiting = threading.Thread(target=take_out)
        waiting.start()
        wait_for_a_lock(waiting)
        other.commit()
    waiting.join(30)
    assert len(refused) == 1 and read(entry_id).is_eligible


def test_the_pages_are_fresh_where_another_changes_the_contest_at_the_same_moment(app):
    admin_id, entry = make_user(name="Ada", role="admin").id, make_entry()
    entry_id, contest_id = entry.id, entry.contest_id
    before = db.session.get_one(Contest, contest_id).version
    db.session.rollback()

    def take_out():
        with app.app_context():
            set_eligibility(entry_id, False, words="A school class.", actor_id=admin_id, now=NOW)

    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as other:
        make_pages_fresh(other, contest_id)
        waiting = threading.Thread(target=take_out)
        waiting.start()
        wait_for_a_lock(waiting)
        other.commit()
    waiting.join(30)
    assert db.session.get_one(Contest, contest_id, populate_existing=True).version == before + 2
