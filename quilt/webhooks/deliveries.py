"""From what has happened to who is told of it: a delivery of each event for each webhook that asked for its kind."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from quilt.database import insert_if_new, write
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent

MOST = 2_000  # events in one round; the next goes on


def make_deliveries(now: datetime) -> int:
    """Make a delivery of each new event for each webhook that asked for its kind; returns how many."""
    return write(_make, now)


def _make(connection: Connection, now: datetime) -> int:
    events = connection.execute(
        select(WebhookEvent.id, WebhookEvent.kind, WebhookEvent.at)
        .where(WebhookEvent.has_deliveries.is_(False))
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
    done = WebhookEvent.id.in_([event.id for event in events])
    connection.execute(update(WebhookEvent).where(done).values(has_deliveries=True))
    return len(rows)
