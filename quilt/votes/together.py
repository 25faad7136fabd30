"""Many votes in one transaction: a statement a step for all of them, the unusual ones one by one.

What a vote costs is mostly the asking, and on PostgreSQL the way there and back. So the votes that wait at the same
moment are looked up, checked and inserted together. The decisions are those of one vote (`quilt.votes.casting`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from quilt.arrivals.nodes import Node, find_or_add_nodes, lock_nodes
from quilt.prepared import sent_together
from quilt.spread.codes import Entropy
from quilt.votes.ballots import (
    Ballot,
    Cast,
    Receipt,
    check_facts,
    choose_slot,
    describe_first,
    lay_out_vote,
    lay_out_voter,
)
from quilt.votes.casting import read_clock, record_counts, settle_vote
from quilt.votes.periods import CONTEST, name_period
from quilt.votes.rules import NotOnBallot, Policy, VoteRefused
from quilt.votes.together_statements import ADD_VOTERS, ADD_VOTES, CLAIMED, FACTS, SLOTS
from quilt.writing import runs_together

Call = tuple[Ballot, Policy, str, datetime | None, Entropy]


class Crossed(Exception):
    """Somebody else's transaction was quicker with one of these votes: each must be cast alone."""


@dataclass(slots=True)
class _Wish:
    """One vote of the group, as far as it has come; it is `apart` once it must be cast alone."""

    ballot: Ballot
    policy: Policy
    secret: str
    entropy: Entropy
    told: datetime | None  # when it arrived; None: the clock of the statement that asks for its facts says
    is_apart: bool = False
    refused: VoteRefused | None = None
    facts: Any = None
    period: str = ""
    tier: str = ""
    voter_id: int = 0
    slot: int | None = None
    node: Node | None = None
    cast: Cast | None = None

    @property
    def now(self) -> datetime:
        """When it arrived."""
        return self.told or self.facts.clock

    @property
    def is_open(self) -> bool:
        """Whether it still goes the way of all."""
        return not self.is_apart and self.refused is None


def cast_many(connection: Connection, calls: Sequence[Call]) -> list[Receipt | VoteRefused]:
    """Cast votes, each as `cast_one` would, and return for each its receipt or why it was refused.

    Raises Crossed where a parallel transaction cast one of them; then the caller takes everything back.
    """
    wishes = _open_wishes(connection, calls)
    for step in (_check, _choose_slots, _settle_voters, _settle_nodes):
        step(connection, [wish for wish in wishes if wish.is_open])
    apart = [wish for wish in wishes if wish.is_apart]
    with sent_together(connection):
        find_added = _insert(connection, [wish for wish in wishes if wish.is_open])
        if not apart:
            _count(connection, wishes)
    if len(find_added()) < sum(wish.is_open for wish in wishes):
        raise Crossed
    if apart:
        for wish in apart:
            _cast_apart(connection, wish)
        _count(connection, wishes)
    return [_tell(wish) for wish in wishes]


@runs_together(cast_many)
def cast_one(
    connection: Connection,
    ballot: Ballot,
    policy: Policy,
    secret: str,
    told: datetime | None,
    entropy: Entropy,
) -> Receipt:
    """Cast one vote. Raises a VoteRefused, possibly after changes: the caller takes them back."""
    cast = settle_vote(connection, ballot, policy, secret, told, entropy)
    record_counts(connection, [cast])
    return cast.receipt


def _open_wishes(connection: Connection, calls: Sequence[Call]) -> list[_Wish]:
    """The votes; of one person only the first goes the way of all, and none that has an Idempotency-Key."""
    clock = _read_clock(connection, calls)
    wishes, people = [], set()
    for ballot, policy, secret, told, entropy in calls:
        wish = _Wish(ballot, policy, secret, entropy, told or clock)
        wish.is_apart = ballot.key is not None or ballot.user_id in people
        people.add(ballot.user_id)
        wishes.append(wish)
    return wishes


def _read_clock(connection: Connection, calls: Sequence[Call]) -> datetime | None:
    """The database's time, where it must be known before anything is asked: which day is it?"""
    has_days = any(told is None and policy.period != CONTEST for _, policy, _, told, _ in calls)
    return read_clock(connection) if has_days else None


def _check(connection: Connection, wishes: list[_Wish]) -> None:
    """Read what each vote is decided by, and decide; who needs a provider's word is looked at alone."""
    asked = []
    for place, wish in enumerate(wishes):
        if wish.told is not None:
            wish.period = name_period(wish.policy.period, wish.policy.time_zone, wish.told)
        who, entry_id = wish.ballot.user_id, wish.ballot.visit.entry_id
        asked.append({"place": place, "entry_id": entry_id, "user_id": who, "period": wish.period})
    found = {row.place: row for row in FACTS.rows(connection, asked)}
    for place, wish in enumerate(wishes):
        wish.facts = facts = found.get(place)
        if facts is None:
            wish.refused = NotOnBallot()
            continue
        try:
            tier = check_facts(facts, wish.ballot, wish.policy, wish.now)
        except VoteRefused as refused:
            wish.refused = refused
            continue
        if tier in (None, "oauth"):
            wish.is_apart = True
        elif facts.first_state is not None:
            first = (facts.first_state, facts.first_at, facts.first_receipt)
            wish.refused = describe_first(*first, wish.policy, wish.now)
        wish.tier = tier or ""


def _choose_slots(connection: Connection, wishes: list[_Wish]) -> None:
    limited = [wish for wish in wishes if wish.policy.limit is not None]
    asked = [
        {
            "place": place,
            "contest_id": wish.policy.contest_id,
            "voter_id": wish.facts.voter_id,
            "period": wish.period,
        }
        for place, wish in enumerate(limited)
        if wish.facts.voter_id is not None
    ]
    used = SLOTS.rows(connection, asked)
    for place, wish in enumerate(limited):
        try:
            wish.slot = choose_slot([vote for vote in used if vote.place == place], wish.policy, wish.now)
        except VoteRefused as refused:
            wish.refused = refused


def _settle_voters(connection: Connection, wishes: list[_Wish]) -> None:
    """Add who votes here for the first time; a mailbox that voted by another account is looked at alone."""
    rows = [
        lay_out_voter(wish.ballot, wish.facts.email, wish.policy, wish.secret, wish.now)
        for wish in wishes
        if wish.facts.voter_id is None
    ]
    added = ADD_VOTERS.rows(connection, sorted(rows, key=lambda row: row["key"]))
    ids = {(row.contest_id, row.user_id): row.id for row in added}
    for wish in wishes:
        voter_id = wish.facts.voter_id or ids.get((wish.policy.contest_id, wish.ballot.user_id))
        wish.voter_id, wish.is_apart = voter_id or 0, voter_id is None


def _settle_nodes(connection: Connection, wishes: list[_Wish]) -> None:
    """Find or add each voter's arrival; one that somebody else has voted from is looked at alone."""
    nodes = find_or_add_nodes(connection, [(wish.ballot.visit, wish.now, wish.entropy) for wish in wishes])
    asked = [
        {"arrival_id": node.arrival_id, "voter_id": wish.voter_id}
        for wish, node in zip(wishes, nodes, strict=True)
        if node is not None and not node.is_new
    ]
    lock_nodes(connection, [row["arrival_id"] for row in asked])
    taken = {row.arrival_id for row in CLAIMED.rows(connection, asked)}
    for wish, node in zip(wishes, nodes, strict=True):
        wish.node = node
        wish.is_apart = node is None or node.arrival_id in taken
        if node is not None:
            taken.add(node.arrival_id)


def _insert(connection: Connection, wishes: list[_Wish]) -> Callable[[], list[Any]]:
    """Insert the votes; what comes back finds those that were new."""
    rows = []
    for wish in wishes:
        assert wish.node is not None
        receipt = Receipt(wish.entropy(12).hex(), wish.now, wish.node)
        wish.cast = Cast(receipt, wish.ballot.visit.entry_id)
        row = lay_out_vote(
            wish.ballot, wish.tier, wish.policy, wish.voter_id, wish.period, receipt, wish.slot
        )
        rows.append(row)
    rows.sort(key=lambda row: row["voter_id"])
    return ADD_VOTES.send(connection, rows)


def _count(connection: Connection, wishes: list[_Wish]) -> None:
    record_counts(connection, [wish.cast for wish in wishes if wish.cast is not None])


def _cast_apart(connection: Connection, wish: _Wish) -> None:
    """Cast one vote with all its questions; what a refused one changed is taken back."""
    savepoint = connection.begin_nested()
    try:
        wish.cast = settle_vote(connection, wish.ballot, wish.policy, wish.secret, wish.told, wish.entropy)
    except VoteRefused as refused:
        savepoint.rollback()
        wish.refused = refused
    else:
        savepoint.commit()


def _tell(wish: _Wish) -> Receipt | VoteRefused:
    if wish.cast is not None:
        return wish.cast.receipt
    assert wish.refused is not None
    return wish.refused
