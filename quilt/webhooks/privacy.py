"""What webhooks know of a person, and how they let go."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from quilt.accounts.belongings import Row, cuts, forgets, tells
from quilt.webhooks.models import Webhook, WebhookDelivery


@tells("webhooks")
def tell_webhooks(session: Session, user_id: int) -> Iterable[Row]:
    """The addresses that they asked us to tell."""
    for row in session.scalars(select(Webhook).where(Webhook.user_id == user_id)):
        yield {"url": row.url, "events": row.events, "since": row.created_at, "off": row.off_at}


@forgets("webhooks")
def forget_webhooks(session: Session, user_id: int, now: datetime) -> None:
    """Nobody is told any more."""
    cut_webhooks(session, user_id)


@cuts("webhooks")
def cut_webhooks(session: Session, user_id: int) -> None:
    """Nobody's program is told any more, not even of what waits to be told."""
    own = select(Webhook.id).where(Webhook.user_id == user_id)
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id.in_(own)))
    session.execute(delete(Webhook).where(Webhook.user_id == user_id))
