"""What entrants and admins are mailed when a result is published, and when it is taken back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.contests.rules import describe_instant
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.results.models import Result


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One of a reader's entries; `place` is None where it has none, `is_paid` tells a winner from a runner-up."""

    title: str
    place: int | None
    is_paid: bool


@dataclass(slots=True)
class Reader:
    """Somebody who is written to, with their entries in the contest: none for an admin."""

    name: str
    email: str
    entries: list[OwnEntry] = field(default_factory=list)


def write_result_letters(session: Session, result: Result, settings: Settings, now: datetime) -> int:
    """Tell everybody concerned that this result is published, in the caller's transaction; how many letters."""
    contest = session.get_one(Contest, result.contest_id)
    assert result.appeals_until is not None, "it is published"
    places = {int(entry): place for place, entry in enumerate(json.loads(result.places), 1)}
    appeals_until = describe_instant(result.appeals_until, contest.time_zone)
    return _write(session, "result_published", contest, places, settings, now, appeals_until=appeals_until)


def write_withdrawal_letters(
    session: Session, contest_id: int, words: str, settings: Settings, now: datetime
) -> int:
    """Tell the same people that the published result was taken back, and why; how many letters."""
    contest = session.get_one(Contest, contest_id)
    return _write(session, "result_withdrawn", contest, {}, settings, now, words=words)


def _write(
    session: Session,
    name: str,
    contest: Contest,
    places: Mapping[int, int],
    settings: Settings,
    now: datetime,
    **facts: str,
) -> int:
    compose = composer(settings)
    readers = _list_readers(session, contest, places)
    for reader in readers:
        letter = compose(
            name, name=reader.name, contest_title=contest.title, entries=reader.entries,
            result_url=f"{settings.base_url}/contests/{contest.slug}/results", **facts,
        )  # fmt: skip
        put_in_outbox(session, letter, reader.email, now)
    return len(readers)


def _list_readers(session: Session, contest: Contest, places: Mapping[int, int]) -> list[Reader]:
    """Every entrant of a published entry, and every admin, each once."""
    people = select(User.id, User.name, User.email).where(~User.is_gone)
    readers = {
        row.id: Reader(row.name, row.email)
        for row in session.execute(people.where(User.role == "admin").order_by(User.id))
    }
    entries = (
        people.add_columns(Entry.id.label("entry_id"), Entry.title)
        .join(Entry, Entry.entrant_id == User.id)
        .where(Entry.contest_id == contest.id, Entry.state == "published")
        .order_by(Entry.id)
    )
    for row in session.execute(entries):
        place = places.get(row.entry_id)
        own = OwnEntry(row.title, place, place is not None and place <= contest.policy.places)
        readers.setdefault(row.id, Reader(row.name, row.email)).entries.append(own)
    return list(readers.values())
