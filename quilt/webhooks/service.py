"""What people do with their webhooks: each function one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from quilt.accounts.models import User
from quilt.accounts.people import STAFF_ROLES
from quilt.accounts.sealing import seal
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.embeds.models import Membership
from quilt.embeds.rules import Role
from quilt.outbound import AddressRefused, check_url
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent
from quilt.webhooks.noticing import Happening, build_body
from quilt.webhooks.rules import (
    OVERLAP,
    PURPOSE,
    SECRET_BYTES,
    TEST,
    WebhookRefused,
    make_secret,
    may_hear,
)

MOST_WEBHOOKS = 10


@dataclass(frozen=True, slots=True)
class LogLine:
    """One delivery as its owner sees it."""

    id: int
    kind: str
    state: str
    attempts: int
    status: int | None
    note: str
    due_at: datetime
    created_at: datetime


def create_webhook(
    user_id: int, url: str, events: Sequence[str], *, settings: Settings, now: datetime,
    entropy: Callable[[int], bytes], organisation_id: int | None = None,
) -> str:  # fmt: skip
    """A new webhook; returns its secret, told this once. Raises WebhookRefused.

    With an organisation, of which the person is an owner, it is told of the contests where that one's embeds stand.
    """
    url = url.strip()
    try:
        if len(url) > 500:
            raise AddressRefused("the address is too long")
        check_url(url, allow_loopback=settings.may_ask_loopback)
    except AddressRefused as refusal:
        raise WebhookRefused(f"We cannot send to that: {refusal}.") from None
    secret = make_secret(entropy(SECRET_BYTES))
    with transaction() as session:
        # Held until the end: who makes many at once counts them one after the other.
        is_staff = session.get_one(User, user_id, with_for_update=True).role in STAFF_ROLES
        if not events or not all(may_hear(kind, is_staff) and kind != TEST for kind in events):
            raise WebhookRefused("Choose what you want to be told of.")
        count = session.scalar(select(func.count()).where(Webhook.user_id == user_id)) or 0
        if count >= MOST_WEBHOOKS:
            raise WebhookRefused(f"You have {MOST_WEBHOOKS} webhooks. Remove one first.")
        if organisation_id is not None:
            member = session.get(Membership, (organisation_id, user_id))
            if member is None or member.role != Role.OWNER:
                raise WebhookRefused("Only its owners can have a brand’s events sent. Choose another.")
        session.add(
            Webhook(
                user_id=user_id, organisation_id=organisation_id, url=url, events=" ".join(sorted(set(events))),
                sealed=seal(secret, settings.secret_key, PURPOSE), created_at=now,
            )
        )  # fmt: skip
    return secret


def renew_secret(
    user_id: int, webhook_id: int, *, settings: Settings, now: datetime, entropy: Callable[[int], bytes]
) -> str:
    """A new secret, told this once; for a day everything is signed with the one before as well. Raises LookupError."""
    secret = make_secret(entropy(SECRET_BYTES))
    with transaction() as session:
        webhook = _own(session.get(Webhook, webhook_id), user_id)
        webhook.sealed_before, webhook.previous_until = webhook.sealed, now + OVERLAP
        webhook.sealed = seal(secret, settings.secret_key, PURPOSE)
    return secret


def remove_webhook(user_id: int, webhook_id: int) -> None:
    """Forget a webhook and its log. Raises LookupError."""
    with transaction() as session:
        webhook = _own(session.get(Webhook, webhook_id), user_id)
        session.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id))
        session.delete(webhook)


def switch_on(user_id: int, webhook_id: int) -> None:
    """Go on with a webhook that was switched off. Raises LookupError."""
    with transaction() as session:
        webhook = _own(session.get(Webhook, webhook_id), user_id)
        webhook.off_at, webhook.failures_count = None, 0


def send_test(user_id: int, webhook_id: int, *, now: datetime, entropy: Callable[[int], bytes]) -> None:
    """Put a test event on its way. Raises LookupError."""
    with transaction() as session:
        _own(session.get(Webhook, webhook_id), user_id)
        happening = Happening(TEST, f"test:{entropy(8).hex()}", now, {"words": "This is a test."})
        event = WebhookEvent(
            kind=TEST, key=happening.key, body=build_body(happening), at=now, has_deliveries=True
        )
        session.add(event)
        session.flush()
        session.add(WebhookDelivery(webhook_id=webhook_id, event_id=event.id, due_at=now, created_at=now))


def replay(user_id: int, delivery_id: int, now: datetime) -> None:
    """Send a delivery again, with the same id, as if for the first time. Raises LookupError."""
    with transaction() as session:
        delivery = session.get(WebhookDelivery, delivery_id)
        _own(session.get(Webhook, delivery.webhook_id) if delivery else None, user_id)
        assert delivery is not None
        delivery.state, delivery.attempts_count, delivery.due_at, delivery.ended_at = "waiting", 0, now, None


def list_webhooks(user_id: int) -> list[Webhook]:
    """A person's webhooks, the oldest first."""
    statement = select(Webhook).where(Webhook.user_id == user_id).order_by(Webhook.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def list_log(webhook_id: int, limit: int = 20) -> list[LogLine]:
    """The newest deliveries of a webhook."""
    statement = (
        select(
            WebhookDelivery.id, WebhookEvent.kind, WebhookDelivery.state, WebhookDelivery.attempts_count,
            WebhookDelivery.status, WebhookDelivery.note, WebhookDelivery.due_at, WebhookDelivery.created_at,
        )
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.webhook_id == webhook_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [LogLine(*row) for row in db.session.execute(statement)]


def _own(webhook: Webhook | None, user_id: int) -> Webhook:
    if webhook is None or webhook.user_id != user_id:
        raise LookupError
    return webhook
