"""What has happened lately, seen in the rows that the rooms themselves wrote in their own transactions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    String,
    case,
    cast,
    exists,
    func,
    literal,
    select,
)

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import Contest, ContestChange, Phase
from quilt.contests.queries import list_contests
from quilt.contests.rules import shows_counts
from quilt.database import db, insert_if_new, insert_or_change, write
from quilt.entries.models import Entry
from quilt.integrity.models import VoteAlert
from quilt.moderation.models import ModerationLog
from quilt.standings.rules import LEAST_SHOWN, hide_few
from quilt.votes.casting_models import ShownTally
from quilt.votes.models import EntryTally
from quilt.votes.shown import shown_votes
from quilt.webhooks.models import Webhook, WebhookEvent, WebhookTold
from quilt.webhooks.rules import MILESTONES

LOOK_BACK = timedelta(days=2)  # a worker that was away for longer tells nothing of what came before
MOST = 2_000  # rows of one kind in one round
MOST_COUNTED = 100  # entries whose votes are told in one round: as many as a worker sends in ten seconds


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, known by a key that no other has."""

    kind: str
    key: str
    at: datetime
    data: dict[str, Any]


def notice_events(now: datetime, most: int = MOST) -> int:
    """Write down what has happened since the last round, once for ever; returns how many events are new.

    At most `most` of each kind; the next round goes on with the others. Any number of workers may do this at
    once: keys decide.
    """
    lists = (_list_submitted, _list_decided, _list_results, _list_alerts, _list_phases, _list_milestones)
    found = [happening for list_new in lists for happening in list_new(now, most)]
    db.session.rollback()
    return write(_keep, found) if found else 0


def notice_votes(now: datetime, most: int = MOST_COUNTED) -> int:
    """The same for votes: one event for each entry whose shown votes have moved, however many came. At most `most`."""
    if not db.session.scalar(select(exists().where(Webhook.off_at.is_(None)))):
        db.session.rollback()
        return 0
    counted = list(_list_votes(now, most))
    db.session.rollback()
    return write(_keep_votes, counted) if counted else 0


def build_body(happening: Happening) -> str:
    """What is sent: type, time and data, in this order."""
    said = {"type": happening.kind, "timestamp": _say(happening.at), "data": happening.data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _list_submitted(now: datetime, most: int) -> Iterator[Happening]:
    statement = (
        select(Entry.id, Entry.contest_id, Entry.submitted_at)
        .where(
            Entry.submitted_at > now - LOOK_BACK,
            Entry.state.in_(("submitted", "published", "rejected", "needs_changes")),
            ~_is_told_at(Entry.submitted_at, _spell("submitted:", Entry.id, ":")),
        )
        .order_by(Entry.id)
        .limit(most)
    )
    for row in db.session.execute(statement):
        stamp = int(row.submitted_at.timestamp())
        data = {"entry": row.id, "contest": row.contest_id}
        yield Happening("entry.submitted", f"submitted:{row.id}:{stamp}", row.submitted_at, data)


def _list_decided(now: datetime, most: int) -> Iterator[Happening]:
    statement = (
        select(ModerationLog.id, ModerationLog.action, ModerationLog.decided_at, Entry.id, Entry.contest_id)
        .join(Entry, Entry.id == ModerationLog.subject_id)
        .where(
            ModerationLog.subject_kind == "entry",
            ModerationLog.action.in_(("approve", "reject")),
            ModerationLog.decided_at > now - LOOK_BACK,
            ~_is_told(_spell("decided:", ModerationLog.id)),
        )
        .order_by(ModerationLog.id)
        .limit(most)
    )
    for log_id, action, at, entry_id, contest_id in db.session.execute(statement):
        kind = "entry.published" if action == "approve" else "entry.rejected"
        yield Happening(kind, f"decided:{log_id}", at, {"entry": entry_id, "contest": contest_id})


def _list_results(now: datetime, most: int) -> Iterator[Happening]:
    statement = (
        select(ContestChange.id, ContestChange.contest_id, ContestChange.changed_at)
        .where(
            ContestChange.kind == "result",
            ContestChange.is_public,
            ContestChange.changed_at > now - LOOK_BACK,
            ~_is_told(_spell("result:", ContestChange.id)),
        )
        .order_by(ContestChange.id)
        .limit(most)
    )
    for change_id, contest_id, at in db.session.execute(statement):
        yield Happening("results.published", f"result:{change_id}", at, {"contest": contest_id})


def _list_alerts(now: datetime, most: int) -> Iterator[Happening]:
    statement = (
        select(VoteAlert)
        .where(VoteAlert.raised_at > now - LOOK_BACK, ~_is_told(_spell("alert:", VoteAlert.id)))
        .order_by(VoteAlert.id)
        .limit(most)
    )
    for alert in db.session.scalars(statement):
        data = {"entry": alert.entry_id, "contest": alert.contest_id, "votes": alert.votes_count}
        yield Happening("flag.raised", f"alert:{alert.id}", alert.raised_at, data)


def _list_phases(now: datetime, most: int) -> Iterator[Happening]:
    for turn, at in (("began", Phase.starts_at), ("ended", Phase.ends_at)):
        statement = (
            select(Phase.contest_id, Phase.name, at)
            .join(Contest, Contest.id == Phase.contest_id)
            .where(
                Contest.is_published,
                at > now - LOOK_BACK,
                at <= now,
                ~_is_told_at(at, _spell("phase:", Phase.contest_id, f":{turn}:")),
            )
            .order_by(Phase.id)
            .limit(most)
        )
        for contest_id, name, turned_at in db.session.execute(statement):
            key = f"phase:{contest_id}:{turn}:{int(turned_at.timestamp())}:{name}"[:120]
            data = {"contest": contest_id, "phase": name, "turn": turn}
            yield Happening("phase.changed", key, turned_at, data)


def _list_milestones(now: datetime, most: int) -> Iterator[Happening]:
    reach = EntrySpread.size - 1
    people = case(*((reach >= step, step) for step in reversed(MILESTONES)), else_=0)
    statement = (
        select(Entry.id, Entry.contest_id, people)
        .join(EntrySpread, EntrySpread.entry_id == Entry.id)
        .where(
            Entry.state == "published",
            reach >= MILESTONES[0],
            EntrySpread.folded_at > now - LOOK_BACK,
            ~_is_told(_spell("milestone:", Entry.id, ":") + cast(people, String)),
        )
        .order_by(Entry.id)
        .limit(most)
    )
    for entry_id, contest_id, passed in db.session.execute(statement):
        data = {"entry": entry_id, "contest": contest_id, "people": passed}
        yield Happening("milestone.reached", f"milestone:{entry_id}:{passed}", now, data)


def _list_votes(now: datetime, most: int) -> Iterator[tuple[int, int, Happening]]:
    """Entries whose shown votes moved since they were told, where their contest shows them and five stand behind.

    Those that moved most come first: whoever does not fit into this round moves up.
    """
    votes, told = shown_votes(), func.coalesce(WebhookTold.votes, 0)
    hiding = [contest.id for contest in list_contests() if not shows_counts(contest.phases, now)]
    statement = (
        select(Entry.id, Entry.contest_id, votes, told)
        .join(Contest, Contest.id == Entry.contest_id)
        .join(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(ShownTally, ShownTally.entry_id == Entry.id)
        .outerjoin(WebhookTold, WebhookTold.entry_id == Entry.id)
        .where(
            Entry.state == "published",
            Contest.is_published,
            Contest.id.not_in(hiding),
            votes != told,
            votes >= LEAST_SHOWN,
        )
        .order_by(func.abs(votes - told).desc(), Entry.id)
        .limit(most)
    )
    for entry_id, contest_id, count, before in db.session.execute(statement):
        data = {"entry": entry_id, "contest": contest_id, "votes": count, "votes_before": hide_few(before)}
        key = f"votes:{entry_id}:{int(now.timestamp() * 1000)}"
        yield entry_id, count, Happening("vote.counted", key, now, data)


def _spell(start: str, number: ColumnElement[int] | Any, end: str = "") -> ColumnElement[str]:
    """A key, or its beginning, as the database writes it."""
    key: ColumnElement[str] = literal(start) + cast(number, String)
    return key + end if end else key


def _is_told(key: ColumnElement[str]) -> Exists:
    return exists().where(WebhookEvent.key == key)


def _is_told_at(at: Any, beginning: ColumnElement[str]) -> Exists:
    """For keys that end in what only we can spell: told of this instant."""
    return exists().where(WebhookEvent.at == at, WebhookEvent.key.startswith(beginning))


def _keep(connection: Connection, found: list[Happening]) -> int:
    table = WebhookEvent.__table__
    statement = insert_if_new(table, connection.dialect.name, "id")
    rows = (
        {"kind": each.kind, "key": each.key, "at": each.at, "body": build_body(each), "has_deliveries": False}
        for each in found
    )
    return sum(connection.execute(statement, row).scalar() is not None for row in rows)


def _keep_votes(connection: Connection, counted: list[tuple[int, int, Happening]]) -> int:
    """The event and what was told, in one transaction."""
    statement = insert_or_change(WebhookTold.__table__, connection.dialect.name, put=("votes",))
    for entry_id, votes, _ in counted:
        connection.execute(statement, {"entry_id": entry_id, "votes": votes})
    return _keep(connection, [happening for *_, happening in counted])


def _say(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
