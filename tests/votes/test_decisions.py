"""Deciding about votes: state, counters, tree and log change together, or nothing does."""

import threading

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.models import EntrySpread
from quilt.audit.counters import check_tallies
from quilt.database import db, write
from quilt.votes.decisions import TransitionRefused, Verdict, decide_votes
from quilt.votes.models import DecisionInbox, EntryTally, Vote, VoteDecision, Voter
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.votes.test_service import vote_for
from tests.waiting import wait_for_a_lock

HOLD = Verdict("held", "rules", "lockstep", "rules-1", evidence='{"points":3}')


@pytest.fixture
def votes(app):
    """The ids of three recorded votes for one entry."""
    entry = make_entry()
    for number in range(3):
        vote_for(entry, make_user(), visitor=b"visitor%d" % number)
    db.session.rollback()
    return list(db.session.scalars(select(Vote.id).order_by(Vote.id)))


def decide(vote_ids, verdict):
    changed = write(decide_votes, vote_ids, verdict, NOW)
    db.session.rollback()
    return changed


def read_tally():
    fold_waiting(NOW)
    db.session.rollback()
    tally = db.session.scalars(select(EntryTally)).one()
    spread = db.session.scalars(select(EntrySpread)).one()
    assert spread.votes_count == tally.standing
    assert check_tallies(db.session.connection()).differences == ()
    return tally.standing, tally.held, tally.rejected, tally.withdrawn


def test_a_decision_changes_state_counters_tree_and_log(votes):
    assert decide(votes[:2], HOLD) == votes[:2]
    assert read_tally() == (1, 2, 0, 0)
    log = db.session.scalars(select(VoteDecision).order_by(VoteDecision.id)).all()
    assert [(row.vote_id, row.before, row.after, row.evidence) for row in log] == [
        (vote, "recorded", "held", HOLD.evidence) for vote in votes[:2]
    ]
    assert db.session.scalars(select(DecisionInbox.decision_id)).all() == [row.id for row in log]


def test_counting_what_was_recorded_moves_no_counter(votes):
    assert decide(votes, Verdict("counted", "rules", "plain", "rules-1")) == votes
    assert read_tally() == (3, 0, 0, 0)
    assert decide(votes, Verdict("counted", "rules", "plain", "rules-1")) == []


def test_the_way_back_restores_the_counters(votes):
    decide(votes, HOLD)
    decide(votes[:1], Verdict("rejected", "reviewer", "bought", "rules-1"))
    decide(votes[1:], Verdict("counted", "voter", "confirmed", "rules-1"))
    assert read_tally() == (2, 0, 1, 0)
    decide(votes[:1], Verdict("counted", "appeal", "mistake", "rules-1"))
    assert read_tally() == (3, 0, 0, 0)


def test_one_vote_that_may_not_go_there_stops_all(votes):
    decide(votes[:1], Verdict("counted", "rules", "plain", "rules-1"))
    with pytest.raises(TransitionRefused) as refusal:
        decide(votes, Verdict("rejected", "reviewer", "bought", "rules-1"))
    assert (refusal.value.vote_id, refusal.value.before) == (votes[0], "counted")
    db.session.rollback()
    assert read_tally() == (3, 0, 0, 0)
    assert db.session.scalar(select(func.count()).select_from(VoteDecision)) == 1


@pytest.mark.parametrize("change", [update(VoteDecision).values(reason="other"), delete(VoteDecision)])
def test_the_log_only_grows(votes, change):
    decide(votes, HOLD)
    with pytest.raises(DatabaseError, match="only grows"):
        db.session.execute(change)
    db.session.rollback()


@pytest.fixture
def crowd(app):
    """The second of two entries, and the ids of votes: six hundred for it, and the newest for the first."""
    contest = make_contest()
    first, second = make_entry(contest), make_entry(contest)
    entries = [second.id] * 600 + [first.id]
    person = {"contest_id": contest.id, "created_at": NOW}
    voters = [{**person, "key": number.to_bytes(32)} for number in range(len(entries))]
    voter_ids = db.session.scalars(insert(Voter).returning(Voter.id), voters).all()
    vote = {"contest_id": contest.id, "period": "", "cast_at": NOW}
    votes = [
        {**vote, "voter_id": voter_id, "entry_id": entry_id, "receipt": f"receipt {voter_id}"}
        for voter_id, entry_id in zip(sorted(voter_ids), entries, strict=True)
    ]
    db.session.execute(insert(Vote), votes)
    for entry_id in set(entries):
        tally = update(EntryTally).where(EntryTally.entry_id == entry_id)
        db.session.execute(tally.values(standing=entries.count(entry_id)))
    db.session.commit()
    return second.id, list(db.session.scalars(select(Vote.id).order_by(Vote.id)))


def test_a_crowd_s_votes_are_decided_about_at_once(crowd):
    _, vote_ids = crowd
    assert decide(reversed(vote_ids), HOLD) == vote_ids
    assert check_tallies(db.session.connection()).differences == ()
    assert db.session.scalar(select(func.count()).select_from(DecisionInbox)) == len(vote_ids)


def test_all_votes_are_taken_before_the_first_counter(app, crowd):
    """Else whoever has a vote of them and wants its counter waits in a ring with us."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    second_id, vote_ids = crowd

    def work():
        with app.app_context():
            done.append(len(decide(vote_ids, HOLD)))

    done, deciding = [], threading.Thread(target=work)
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
        connection.execute(select(Vote.id).where(Vote.id == vote_ids[-1]).with_for_update())
        deciding.start()
        wait_for_a_lock(deciding)
        connection.execute(
            update(EntryTally).where(EntryTally.entry_id == second_id).values(held=EntryTally.held)
        )
        connection.commit()
    deciding.join(30)
    assert done == [len(vote_ids)]
