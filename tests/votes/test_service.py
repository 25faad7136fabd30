import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from quilt.arrivals.models import Arrival, ArrivalInbox
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.contests.models import Contest
from quilt.database import db, transaction
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.queries import build_policy, list_votes_of
from quilt.votes.rules import AlreadyVoted, NoVotesLeft, OwnEntry, SessionEnded
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user


def vote_for(entry, user, now=NOW, visitor=b"visitor1", epoch=None, tier="email", **visit):
    contest = db.session.get(Contest, entry.contest_id)
    ballot = Ballot(user.id, tier, Visit(entry.id, visitor, **visit), epoch)
    return cast_vote(ballot, build_policy(contest), secret="s", now=now, entropy=secrets.token_bytes)


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_vote_is_recorded_and_points_at_its_voter_s_arrival(app):
    entry, voter = make_entry(), make_user()
    receipt = vote_for(entry, voter)
    db.session.rollback()
    vote = db.session.scalars(select(Vote)).one()
    assert (vote.receipt, vote.state, vote.arrival_id) == (
        receipt.receipt,
        "recorded",
        receipt.node.arrival_id,
    )
    assert db.session.get(EntryTally, entry.id).standing == 1
    waiting = db.session.scalars(select(ArrivalInbox)).one()
    assert (waiting.is_new, waiting.votes) == (True, 1)
    assert list_votes_of(voter.id)[0].receipt == receipt.receipt


def test_a_session_that_was_ended_casts_no_vote(app):
    entry, voter = make_entry(), make_user()
    with pytest.raises(SessionEnded):
        vote_for(entry, voter, epoch=voter.session_epoch + 1)
    assert count(Vote) == count(Arrival) == 0
    vote_for(entry, voter, epoch=voter.session_epoch)
    assert count(Vote) == 1


def test_a_second_vote_says_when_the_first_was_cast_and_when_the_next_is_possible(app):
    entry, voter = make_entry(make_contest(period="day", limit_count=1)), make_user()
    first = vote_for(entry, voter)
    with pytest.raises(AlreadyVoted) as refusal:
        vote_for(entry, voter, NOW + timedelta(hours=1))
    assert (refusal.value.first_at, refusal.value.receipt) == (NOW, first.receipt)
    assert refusal.value.next_at.isoformat() == "2026-05-11T04:00:00+00:00"
    vote_for(entry, voter, NOW + timedelta(days=1))
    assert count(Vote) == 2


def test_as_many_votes_as_the_policy_has_slots(app):
    contest = make_contest(limit_count=2)
    entries = [make_entry(contest) for _ in range(3)]
    voter = make_user()
    vote_for(entries[0], voter)
    vote_for(entries[1], voter)
    with pytest.raises(NoVotesLeft):
        vote_for(entries[2], voter)
    assert count(Vote) == 2


def test_a_refused_vote_changes_nothing(app):
    entry, voter = make_entry(make_contest(closes=NOW)), make_user()
    with pytest.raises(Exception, match="closed"):
        vote_for(entry, voter)
    assert (count(Vote), count(Voter), count(Arrival), count(ArrivalInbox)) == (0, 0, 0, 0)


def test_an_alias_of_the_entrant_is_the_entrant(app):
    entry = make_entry(make_contest(), make_user("owner@gmail.com"))
    with pytest.raises(OwnEntry):
        vote_for(entry, make_user("o.wner+x@googlemail.com"))
    assert count(Vote) == 0


def test_two_people_behind_one_pseudonym_have_two_nodes(app):
    entry = make_entry()
    sharer = record_arrival(Visit(entry.id, b"sharer"), None, now=NOW, entropy=secrets.token_bytes)
    first = vote_for(entry, make_user(), visitor=b"school", via=sharer.code)
    second = vote_for(entry, make_user(), visitor=b"school", via=sharer.code)
    assert first.node.arrival_id != second.node.arrival_id
    db.session.rollback()
    parents = db.session.scalars(select(Arrival.parent_id).where(Arrival.id != sharer.arrival_id)).all()
    assert parents == [sharer.arrival_id, sharer.arrival_id]


def test_a_new_address_does_not_give_a_second_vote(app):
    entry, voter = make_entry(), make_user()
    vote_for(entry, voter)
    with transaction():
        voter.email_key = "other@example.org"
    with pytest.raises(AlreadyVoted):
        vote_for(entry, voter)
    assert count(Vote) == 1
