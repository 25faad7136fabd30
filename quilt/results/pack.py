"""The evidence pack: everything that the result of a contest follows from, in one ZIP."""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any

from sqlalchemy import select

from quilt.accounts.exports import guard_cell
from quilt.config import ROOT
from quilt.contests.changes import list_changes
from quilt.contests.desk import list_rules
from quilt.database import db
from quilt.ledger.leaves import DecisionLeaf, decode_leaf
from quilt.results.gate import ResultRefused
from quilt.results.models import GateRun
from quilt.results.queries import find_result, list_steps
from quilt.votes.keys import SigningKey
from quilt.votes.ledger_models import LedgerLeaf
from quilt.votes.ledgers import find_ledger, list_heads, list_public_keys, read_lines
from quilt.votes.models import VoteDecision

MOST_CHANGES = 100_000
ROWS_AT_ONCE = 2_000
README = """The evidence pack of {name}, made {made}.

policy.json, public_key, heads.ndjson, ledger.ndjson, results.json
    The public files of the ledger. `python3 verify.py .` recomputes every hash, signature, state, tally and
    place from them; verify.py shares no code with the server.
rules/
    Every version of the rules' text.
decisions.csv
    Every decision in this ledger about a vote, by the leaf of the vote: before, after, who (by role), reason,
    version of the evidence rules, time. What the rules saw and who the voter is are not in it.
changes.csv
    What was changed about the contest, when, and why.
gate.csv
    Every trial of the gate in front of the result, question by question.
prizes.csv
    What became of the prizes.
"""


def write_pack(contest_id: int, key: SigningKey, file: IO[bytes], now: datetime) -> str:
    """Write the pack as a ZIP and return the contest's name. Raises ResultRefused before there is a result.

    Nothing in it is about a voter; it may be shown to whoever complains.
    """
    ledger, result = find_ledger(contest_id), find_result(contest_id)
    if ledger is None or result is None or result.state == "proposed":
        raise ResultRefused("There is no published result yet, so there is nothing to pack.")
    told: Counter[int] = Counter()  # votes by leaf → how often the result's ledger tells of a decision
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("README.txt", README.format(name=ledger.name, made=now.isoformat(timespec="minutes")))
        pack.writestr("policy.json", ledger.policy)
        keys = list_public_keys(key)
        pack.writestr("public_key", "".join(f"{public.hex()}\n" for public in keys))
        heads = [head for head in list_heads(contest_id) if head.size <= result.size]
        pack.writestr("heads.ndjson", "".join(f"{head.line}\n" for head in heads))
        with pack.open("ledger.ndjson", "w") as member:
            for piece in read_lines(contest_id, result.size):
                member.write(piece.encode())
                told.update(_list_decided(piece))
        pack.writestr("results.json", result.body)
        pack.write(ROOT / "static" / "verify.py", "verify.py")
        for rules in reversed(list_rules(contest_id)):
            pack.writestr(f"rules/version-{rules.version}.txt", rules.text)
        _write_tables(pack, contest_id, told)
    return ledger.name


def write_table(pack: zipfile.ZipFile, name: str, titles: Sequence[str], rows: Iterable[Any]) -> None:
    """Add a CSV of these rows to the pack, written as they come."""
    with pack.open(name, "w") as member, io.TextIOWrapper(member, "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(titles)
        writer.writerows([_spell(value) for value in row] for row in rows)


def _list_decided(lines: str) -> Iterator[int]:
    """The leaves of the votes that these lines of the ledger decide about."""
    for line in lines.splitlines():
        leaf = decode_leaf(line.encode())
        if isinstance(leaf, DecisionLeaf):
            for first, last in leaf.votes:
                yield from range(first, last + 1)


def _drop_later(decisions: Iterable[Any], told: Counter[int]) -> Iterator[Any]:
    """Without what was decided after the result: the ledger tells of a vote's decisions in their order, each once."""
    for row in decisions:
        if told[row.number]:
            told[row.number] -= 1
            yield row


def _write_tables(pack: zipfile.ZipFile, contest_id: int, told: Counter[int]) -> None:
    decisions = db.session.execute(
        select(
            LedgerLeaf.number, VoteDecision.before, VoteDecision.after, VoteDecision.actor, VoteDecision.reason,
            VoteDecision.rules, VoteDecision.decided_at,
        )
        .join(LedgerLeaf, LedgerLeaf.vote_id == VoteDecision.vote_id)
        .where(VoteDecision.contest_id == contest_id)
        .order_by(VoteDecision.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )  # fmt: skip
    write_table(
        pack,
        "decisions.csv",
        ("leaf", "before", "after", "actor", "reason", "rules", "at"),
        _drop_later(decisions, told),
    )
    changes = [
        (line.changed_at, line.kind, line.words, json.dumps(line.fields), line.is_public)
        for line in reversed(list_changes(contest_id, MOST_CHANGES))
    ]
    write_table(pack, "changes.csv", ("at", "what", "words", "fields", "public"), changes)
    runs = db.session.scalars(select(GateRun).where(GateRun.contest_id == contest_id).order_by(GateRun.id))
    answers = [(run.run_at, run.is_passed, *check) for run in runs for check in json.loads(run.checks)]
    write_table(pack, "gate.csv", ("at", "passed", "question", "fine", "words"), answers)
    steps = [(step.at, step.place, step.entry_id, step.state, step.words) for step in list_steps(contest_id)]
    write_table(pack, "prizes.csv", ("at", "place", "entry", "state", "words"), steps)


def _spell(value: object) -> object:
    """A cell; what a spreadsheet would take for a formula is marked as text."""
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else guard_cell(value)
