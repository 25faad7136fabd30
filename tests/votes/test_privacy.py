"""Who leaves takes their name along; the tree and the count stay as they were."""

import secrets

from sqlalchemy import delete, select

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.models import Arrival
from quilt.arrivals.nodes import Visit
from quilt.arrivals.queries import describe_spread
from quilt.arrivals.service import record_arrival
from quilt.contests.models import Contest
from quilt.database import db, transaction, write
from quilt.votes.decisions import Verdict, decide_votes
from quilt.votes.models import DecisionInbox, Vote, Voter
from quilt.votes.privacy import forget_voter, tell_votes
from quilt.votes.queries import build_policy, count_votes, list_votes_of
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user


def vote(entry, user, visitor, via=""):
    """The vote of somebody who came by a link; returns the code of their own."""
    policy = build_policy(db.session.get_one(Contest, entry.contest_id))
    visit = Visit(entry.id, visitor, via=via)
    ballot = Ballot(user.id, "email", visit)
    receipt = cast_vote(ballot, policy, secret="secret", now=NOW, entropy=secrets.token_bytes)
    db.session.rollback()
    return receipt.node.code


def forget(user):
    with transaction() as session:
        forget_voter(session, user.id, NOW)
    db.session.rollback()


def read_tree():
    rows = db.session.execute(
        select(Arrival.id, Arrival.parent_id, Arrival.depth, Arrival.code).order_by(Arrival.id)
    )
    return [tuple(row) for row in rows]


def read_visitors():
    return db.session.scalars(select(Arrival.visitor_key).order_by(Arrival.id)).all()


def test_a_person_who_leaves_leaves_the_node_and_the_vote(app):
    entry, ana, ben = make_entry(make_contest()), make_user(), make_user()
    code = vote(entry, ana, b"ana's day")
    vote(entry, ben, b"ana's day", via=code)  # one computer, two people: the second has a node of their own
    fold_waiting(NOW)
    db.session.rollback()
    tree, figures = read_tree(), describe_spread(entry.id)
    votes = [tuple(row) for row in db.session.execute(select(Vote.receipt, Vote.arrival_id, Vote.state))]

    forget(ben)
    assert read_visitors() == [b"ana's day", None]
    assert [row.user_id for row in db.session.scalars(select(Voter).order_by(Voter.id))] == [ana.id, None]
    assert list_votes_of(ben.id) == [] and len(list_votes_of(ana.id)) == 1
    assert (read_tree(), describe_spread(entry.id)) == (tree, figures)
    assert [
        tuple(row) for row in db.session.execute(select(Vote.receipt, Vote.arrival_id, Vote.state))
    ] == votes
    assert count_votes(entry.id) == 2


def test_nobody_else_is_forgotten_and_nothing_is_found_twice(app):
    entry, ana = make_entry(make_contest()), make_user()
    vote(entry, ana, b"ana's day")
    record_arrival(Visit(entry.id, b"somebody"), None, now=NOW, entropy=secrets.token_bytes)
    forget(make_user())
    assert read_visitors() == [b"ana's day", b"somebody"]
    for _ in range(2):
        forget(ana)
        assert read_visitors() == [None, b"somebody"]


def test_the_copy_of_everything_tells_no_more_of_a_vote_than_the_ledger(app):
    entry, ana = make_entry(make_contest()), make_user()
    vote(entry, ana, b"ana's day")
    cast = db.session.scalar(select(Vote.id))
    db.session.rollback()

    def tell(state):
        write(decide_votes, [cast], Verdict(state, "reviewer", "program", "rules-1"), NOW)
        db.session.rollback()
        return [row["state"] for row in tell_votes(db.session, ana.id)]

    assert tell("held") == ["recorded"]
    write(lambda connection: connection.execute(delete(DecisionInbox)).rowcount)  # the batch comes
    assert tell("rejected") == ["held"]
