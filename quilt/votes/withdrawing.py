"""Taking a vote back, where the rules of the contest allow it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from quilt.contests.models import BallotPolicy, Contest
from quilt.database import write
from quilt.votes.casting import ask_clock
from quilt.votes.decisions import ResultIsFinal, TransitionRefused, Verdict, decide_votes
from quilt.votes.models import Vote, Voter
from quilt.votes.rules import DecidedAbout, NotRevocable

RULES = "policy"  # decided by the contest's policy, not by rules of evidence
_vote, _voter, _policy = Vote.__table__, Voter.__table__, BallotPolicy.__table__
_contest = Contest.__table__


class NoSuchVote(Exception):
    """This person has cast no vote with that receipt."""


def withdraw_vote(receipt: str, user_id: int, *, now: datetime | None = None) -> int:
    """Take the vote with this receipt back; returns the id of its entry.

    It stays in the ledger as withdrawn, for the same entry the voter cannot vote again in this period, and its
    slot is free for another. The database's clock decides where `now` is None. Raises NoSuchVote, NotRevocable or
    DecidedAbout.
    """
    return write(_withdraw, receipt, user_id, now)


def _withdraw(connection: Connection, receipt: str, user_id: int, told: datetime | None) -> int:
    vote = _find(connection, receipt, user_id)
    if vote is None:
        raise NoSuchVote
    now = vote.clock if told is None else told
    if vote.revocable_until is None or now >= vote.revocable_until:
        raise NotRevocable(vote.revocable_until, vote.time_zone)
    verdict = Verdict("withdrawn", "voter", "taken-back", RULES, actor_id=user_id)
    try:
        decide_votes(connection, [vote.id], verdict, now)
    except TransitionRefused as refused:
        is_final = isinstance(refused, ResultIsFinal)
        raise DecidedAbout(vote.revocable_until, vote.time_zone, is_final=is_final) from None
    # In the same transaction: whoever counts the slots sees the vote standing, or its slot free, never both.
    connection.execute(update(Vote).where(Vote.id == vote.id).values(slot=None))
    return int(vote.entry_id)


def _find(connection: Connection, receipt: str, user_id: int) -> Any:
    statement = (
        select(
            _vote.c.id,
            _vote.c.entry_id,
            _policy.c.revocable_until,
            _contest.c.time_zone,
            ask_clock(connection.dialect.name),
        )
        .join(_voter, _voter.c.id == _vote.c.voter_id)
        .join(_policy, _policy.c.contest_id == _vote.c.contest_id)
        .join(_contest, _contest.c.id == _vote.c.contest_id)
        .where(_vote.c.receipt == receipt, _voter.c.user_id == user_id)
    )
    return connection.execute(statement).first()
