"""What has happened lately, seen in the rows that the rooms themselves wrote in their own transactions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import Contest, ContestChange, Phase
from quilt.contests.queries import find_contest_by_id
from quilt.contests.rules import shows_counts
from quilt.database import db, insert_if_new, insert_or_change, write
from quilt.entries.models import Entry
from quilt.integrity.models import VoteAlert
from quilt.moderation.models import ModerationLog
from quilt.standings.rules import hide_few
from quilt.votes.casting_models import ShownTally
from quilt.votes.models import EntryTally
from quilt.votes.shown import shown_votes
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent, WebhookTold
from quilt.webhooks.rules import MILESTONES

LOOK_BACK = timedelta(days=2)  # a worker that was away for longer tells nothing of what came before
MOST = 2_000  # rows of one kind in one round


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, known by a key that no other has."""

    kind: str
    key: str
    at: datetime
    data: dict[str, Any]


def notice_events(now: datetime) -> int:
    """Write down what has happened since the last round, once for ever; returns how many events are new.

    Nothing is looked for while nobody listens. Any number of workers may do this at once: keys decide.
    """
    if not db.session.scalar(select(exists().where(Webhook.off_at.is_(None)))):
        db.session.rollback()
        return 0
    found = [*_list_logged(now), *_list_phases(now), *_list_milestones(now)]
    counted = list(_list_votes(now))
    db.session.rollback()
    added = write(_keep, found) if found else 0
    return added + (write(_keep_votes, counted) if counted else 0)


def build_body(happening: Happening) -> str:
    """What is sent: type, time and data, in this order."""
    said = {"type": happening.kind, "timestamp": _say(happening.at), "data": happening.data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _list_logged(now: datetime) -> Iterator[Happening]:
    """What stands in logs, each row written by the transaction of the thing itself."""
    since = now - LOOK_BACK
    sent = select(Entry.id, Entry.contest_id, Entry.submitted_at).where(
        Entry.submitted_at > since, Entry.state.in_(("submitted", "published", "rejected", "needs_changes"))
    )
    for row in db.session.execute(sent.limit(MOST)):
        stamp = int(row.submitted_at.timestamp())
        data = {"entry": row.id, "contest": row.contest_id}
        yield Happening("entry.submitted", f"submitted:{row.id}:{stamp}", row.submitted_at, data)
    decided = (
        select(ModerationLog.id, ModerationLog.action, ModerationLog.decided_at, Entry.id, Entry.contest_id)
        .join(Entry, Entry.id == ModerationLog.subject_id)
        .where(
            ModerationLog.subject_kind == "entry", ModerationLog.action.in_(("approve", "reject")),
            ModerationLog.decided_at > since,
        )
    )  # fmt: skip
    for log_id, action, at, entry_id, contest_id in db.session.execute(decided.limit(MOST)):
        kind = "entry.published" if action == "approve" else "entry.rejected"
        yield Happening(kind, f"decided:{log_id}", at, {"entry": entry_id, "contest": contest_id})
    results = select(ContestChange.id, ContestChange.contest_id, ContestChange.changed_at).where(
        ContestChange.kind == "result", ContestChange.is_public, ContestChange.changed_at > since
    )
    for change_id, contest_id, at in db.session.execute(results.limit(MOST)):
        yield Happening("results.published", f"result:{change_id}", at, {"contest": contest_id})
    alerts = select(VoteAlert).where(VoteAlert.raised_at > since).limit(MOST)
    for alert in db.session.scalars(alerts):
        data = {"entry": alert.entry_id, "contest": alert.contest_id, "votes": alert.votes_count}
        yield Happening("flag.raised", f"alert:{alert.id}", alert.raised_at, data)


def _list_phases(now: datetime) -> Iterator[Happening]:
    since = now - LOOK_BACK
    statement = (
        select(Phase.contest_id, Phase.name, Phase.starts_at, Phase.ends_at)
        .join(Contest, Contest.id == Phase.contest_id)
        .where(Contest.is_published, Phase.ends_at > since)
    )
    for contest_id, name, starts_at, ends_at in db.session.execute(statement.limit(MOST)):
        for turn, at in (("began", starts_at), ("ended", ends_at)):
            if since < at <= now:
                key = f"phase:{contest_id}:{turn}:{int(at.timestamp())}:{name}"[:120]
                yield Happening(
                    "phase.changed", key, at, {"contest": contest_id, "phase": name, "turn": turn}
                )


def _list_milestones(now: datetime) -> Iterator[Happening]:
    statement = (
        select(Entry.id, Entry.contest_id, EntrySpread.size - 1)
        .join(EntrySpread, EntrySpread.entry_id == Entry.id)
        .where(
            Entry.state == "published",
            EntrySpread.size > MILESTONES[0],
            EntrySpread.folded_at > now - LOOK_BACK,
        )
    )
    for entry_id, contest_id, reach in db.session.execute(statement.limit(MOST)):
        people = max(step for step in MILESTONES if step <= reach)
        data = {"entry": entry_id, "contest": contest_id, "people": people}
        yield Happening("milestone.reached", f"milestone:{entry_id}:{people}", now, data)


def _list_votes(now: datetime) -> Iterator[tuple[int, int, Happening]]:
    """Entries whose shown votes moved since they were told, where their contest shows them and five stand behind."""
    votes = shown_votes()
    statement = (
        select(Entry.id, Entry.contest_id, votes, func.coalesce(WebhookTold.votes, 0))
        .join(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(ShownTally, ShownTally.entry_id == Entry.id)
        .outerjoin(WebhookTold, WebhookTold.entry_id == Entry.id)
        .where(Entry.state == "published", votes != func.coalesce(WebhookTold.votes, 0))
        .limit(MOST)
    )
    shown: dict[int, bool] = {}
    for entry_id, contest_id, count, told in db.session.execute(statement).all():
        if contest_id not in shown:
            contest = find_contest_by_id(contest_id)
            shown[contest_id] = contest is not None and shows_counts(contest.phases, now)
        if shown[contest_id] and hide_few(count) is not None:
            data = {"entry": entry_id, "contest": contest_id, "votes": count, "votes_before": hide_few(told)}
            key = f"votes:{entry_id}:{int(now.timestamp() * 1000)}"
            yield entry_id, count, Happening("vote.counted", key, now, data)


def _keep(connection: Connection, found: list[Happening]) -> int:
    table = WebhookEvent.__table__
    statement = insert_if_new(table, connection.dialect.name, "id")
    rows = (
        {"kind": each.kind, "key": each.key, "at": each.at, "body": build_body(each), "is_spread": False}
        for each in found
    )
    return sum(connection.execute(statement, row).scalar() is not None for row in rows)


def _keep_votes(connection: Connection, counted: list[tuple[int, int, Happening]]) -> int:
    """The event and what was told, in one transaction."""
    statement = insert_or_change(WebhookTold.__table__, connection.dialect.name, put=("votes",))
    for entry_id, votes, _ in counted:
        connection.execute(statement, {"entry_id": entry_id, "votes": votes})
    return _keep(connection, [happening for *_, happening in counted])


def spread_events(now: datetime) -> int:
    """Make a delivery of each new event for each webhook that asked for its kind; returns how many."""
    return write(_spread, now)


def _spread(connection: Connection, now: datetime) -> int:
    events = connection.execute(
        select(WebhookEvent.id, WebhookEvent.kind, WebhookEvent.at)
        .where(WebhookEvent.is_spread.is_(False))
        .order_by(WebhookEvent.id)
        .limit(MOST)
    ).all()
    if not events:
        return 0
    hooks = connection.execute(
        select(Webhook.id, Webhook.events, Webhook.created_at).where(Webhook.off_at.is_(None))
    ).all()
    rows = [
        {"webhook_id": hook.id, "event_id": event.id, "state": "waiting", "attempts_count": 0, "due_at": now,
         "note": "", "created_at": now}
        for event in events for hook in hooks
        if event.kind in hook.events.split() and event.at >= hook.created_at
    ]  # fmt: skip
    statement = insert_if_new(WebhookDelivery.__table__, connection.dialect.name)
    for row in rows:
        connection.execute(statement, row)
    told = WebhookEvent.id.in_([event.id for event in events])
    connection.execute(update(WebhookEvent).where(told).values(is_spread=True))
    return len(rows)


def _say(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
