"""Votes as a crowd or a script would cast them, decided by the rules as the ledger's batch does."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update

from quilt.arrivals.nodes import Visit
from quilt.contests.models import Phase
from quilt.database import db, write
from quilt.integrity.verdicts import judge_batch
from quilt.votes.decisions import decide_votes
from quilt.votes.evidence import Evidence, make_marks, pack_evidence
from quilt.votes.models import DecisionInbox, Vote
from quilt.votes.queries import build_policy
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_user

SECRET = "a secret for the tests only, long enough"
BOT = {"has_played": False, "dwell": 1.0, "form_age": 1.0, "code_wait": 2.0, "has_language": False}
MARKS = make_marks("203.0.113.7", "Script/1", b"s" * 32, b"k" * 32)


def cast(entry, contest, *, at=NOW, user=None, via="", **told):
    """Cast one vote; its id. Without `told` nothing is known of how."""
    user = user or make_user()
    number = user.id.to_bytes(4)
    evidence = pack_evidence(Evidence(MARKS, **told)) if told else None
    ballot = Ballot(user.id, "email", Visit(entry.id, b"visit" + number, via), None, evidence)
    receipt = cast_vote(ballot, build_policy(contest), secret=SECRET, now=at, entropy=secrets.token_bytes)
    db.session.rollback()
    return db.session.scalars(select(Vote.id).where(Vote.receipt == receipt.receipt)).one()


def close_batch(contest, at=NOW):
    """Decide about everything recorded, and take the decisions as the ledger does."""
    ids = list(db.session.scalars(select(Vote.id).where(Vote.state == "recorded").order_by(Vote.id)))
    with db.engine.connect() as connection:
        verdicts = judge_batch(connection, contest.id, ids)
    assert verdicts.keys() == set(ids)
    write(_decide, verdicts, at)
    db.session.rollback()
    return {vote_id: verdict.after for vote_id, verdict in verdicts.items()}


def take_in():
    """As if the ledger had taken in what was decided."""
    write(lambda connection: connection.execute(delete(DecisionInbox)).rowcount)
    db.session.rollback()


def states():
    db.session.rollback()
    return {row.id: row.state for row in db.session.execute(select(Vote.id, Vote.state).order_by(Vote.id))}


def open_wide(contest, moment):
    """Let voting be open around the real clock too."""
    db.session.execute(
        update(Phase)
        .where(Phase.contest_id == contest.id)
        .values(starts_at=moment - timedelta(days=40), ends_at=moment + timedelta(days=40))
    )
    db.session.commit()


def _decide(connection, verdicts, at):
    for vote_id, verdict in verdicts.items():
        decide_votes(connection, [vote_id], verdict, at)
    connection.execute(delete(DecisionInbox))
