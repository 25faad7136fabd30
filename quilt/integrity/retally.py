"""What the count would be under another policy: to be looked at, it changes nothing."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from quilt.database import db
from quilt.entries.models import Entry
from quilt.integrity.facts import get_rulebook
from quilt.integrity.rules import Finding
from quilt.votes.evidence import NO_MARK, unpack_evidence
from quilt.votes.models import STANDING, Vote, VoteDecision

POLICIES = {
    "all": "Every vote that was not taken back",
    "counted": "Only votes that the ledger counts already",
    "email": "Only votes confirmed by e-mail",
    "oauth": "Only votes by sign-in with another provider",
    "passkey": "Only votes by a passkey",
    "network": "One vote for an entry from each network a day (what a naive rule would leave)",
    "no_identity": "Without what the rules hold for the address",
    "no_automation": "Without what the rules hold for haste",
    "no_engagement": "Without what the rules hold for not playing the film",
    "no_cluster": "Without what the rules hold for times too much alike",
    "no_lockstep": "Without what the rules hold for voting in lockstep",
}


@dataclass(frozen=True, slots=True)
class Retold:
    """One entry's votes and place as they stand, and under the other policy.

    An entry without votes has no place, nor has one out of the prize.
    """

    entry_id: int
    title: str
    is_eligible: bool
    votes: int
    place: int | None
    other_votes: int
    other_place: int | None


def retally(contest_id: int, policy: str) -> list[Retold]:
    """Every entry under one of POLICIES, in the order that it would make; those without a place come last.

    Raises KeyError.
    """
    count = _COUNTS[policy]
    rows = list(_read(contest_id))
    now = Counter(row.entry_id for row in rows if row.state in STANDING)
    other = count(rows)
    entries = db.session.execute(
        select(Entry.id, Entry.title, Entry.is_eligible).where(
            Entry.contest_id == contest_id, Entry.state == "published"
        )
    ).all()
    ids = [entry.id for entry in entries if entry.is_eligible]
    places, other_places = _place(ids, now), _place(ids, other)
    told = [
        Retold(*entry, now[entry.id], places.get(entry.id), other[entry.id], other_places.get(entry.id))
        for entry in entries
    ]
    last = len(told) + 1
    return sorted(told, key=lambda row: (row.other_place or last, row.place or last, row.entry_id))


def _place(entries: Iterable[int], votes: Counter[int]) -> dict[int, int]:
    """Places from 1 of those that have votes; entries with as many share theirs."""
    numbers = sorted((votes[entry] for entry in entries), reverse=True)
    return {entry: numbers.index(votes[entry]) + 1 for entry in entries if votes[entry]}


def _read(contest_id: int) -> Iterable[Any]:
    """The contest's votes, each with the evidence of the rules' own decision to hold it, if they did."""
    held = (
        select(VoteDecision.vote_id, VoteDecision.evidence.label("found"))
        .where(
            VoteDecision.contest_id == contest_id, VoteDecision.actor == "rules", VoteDecision.after == "held"
        )
        .subquery()
    )
    statement = (
        select(Vote.id, Vote.entry_id, Vote.state, Vote.cast_at, Vote.evidence, Vote.tier, held.c.found)
        .outerjoin(held, held.c.vote_id == Vote.id)
        .where(Vote.contest_id == contest_id, Vote.state != "withdrawn")
    )
    return db.session.execute(statement)


def _count_if(test: Callable[[Any], bool]) -> Callable[[list[Any]], Counter[int]]:
    return lambda rows: Counter(row.entry_id for row in rows if test(row))


def _count_tier(tier: str) -> Callable[[list[Any]], Counter[int]]:
    return _count_if(lambda row: row.state in STANDING and row.tier == tier)


def _count_networks(rows: list[Any]) -> Counter[int]:
    networks: dict[int, set[object]] = defaultdict(set)
    for row in rows:
        if row.state in STANDING:
            mark = unpack_evidence(row.evidence).marks.network
            networks[row.entry_id].add(row.id if mark == NO_MARK else (mark, row.cast_at.date()))
    return Counter({entry: len(marks) for entry, marks in networks.items()})


def _count_without(family: str) -> Callable[[list[Any]], Counter[int]]:
    """Held votes count where the family left out is what held them; nothing else changes."""

    def stands(row: Any) -> bool:
        if row.state != "held" or not row.found:
            return bool(row.state in STANDING)
        book = get_rulebook()
        signs = tuple(name for name in json.loads(row.found)["signs"] if name in book.signs)
        return Finding(signs).find_reason(book, without={family}) is None

    return _count_if(stands)


_COUNTS: dict[str, Callable[[list[Any]], Counter[int]]] = {
    "all": _count_if(lambda row: True),
    "counted": _count_if(lambda row: row.state == "counted"),
    **{tier: _count_tier(tier) for tier in ("email", "oauth", "passkey")},
    "network": _count_networks,
    **{
        f"no_{family}": _count_without(family)
        for family in ("identity", "automation", "engagement", "cluster", "lockstep")
    },
}
