"""The site with a planted flaw: a vote that looks first and inserts afterwards, without a unique key.

It stands here so that the test of double votes can show that it would see them.
"""

import os
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import text

from quilt.arrivals.nodes import Node
from quilt.database import db, transaction
from quilt.votes.rules import AlreadyVoted, NoVotesLeft, Policy
from quilt.votes.service import Ballot, Receipt
from tests.faults.planted import plant

TABLE = "CREATE TABLE IF NOT EXISTS naive_vote (voter BIGINT, entry BIGINT)"
COUNTER = "CREATE TABLE IF NOT EXISTS naive_tally (entry BIGINT, counted BIGINT)"


def naive_cast(ballot: Ballot, policy: Policy, *, secret: str, now: Any, entropy: Any) -> Receipt:
    """Look, then insert: two posts that look at the same time both insert."""
    who = {"voter": ballot.user_id, "entry": ballot.visit.entry_id}
    db.session.rollback()
    known = db.session.execute(
        text("SELECT count(*) FROM naive_vote WHERE voter = :voter AND entry = :entry"), who
    )
    counted = db.session.execute(text("SELECT counted FROM naive_tally WHERE entry = :entry"), who).scalar()
    if known.scalar():
        raise AlreadyVoted(datetime.now(UTC), "", None)
    time.sleep(0.01)
    with transaction() as session:
        session.execute(text("INSERT INTO naive_vote VALUES (:voter, :entry)"), who)
        session.execute(
            text("UPDATE naive_tally SET counted = :n WHERE entry = :entry"), {**who, "n": counted + 1}
        )
    return Receipt("naive", datetime.now(UTC), Node(0, "naive000000", is_new=False))


def naive_limit(
    limit: int, ballot: Ballot, policy: Policy, *, secret: str, now: Any, entropy: Any
) -> Receipt:
    """Count, then insert: posts that count at the same time are all within the limit."""
    db.session.rollback()
    counted = db.session.execute(
        text("SELECT count(*) FROM naive_vote WHERE voter = :voter"), {"voter": ballot.user_id}
    ).scalar()
    if (counted or 0) >= limit:
        raise NoVotesLeft(limit, None, None)
    time.sleep(0.01)
    with transaction() as session:
        who = {"voter": ballot.user_id, "entry": ballot.visit.entry_id}
        session.execute(text("INSERT INTO naive_vote VALUES (:voter, :entry)"), who)
    return Receipt("naive", datetime.now(UTC), Node(0, "naive000000", is_new=False))


def plant_flaw() -> None:
    """One flaw or the other is in it from now on."""
    limit = int(os.environ.get("NAIVE_LIMIT", "0"))
    plant(partial(naive_limit, limit) if limit else naive_cast)
