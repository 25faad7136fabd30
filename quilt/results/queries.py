"""Reading results: the facts for the gate, the result as everybody sees it, the steps of the prizes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.database import db
from quilt.entries.models import Entry
from quilt.judging.queries import are_judges_done, list_points
from quilt.ledger.heads import decode_head, hash_head
from quilt.ledger.leaves import decode_leaf
from quilt.ledger.tally import Tally, tally_leaves
from quilt.ledger.terms import Terms, read_terms
from quilt.results.gate import GateCheck
from quilt.results.models import GateRun, Prize, PrizeStep, Result
from quilt.votes.ledger_models import LedgerEntry
from quilt.votes.ledgers import LedgerFacts, find_ledger, read_lines
from quilt.votes.schedule import find_promise, is_quiet_head_due, list_timings


@dataclass(frozen=True, slots=True)
class Counted:
    """A contest's ledger up to its last head, counted leaf by leaf."""

    ledger: LedgerFacts
    terms: Terms
    tally: Tally
    head_hash: bytes


@dataclass(frozen=True, slots=True)
class Trial:
    """The last trial of the gate as the desk shows it."""

    is_passed: bool
    checks: tuple[GateCheck, ...]
    places: tuple[int, ...]
    actor_name: str
    run_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a prize as everybody reads it."""

    place: int
    entry_id: int
    state: str
    words: str
    at: datetime


def count_ledger(contest_id: int) -> Counted | None:
    """Read and count the public ledger; None before voting has opened. Takes some seconds for 100,000 leaves."""
    ledger = find_ledger(contest_id)
    if ledger is None:
        return None
    terms = read_terms(ledger.policy)
    lines = (line for piece in read_lines(contest_id, ledger.size) for line in piece.splitlines())
    tally = tally_leaves((decode_leaf(line.encode()) for line in lines), terms)
    return Counted(ledger, terms, tally, hash_head(decode_head(ledger.head_line.encode()).head))


def list_missing_points(connection: Connection, contest_id: int) -> dict[int, int]:
    """The points of the closed panel that the ledger does not hold yet, by entry."""
    written = connection.execute(
        select(LedgerEntry.entry_id, LedgerEntry.points).where(LedgerEntry.contest_id == contest_id)
    )
    known = {row.entry_id: row.points for row in written}
    points = sorted(list_points(connection, contest_id).items())
    return {entry: given for entry, given in points if known.get(entry) != given}


def is_panel_closed(contest_id: int) -> bool:
    """Whether the judges are done: every entry in the running has its points."""
    return are_judges_done(contest_id)


def find_awaited_head(contest_id: int, settings: Settings, now: datetime) -> datetime | None:
    """When the last head is due, the one behind every promise of a receipt; None before voting is over, and once it is signed."""
    timing = next((one for one in list_timings(now) if one.contest_id == contest_id), None)
    if timing is None or now < timing.ends_at:
        return None
    promise = find_promise(settings)
    due_at = timing.ends_at + promise
    return due_at if is_quiet_head_due(timing, max(now, due_at), promise) else None


def find_result(contest_id: int) -> Result | None:
    """The result as it stands in the database at this moment."""
    return db.session.get(Result, contest_id, populate_existing=True)


def find_published(contest_id: int) -> Result | None:
    """The result that everybody may read: approved, and not taken back."""
    result = find_result(contest_id)
    return result if result is not None and result.state != "proposed" else None


def list_places(result: Result) -> list[int]:
    """The entries of the places and the runners-up, the first first."""
    return [int(entry) for entry in json.loads(result.places)]


def find_trial(contest_id: int) -> Trial | None:
    """The newest trial of the gate."""
    row = db.session.execute(
        select(GateRun, func.coalesce(func.nullif(User.name, ""), User.email, ""))
        .outerjoin(User, User.id == GateRun.actor_id)
        .where(GateRun.contest_id == contest_id)
        .order_by(GateRun.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    run, name = row
    checks = tuple(GateCheck(*check) for check in json.loads(run.checks))
    return Trial(run.is_passed, checks, tuple(json.loads(run.places)), name, run.run_at)


def list_prizes(contest_id: int) -> list[Prize]:
    """The prizes of an approved result, the first place first."""
    statement = select(Prize).where(Prize.contest_id == contest_id).order_by(Prize.place)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def list_steps(contest_id: int) -> list[Step]:
    """What happened to the prizes, the oldest first."""
    statement = select(
        PrizeStep.place, PrizeStep.entry_id, PrizeStep.state, PrizeStep.words, PrizeStep.at
    ).where(PrizeStep.contest_id == contest_id)
    return [Step(*row) for row in db.session.execute(statement.order_by(PrizeStep.id))]


def list_names(entry_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Title and slug of entries by id."""
    rows = db.session.execute(select(Entry.id, Entry.title, Entry.slug).where(Entry.id.in_(entry_ids)))
    return {row.id: (row.title, row.slug) for row in rows}


def find_name(user_id: int | None) -> str:
    """Somebody's name, their address where they have given none, '' for nobody."""
    named = func.coalesce(func.nullif(User.name, ""), User.email, "")
    return db.session.scalar(select(named).where(User.id == user_id)) or "" if user_id else ""
