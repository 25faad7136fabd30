"""What a ledger says of votes, against their rows: decisions, states, tallies."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import Connection, exists, func, select

from quilt.audit.ledger_books import Decided, ReadLedger
from quilt.ledger.heads import decode_head, hash_head
from quilt.ledger.refusals import LedgerRefused
from quilt.ledger.tally import encode_results, tally_ballots
from quilt.ledger.terms import read_terms
from quilt.votes.leaves import spell_tag
from quilt.votes.ledger_models import (
    LedgerEntry,
    LedgerHead,
    LedgerLeaf,
    LedgerResults,
    LedgerTally,
    Settlement,
)
from quilt.votes.models import DecisionInbox, Vote, VoteDecision

_decision, _inbox = VoteDecision.__table__, DecisionInbox.__table__
_leaf, _vote = LedgerLeaf.__table__, Vote.__table__
_waits = exists().where(_inbox.c.decision_id == _decision.c.id)


def compare_decisions(connection: Connection, read: ReadLedger) -> tuple[int, Iterator[str]]:
    """The log of decisions against the leaves; a decision that waits for its leaf stands in the inbox.

    None is later than a final result.
    """
    rows = connection.execute(
        select(
            _decision.c.id, _leaf.c.number, _decision.c.after, _decision.c.actor, _decision.c.reason,
            _decision.c.rules,
        )
        .outerjoin(_leaf, _leaf.c.vote_id == _decision.c.vote_id)
        .where(_decision.c.contest_id == read.contest_id, ~_waits)
        .order_by(_decision.c.id)
    ).all()  # fmt: skip
    late = connection.scalars(
        select(_decision.c.id)
        .join(Settlement, Settlement.contest_id == _decision.c.contest_id)
        .where(_decision.c.contest_id == read.contest_id, _decision.c.decided_at > Settlement.settled_at)
        .order_by(_decision.c.id)
    ).all()
    return len(rows), chain(_list_decision_faults(rows, read), map(_describe_late, late))


def _describe_late(decision_id: int) -> str:
    return f"decision {decision_id} was made after the result was final"


def _list_decision_faults(rows: Any, read: ReadLedger) -> Iterator[str]:
    logged: dict[int, tuple[Decided, ...]] = {}
    for row in rows:
        if row.number is None:
            yield f"decision {row.id} is neither in the ledger nor waiting for it"
            continue
        what = (row.after, row.actor, spell_tag(row.reason), spell_tag(row.rules))
        logged[row.number] = (*logged.get(row.number, ()), what)
    if not read.is_whole:
        return
    for number, decided in read.decided.items():
        if logged.get(number, ()) != decided:
            yield f"the log tells another story of the vote in leaf {number} than the leaves do"


def compare_states(connection: Connection, read: ReadLedger) -> tuple[int, Iterator[str]]:
    """The state in each vote's row against its last decision and its leaf."""
    every = _decision.alias()
    last = (
        select(func.max(every.c.id)).where(every.c.vote_id == _vote.c.id).correlate(_vote).scalar_subquery()
    )
    rows = connection.execute(
        select(
            _vote.c.id, _vote.c.state, _leaf.c.number, _decision.c.after,
            _inbox.c.decision_id.is_not(None).label("waits"),
        )
        .outerjoin(_leaf, _leaf.c.vote_id == _vote.c.id)
        .outerjoin(_decision, _decision.c.id == last)
        .outerjoin(_inbox, _inbox.c.decision_id == _decision.c.id)
        .where(_vote.c.contest_id == read.contest_id)
        .order_by(_vote.c.id)
    ).all()  # fmt: skip
    return len(rows), _list_state_faults(rows, read)


def _list_state_faults(rows: Any, read: ReadLedger) -> Iterator[str]:
    for row in rows:
        if row.state != (row.after or "recorded"):
            yield f"vote {row.id} is {row.state}, its last decision says {row.after or 'nothing'}"
        elif row.number is None and row.after is not None and not row.waits:
            yield f"vote {row.id} was decided about, but has no leaf"
        elif row.number is not None and read.is_whole and not row.waits:
            told = read.ballots.state(row.number) if row.number < read.lines else None
            if told != row.state:
                yield f"vote {row.id} is {row.state}, its leaf says {told}"


def compare_tally(connection: Connection, ledger: Any, read: ReadLedger) -> tuple[int, Iterator[str]]:
    """The tally that is kept, and the published results, against what the leaves come to."""
    rows = connection.execute(
        select(LedgerTally.__table__).where(LedgerTally.contest_id == read.contest_id)
    ).all()
    kept = Counter({(row.entry_id, row.state, row.reason): row.votes for row in rows if row.votes})
    last = connection.execute(
        select(LedgerHead.size, LedgerHead.line, LedgerResults.body)
        .outerjoin(
            LedgerResults,
            (LedgerResults.contest_id == LedgerHead.contest_id) & (LedgerResults.size == LedgerHead.size),
        )
        .where(LedgerHead.contest_id == read.contest_id)
        .order_by(LedgerHead.number.desc())
        .limit(1)
    ).first()
    entries = connection.execute(
        select(LedgerEntry.__table__).where(LedgerEntry.contest_id == read.contest_id)
    ).all()
    looked_at = len(rows) + len(entries)
    return looked_at, _list_tally_faults(kept, entries, last, ledger, read) if read.is_whole else iter(())


def _list_tally_faults(
    kept: Counter[tuple[int, str, str]], entries: Any, last: Any, ledger: Any, read: ReadLedger
) -> Iterator[str]:
    told = Counter(
        (read.entries[number], decided[-1][0] if decided else "recorded", decided[-1][2] if decided else "")
        for number, decided in read.decided.items()
    )
    for key in sorted(told.keys() | kept.keys()):
        if told[key] != kept[key]:
            yield f"{key[1]} votes of entry {key[0]} ({key[2] or 'no reason'}): {kept[key]} kept, {told[key]} in leaves"
    out = {row.entry_id for row in entries if not row.is_running}
    points = {row.entry_id: row.points for row in entries if row.points is not None}
    if out != read.ballots.out or points != read.ballots.points:
        yield "who is in the running, or the judges' points, are kept other than the leaves say"
    if last is not None and last.size == read.lines and not _is_right(last, ledger, read):
        yield f"results.json at {last.size} leaves does not follow from them"


def _is_right(last: Any, ledger: Any, read: ReadLedger) -> bool:
    try:
        body = json.loads(last.body or b"{}")
        terms = read_terms(ledger.policy)
        value = (body.get("draw") or {}).get("value")
        head_hash = hash_head(decode_head(last.line.encode()).head)
        expected = encode_results(
            tally_ballots(read.ballots, terms), terms, head_hash, bool(body.get("final")), value
        )
    except (LedgerRefused, ValueError):
        return False
    return bool(last.body == expected)
