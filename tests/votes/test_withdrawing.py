"""Taking a vote back: where the rules allow it, and what becomes of the slot."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.database import db, write
from quilt.votes.decisions import Verdict, decide_votes
from quilt.votes.ledger_models import Ledger
from quilt.votes.models import DecisionInbox, EntryTally, Vote
from quilt.votes.rules import DecidedAbout, NotRevocable, NoVotesLeft, TakenBack
from quilt.votes.settling import hear_appeals, settle
from quilt.votes.withdrawing import NoSuchVote, withdraw_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save
from tests.votes.test_service import vote_for

UNTIL = NOW + timedelta(hours=1)


def test_a_vote_is_taken_back_and_stays_in_the_books(app):
    entry, voter = make_entry(make_contest(revocable_until=UNTIL)), make_user()
    receipt = vote_for(entry, voter).receipt
    assert withdraw_vote(receipt, voter.id, now=UNTIL - timedelta(microseconds=1)) == entry.id
    db.session.rollback()
    tally = db.session.get(EntryTally, entry.id, populate_existing=True)
    assert (tally.standing, tally.withdrawn) == (0, 1)
    assert db.session.scalars(select(Vote)).one().state == "withdrawn"
    assert db.session.query(DecisionInbox).count() == 1
    assert withdraw_vote(receipt, voter.id, now=NOW) == entry.id  # twice is once
    assert db.session.query(DecisionInbox).count() == 1


@pytest.mark.parametrize("until, moment", [(None, NOW), (UNTIL, UNTIL)])
def test_it_stays_cast_where_the_rules_say_so(app, until, moment):
    entry, voter = make_entry(make_contest(revocable_until=until)), make_user()
    receipt = vote_for(entry, voter).receipt
    with pytest.raises(NotRevocable) as refusal:
        withdraw_vote(receipt, voter.id, now=moment)
    assert refusal.value.until == until
    db.session.rollback()
    assert db.session.scalars(select(Vote)).one().state == "recorded"


@pytest.mark.parametrize("what", ["rejected", "final"])
def test_what_is_decided_for_good_is_refused_in_words_of_its_own(app, what):
    contest = make_contest(revocable_until=UNTIL)
    entry, voter = make_entry(contest), make_user()
    receipt = vote_for(entry, voter).receipt
    db.session.rollback()
    vote_id = db.session.scalar(select(Vote.id))
    db.session.rollback()
    if what == "final":
        save(Ledger(contest_id=contest.id, name="x", policy=b"{}", opened_at=NOW, batch_at=NOW))
        write(hear_appeals, contest.id, NOW)
        write(settle, contest.id, NOW)
    else:
        for state in ("held", "rejected"):
            write(decide_votes, [vote_id], Verdict(state, "reviewer", "bought", "rules-1"), NOW)
    with pytest.raises(DecidedAbout) as refusal:
        withdraw_vote(receipt, voter.id, now=NOW)
    assert refusal.value.is_final == (what == "final")


def test_nobody_takes_back_what_another_cast(app):
    entry, voter = make_entry(make_contest(revocable_until=UNTIL)), make_user()
    receipt = vote_for(entry, voter).receipt
    with pytest.raises(NoSuchVote):
        withdraw_vote(receipt, make_user().id, now=NOW)
    with pytest.raises(NoSuchVote):
        withdraw_vote("unknown", voter.id, now=NOW)


def test_its_slot_is_free_for_another_entry_and_not_for_the_same(app):
    contest, voter = make_contest(revocable_until=UNTIL, limit_count=1), make_user()
    first, second = make_entry(contest), make_entry(contest)
    receipt = vote_for(first, voter).receipt
    with pytest.raises(NoVotesLeft):
        vote_for(second, voter)
    withdraw_vote(receipt, voter.id, now=NOW)
    with pytest.raises(TakenBack):
        vote_for(first, voter)
    vote_for(second, voter)
    with pytest.raises(NoVotesLeft):
        vote_for(make_entry(contest), voter)
    db.session.rollback()
    standing = db.session.scalars(select(Vote).where(Vote.state == "recorded")).all()
    assert [(vote.entry_id, vote.slot) for vote in standing] == [(second.id, 0)]


def test_the_clock_of_the_database_decides_where_no_other_is_given(app):
    entry, voter = make_entry(make_contest(revocable_until=UNTIL)), make_user()
    receipt = vote_for(entry, voter).receipt
    with pytest.raises(NotRevocable):  # long past in the database's time
        withdraw_vote(receipt, voter.id)
