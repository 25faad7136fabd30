"""From the gate to the prize: each function one step, one transaction, one public line in the contest's log."""

import json
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.orm import Session

from quilt.accounts.queries import is_any_of
from quilt.audit import run_audit
from quilt.audit.report import count_differences, count_looked_at
from quilt.config import Settings
from quilt.contests.changes import make_pages_fresh, write_change
from quilt.contests.models import Contest
from quilt.contests.rules import is_voting_over
from quilt.database import db, transaction, write
from quilt.integrity.appeals import list_appeals
from quilt.ledger.leaves import JudgesLeaf
from quilt.ledger.refusals import DrawNeeded
from quilt.ledger.tally import Tally, decide_places, encode_results, needs_draw, withdraw_places
from quilt.results.gate import (
    APPEAL_TIME,
    GateCheck,
    GateFacts,
    ResultRefused,
    check_gate,
    check_step,
    find_doubtful,
)
from quilt.results.letters import write_result_letters, write_withdrawal_letters
from quilt.results.models import GateRun, Prize, PrizeStep, Result
from quilt.results.queries import (
    Counted,
    count_ledger,
    find_awaited_head,
    is_panel_closed,
    list_missing_points,
)
from quilt.votes.heads import keep_results, sign_next_head
from quilt.votes.keys import SigningKey
from quilt.votes.leaves import Book, append_leaves
from quilt.votes.ledger_models import Ledger
from quilt.votes.ledgers import find_ledger
from quilt.votes.models import DecisionInbox, Vote
from quilt.votes.sequencing import count_moved_entries
from quilt.votes.settling import forget_settlement, hear_appeals, lock_settlement, settle

MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Gate:
    """A trial of the gate: its checks, and the result where it was passed."""

    checks: tuple[GateCheck, ...]
    places: tuple[int, ...]
    counted: Counted | None

    @property
    def is_passed(self) -> bool:
        return all(check.is_fine for check in self.checks)


def try_gate(contest_id: int, value: str, *, settings: Settings, actor_id: int, now: datetime) -> Gate:
    """Ask every question of the gate, write the answers down, and decide nothing: the dry run.

    `value` is the public value of the draw, '' while there is none. Every leaf is counted and the whole site is
    audited, about 70 µs for each vote: a worker does it (`quilt.results.asking`). A difference in another contest
    shuts this gate too: nothing is published while any count is in doubt. Raises ResultRefused before voting has opened and for a misspelt value.
    """
    gate = _ask(contest_id, value, settings, now)
    with transaction() as session:
        _keep_run(session, contest_id, gate, actor_id, now)
    return gate


def propose_result(contest_id: int, value: str, *, settings: Settings, actor_id: int, now: datetime) -> None:
    """Pass the gate and put the result before a second person. Raises ResultRefused."""
    gate = _ask(contest_id, value, settings, now)
    with transaction() as session:
        _keep_run(session, contest_id, gate, actor_id, now)
        if gate.is_passed and gate.counted is not None:
            _check_none(session, contest_id)
            drawn = value if needs_draw(gate.counted.tally, gate.counted.terms) else ""
            session.add(
                Result(
                    contest_id=contest_id, size=gate.counted.tally.size, body=_write_body(gate.counted, drawn),
                    places=json.dumps(gate.places), draw_value=drawn, proposed_by=actor_id, proposed_at=now,
                )
            )  # fmt: skip
            _log(session, contest_id, "result proposed", actor_id, now)
            return
    raise ResultRefused("The gate is not passed: look at what is missing. Nothing was proposed.")


def approve_result(contest_id: int, *, settings: Settings, actor_id: int, now: datetime) -> None:
    """Publish a proposed result, and begin the time for appeals. Raises ResultRefused.

    Another person than the one who proposed it: the database keeps that too. The gate is asked once more.
    """
    proposed = check_approval(db.session.get(Result, contest_id, populate_existing=True), actor_id)
    value, size, places = proposed.draw_value, proposed.size, json.loads(proposed.places)
    proposed_at = proposed.proposed_at  # the row may be another one once the gate has been asked
    gate = _ask(contest_id, value, settings, now)
    if (
        not gate.is_passed
        or gate.counted is None
        or (gate.counted.tally.size, list(gate.places)) != (size, places)
    ):
        raise ResultRefused("Something has changed since it was proposed. Take it back and propose it anew.")
    with transaction() as session:
        result = session.get(Result, contest_id, with_for_update=True)
        if result is None or result.state != "proposed" or result.proposed_at != proposed_at:
            raise ResultRefused("Somebody else was quicker. Nothing was changed.")
        book = Book(session.connection(), contest_id)  # nobody writes or signs until this result is kept
        if (book.size, find_ledger(contest_id)) != (size, gate.counted.ledger):
            raise ResultRefused(
                "The ledger was signed anew at that moment. Nothing was changed; try once more."
            )
        result.state, result.approved_by, result.approved_at = "approved", actor_id, now
        result.appeals_until = now + APPEAL_TIME
        result.body = _write_body(gate.counted, value)  # the head may be another than when it was proposed
        keep_results(session.connection(), contest_id, size, result.body)
        hear_appeals(session.connection(), contest_id, result.appeals_until)
        for place, entry_id in enumerate(places[: gate.counted.terms.places], 1):
            session.add(Prize(contest_id=contest_id, place=place, entry_id=entry_id))
            _add_step(session, contest_id, place, entry_id, "promised", "", actor_id, now)
        write_result_letters(session, result, settings, now)
        _log(session, contest_id, "result", actor_id, now, is_public=True)


def check_approval(result: Result | None, actor_id: int) -> Result:
    """The proposed result that this person may approve, by whatever account. Raises ResultRefused."""
    if result is None or result.state != "proposed":
        raise ResultRefused("There is no proposed result. Nothing was changed.")
    proposer = select(Result.proposed_by).where(Result.contest_id == result.contest_id)
    if is_any_of(db.session.connection(), actor_id, proposer):
        raise ResultRefused("You proposed it yourself: somebody else has to approve it. Nothing was changed.")
    return result


def take_back_result(
    contest_id: int, reason: str, *, settings: Settings, actor_id: int, now: datetime
) -> None:
    """Withdraw a result that is not final, with a public reason. Raises ResultRefused.

    Where it was published, the ledger's `results.json` names no places any more, and nobody is promised a prize.
    """
    words = _read_words(reason, "Say why; everybody reads it.")
    with transaction() as session:
        result = session.get(Result, contest_id, with_for_update=True)
        if result is None or result.state == "final":
            raise ResultRefused("There is no result that could be taken back. Nothing was changed.")
        was_public = result.state == "approved"
        if was_public:
            keep_results(session.connection(), contest_id, result.size, withdraw_places(result.body))
            forget_settlement(session.connection(), contest_id)
            write_withdrawal_letters(session, contest_id, words, settings, now)
        for prize in session.scalars(
            select(Prize).where(Prize.contest_id == contest_id).order_by(Prize.place)
        ):
            _add_step(session, contest_id, prize.place, prize.entry_id, "withdrawn", words, actor_id, now)
        session.execute(delete(Prize).where(Prize.contest_id == contest_id))
        session.delete(result)
        _log(session, contest_id, "result withdrawn", actor_id, now, words, is_public=was_public)


def finish_results(now: datetime) -> int:
    """Make results final whose time for appeals is over, with no appeal open and nothing new in the ledger; how many."""
    due = select(Result.contest_id).where(Result.state == "approved", Result.appeals_until <= now)
    return sum(_finish(contest_id, now) for contest_id in db.session.scalars(due).all())


def advance_prize(
    contest_id: int, place: int, step: str, words: str, *, actor_id: int, now: datetime
) -> None:
    """Take a prize one step on: verified, paid, told (`words` say what it did). Raises ResultRefused."""
    said = _read_words(words, "Say in a few words what was done; everybody reads it.")
    with transaction() as session:
        prize = _get_prize(session, contest_id, place)
        check_step(prize.state, step)
        prize.state = step
        _add_step(session, contest_id, place, prize.entry_id, step, said, actor_id, now)
        make_pages_fresh(session, contest_id)


def pass_prize_on(contest_id: int, place: int, reason: str, *, actor_id: int, now: datetime) -> int:
    """Give a prize that cannot be taken to the first runner-up without one; returns the entry. Raises ResultRefused."""
    said = _read_words(reason, "Say why; everybody reads it.")
    with transaction() as session:
        prize = _get_prize(session, contest_id, place)
        if prize.state in ("paid", "told"):
            raise ResultRefused("This prize is paid already. Nothing was changed.")
        result = session.get_one(Result, contest_id)
        had = _list_holders(session, contest_id)
        following = [entry for entry in json.loads(result.places) if entry not in had]
        if not following:
            raise ResultRefused("There is no runner-up left. Nothing was changed.")
        _add_step(session, contest_id, place, prize.entry_id, "passed_on", said, actor_id, now)
        prize.entry_id, prize.state = following[0], "promised"
        _add_step(session, contest_id, place, following[0], "promised", "", actor_id, now)
        make_pages_fresh(session, contest_id)
        return int(following[0])


def take_in_points(contest_id: int, key: SigningKey, now: datetime) -> int:
    """Write the points of a closed panel into the ledger and sign a head over them; how many were missing."""
    return write(_take_in, contest_id, key, now)


def _take_in(connection: Connection, contest_id: int, key: SigningKey, now: datetime) -> int:
    missing = list_missing_points(connection, contest_id)
    if missing:
        slug = connection.execute(select(Contest.slug).where(Contest.id == contest_id)).scalar_one()
        leaves = [JudgesLeaf(slug, entry, points) for entry, points in missing.items()]
        append_leaves(connection, contest_id, leaves)
        sign_next_head(connection, contest_id, key, now)
    return len(missing)


def _ask(contest_id: int, value: str, settings: Settings, now: datetime) -> Gate:
    contest = db.session.get(Contest, contest_id, populate_existing=True)
    counted = count_ledger(contest_id)
    if contest is None or counted is None:
        raise ResultRefused("Voting has not opened in this contest: there is nothing to count.")
    try:
        places = decide_places(counted.tally, counted.terms, counted.head_hash, value or None)
        is_draw_missing = False
    except DrawNeeded:
        places, is_draw_missing = [], True
    except ValueError:
        raise ResultRefused(
            "The public value is letters, digits and dots, 256 at most. Nothing was done."
        ) from None
    audit = run_audit(settings, now, reads_files=False)
    facts = GateFacts(
        is_voting_over=is_voting_over(contest.phases, now),
        waiting=_count_waiting(contest_id),
        is_last_head=find_awaited_head(contest_id, settings, now) is None,
        audited=count_looked_at(audit),
        ballots=_count_ballots(counted.tally),
        differences=count_differences(audit),
        needs_judges=counted.terms.judges_share > 0,
        is_panel_closed=is_panel_closed(contest_id),
        are_points_in=not list_missing_points(db.session.connection(), contest_id),
        open_appeals=len(list_appeals(contest_id, is_open=True)),
        doubtful=find_doubtful(counted.tally, counted.terms, places),
        is_draw_missing=is_draw_missing,
    )
    return Gate(tuple(check_gate(facts)), tuple(places), counted)


def _count_ballots(tally: Tally) -> int:
    return sum(sum(by_state.values()) for by_state in tally.votes.values()) + len(tally.points)


def _count_waiting(contest_id: int) -> int:
    votes = select(func.count()).where(Vote.contest_id == contest_id, Vote.state == "recorded")
    decisions = select(func.count()).where(DecisionInbox.contest_id == contest_id)
    moved = count_moved_entries(db.session.connection(), contest_id)
    return (db.session.scalar(votes) or 0) + (db.session.scalar(decisions) or 0) + moved


def _finish(contest_id: int, now: datetime) -> bool:
    with transaction() as session:
        result = session.get(Result, contest_id, with_for_update=True)
        if result is None or result.state != "approved":
            return False
        # From here on nobody decides or appeals: what was begun is done, and what follows is refused.
        if not lock_settlement(session.connection(), contest_id):
            return False
        has_appeals = bool(list_appeals(contest_id, is_open=True, limit=1))
        size = session.scalar(select(Ledger.size).where(Ledger.contest_id == contest_id))
        if has_appeals or _count_waiting(contest_id) or size != result.size:
            return False  # an appeal has changed something: the desk proposes anew
        result.state, result.finished_at = "final", now
        settle(session.connection(), contest_id, now)
        _log(session, contest_id, "result final", None, now, is_public=True)
    return True


def _write_body(counted: Counted, value: str) -> bytes:
    return encode_results(counted.tally, counted.terms, counted.head_hash, is_final=True, value=value or None)


def _keep_run(session: Session, contest_id: int, gate: Gate, actor_id: int, now: datetime) -> None:
    session.add(
        GateRun(
            contest_id=contest_id, is_passed=gate.is_passed, actor_id=actor_id, run_at=now,
            checks=json.dumps([astuple(check) for check in gate.checks]),
            places=json.dumps(gate.places if gate.is_passed else []),
        )
    )  # fmt: skip


def _check_none(session: Session, contest_id: int) -> None:
    if session.get(Result, contest_id, with_for_update=True) is not None:
        raise ResultRefused("There is a result already. Take it back first. Nothing was changed.")


def _get_prize(session: Session, contest_id: int, place: int) -> Prize:
    result = session.get(Result, contest_id)
    prize = session.get(Prize, (contest_id, place), with_for_update=True)
    if prize is None or result is None:
        raise ResultRefused("There is no such prize. Nothing was changed.")
    if result.state != "final":
        raise ResultRefused("The time for appeals is not over yet. Nothing was changed.")
    return prize


def _list_holders(session: Session, contest_id: int) -> set[int]:
    """Who has a prize of this result, or had one; what earlier results promised ended as they were taken back."""
    steps = select(PrizeStep.entry_id, PrizeStep.state).where(PrizeStep.contest_id == contest_id)
    holders: set[int] = set()
    for entry_id, state in session.execute(steps.order_by(PrizeStep.id)):
        holders = holders - {entry_id} if state == "withdrawn" else holders | {entry_id}
    return holders


def _add_step(
    session: Session,
    contest_id: int,
    place: int,
    entry_id: int,
    state: str,
    words: str,
    actor_id: int,
    now: datetime,
) -> None:
    session.add(
        PrizeStep(
            contest_id=contest_id, place=place, entry_id=entry_id, state=state, words=words, actor_id=actor_id, at=now,
        )
    )  # fmt: skip


def _log(
    session: Session,
    contest_id: int,
    kind: str,
    actor_id: int | None,
    now: datetime,
    words: str = "",
    is_public: bool = False,
) -> None:
    contest = session.get_one(Contest, contest_id)
    write_change(session, contest, kind, actor_id=actor_id, now=now, words=words, is_public=is_public)


def _read_words(text: str, ask: str) -> str:
    words = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not words or len(words) > MOST_WORDS:
        raise ResultRefused(f"{ask} At most {MOST_WORDS} characters.")
    return words
