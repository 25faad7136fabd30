"""From what has happened to who is told of it: a delivery of each event for each webhook that asked for its kind."""

import json
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from quilt.database import insert_if_new, write
from quilt.embeds.models import Membership, Placement
from quilt.embeds.rules import Role
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent

MOST = 2_000  # events in one round; the next goes on
KEPT = timedelta(days=30)  # events and the log of their deliveries


def make_deliveries(now: datetime) -> int:
    """Make a delivery of each new event for each webhook that asked for its kind; returns how many."""
    return write(_make, now)


def forget_old(now: datetime) -> int:
    """Delete events older than thirty days with all their deliveries, some at a time; returns how many events.

    Those of milestones stay: their keys are what tells that a milestone was told.
    """
    return write(_forget, now - KEPT)


def _forget(connection: Connection, before: datetime) -> int:
    old = select(WebhookEvent.id).where(WebhookEvent.at < before, WebhookEvent.kind != "milestone.reached")
    ids = connection.scalars(old.order_by(WebhookEvent.at).limit(MOST)).all()
    if ids:
        connection.execute(delete(WebhookDelivery).where(WebhookDelivery.event_id.in_(ids)))
        connection.execute(delete(WebhookEvent).where(WebhookEvent.id.in_(ids)))
    return len(ids)


def _make(connection: Connection, now: datetime) -> int:
    events = connection.execute(
        select(WebhookEvent.id, WebhookEvent.kind, WebhookEvent.at, WebhookEvent.body)
        .where(WebhookEvent.has_deliveries.is_(False))
        .order_by(WebhookEvent.id)
        .limit(MOST)
    ).all()
    if not events:
        return 0
    hooks = connection.execute(
        select(
            Webhook.id, Webhook.events, Webhook.created_at, Webhook.user_id, Webhook.organisation_id
        ).where(Webhook.off_at.is_(None))
    ).all()
    reach = _map_contests(connection)
    rows = [
        {"webhook_id": hook.id, "event_id": event.id, "state": "waiting", "attempts_count": 0, "due_at": now,
         "note": "", "created_at": now}
        for event in events for hook in hooks
        if event.kind in hook.events.split() and event.at >= hook.created_at
        and (hook.organisation_id is None or _find_contest(event.body) in reach.get((hook.organisation_id, hook.user_id), ()))
    ]  # fmt: skip
    statement = insert_if_new(WebhookDelivery.__table__, connection.dialect.name)
    for row in rows:
        connection.execute(statement, row)
    done = WebhookEvent.id.in_([event.id for event in events])
    connection.execute(update(WebhookEvent).where(done).values(has_deliveries=True))
    return len(rows)


def _map_contests(connection: Connection) -> dict[tuple[int, int], set[int]]:
    """(organisation, owner) → the contests in which its embeds stand, for owners who have such a webhook."""
    rows = connection.execute(
        select(Membership.organisation_id, Membership.user_id, Placement.contest_id)
        .join(Placement, Placement.organisation_id == Membership.organisation_id)
        .join(
            Webhook,
            (Webhook.organisation_id == Membership.organisation_id) & (Webhook.user_id == Membership.user_id),
        )
        .where(Membership.role == Role.OWNER, Placement.ended_at.is_(None))
        .distinct()
    )
    found: dict[tuple[int, int], set[int]] = {}
    for organisation_id, user_id, contest_id in rows:
        found.setdefault((organisation_id, user_id), set()).add(contest_id)
    return found


def _find_contest(body: str) -> int | None:
    """The contest that an event is of, as its own words say."""
    told: int | None = json.loads(body)["data"].get("contest")
    return told
