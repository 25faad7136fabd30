"""Asking the gate without waiting for it: a worker counts the ledger and audits the site, the row says how it ended."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update

from quilt.accounts.queries import get_user
from quilt.config import Settings
from quilt.database import db, insert_if_new, transaction, write
from quilt.ledger.draw import is_public_value
from quilt.results import service
from quilt.results.gate import ResultRefused
from quilt.results.models import GateRequest, Result

_request = GateRequest.__table__
LEASE = timedelta(minutes=20)  # after which a worker that has begun counts as gone
MISSPELT = "The public value is letters, digits and dots, 256 at most. Nothing was done."
ASKED = "The gate is being asked at this moment. Nothing was changed."
BROKEN = "Something broke on our side, and nothing was changed. We wrote it down; ask once more."


def ask_gate(contest_id: int, action: str, value: str, *, actor_id: int, now: datetime) -> None:
    """Leave word for a worker to `try` the gate, or to pass it and `propose` or `approve` the result.

    `value` is the public value of the draw, '' while there is none. Raises ResultRefused where an earlier word waits,
    for a misspelt value, and for an approval by whoever proposed.
    """
    if value and not is_public_value(value):
        raise ResultRefused(MISSPELT)
    if action == "approve":
        service.check_approval(db.session.get(Result, contest_id, populate_existing=True), actor_id)
    with transaction() as session:
        earlier = session.get(GateRequest, contest_id, with_for_update=True)
        if earlier is not None and earlier.ended_at is None:
            raise ResultRefused(ASKED)
        if earlier is not None:
            session.delete(earlier)
            session.flush()
        row = {
            "contest_id": contest_id,
            "action": action,
            "value": value,
            "actor_id": actor_id,
            "asked_at": now,
        }
        insert = insert_if_new(_request, session.get_bind().dialect.name, "contest_id")
        if session.execute(insert, row).first() is None:
            raise ResultRefused(ASKED)  # somebody else was quicker by a moment


def find_request(contest_id: int) -> GateRequest | None:
    """What was asked last, and how it ended if it has."""
    return db.session.get(GateRequest, contest_id, populate_existing=True)


def list_waiting(now: datetime) -> list[int]:
    """The contests whose request nobody works on."""
    statement = select(GateRequest.contest_id).where(*_free(now))
    return list(db.session.scalars(statement.order_by(GateRequest.contest_id)))


def answer_gate(contest_id: int, settings: Settings, now: Callable[[], datetime]) -> bool:
    """Do what was asked, unless somebody else does or did; whether it was done here."""
    moment = now()
    claim = update(GateRequest).where(GateRequest.contest_id == contest_id, *_free(moment))
    if not write(lambda connection: connection.execute(claim.values(begun_at=moment)).rowcount):
        return False
    db.session.rollback()
    request = db.session.get_one(GateRequest, contest_id, populate_existing=True)
    try:
        is_fine, words = _act(request, settings, now())
    except ResultRefused as refusal:
        is_fine, words = False, refusal.message
    except Exception:
        _note(contest_id, False, BROKEN, now())
        raise
    _note(contest_id, is_fine, words, now())
    return True


def _act(request: GateRequest, settings: Settings, now: datetime) -> tuple[bool, str]:
    contest_id, value, actor_id = request.contest_id, request.value, request.actor_id
    if request.action != "try" and get_user(actor_id).role != "admin":
        raise ResultRefused("Whoever asked is no admin any more. Nothing was changed.")
    if request.action == "approve":
        service.approve_result(contest_id, settings=settings, actor_id=actor_id, now=now)
        return True, "Published. Appeals are open for 48 hours."
    if request.action == "propose":
        service.propose_result(contest_id, value, settings=settings, actor_id=actor_id, now=now)
        return True, "Proposed. Somebody else has to approve it."
    gate = service.try_gate(contest_id, value, settings=settings, actor_id=actor_id, now=now)
    return (
        gate.is_passed,
        "The gate is passed." if gate.is_passed else "The gate is not passed yet: look below.",
    )


def _free(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    begun = GateRequest.begun_at
    return GateRequest.ended_at.is_(None), or_(begun.is_(None), begun < now - LEASE)


def _note(contest_id: int, is_fine: bool, words: str, now: datetime) -> None:
    with transaction() as session:
        request = session.get_one(GateRequest, contest_id, with_for_update=True)
        request.ended_at, request.is_fine, request.words = now, is_fine, words
