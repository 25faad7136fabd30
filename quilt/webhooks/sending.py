"""Sending: each try leased, made and noted in transactions of its own, none of them while we wait."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.accounts.people import STAFF_ROLES
from quilt.accounts.sealing import unseal
from quilt.config import Settings
from quilt.database import transaction
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.outbound import OutboundFailed, fetch
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent
from quilt.webhooks.rules import MOST_FAILURES, PURPOSE, build_headers, find_pause, may_hear

MOST_SENDS = 20  # of one round; the next goes on
LEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Sending:
    """A try that is due: to where, what, and with which secrets."""

    delivery_id: int
    webhook_id: int
    event_id: int
    attempts: int
    url: str
    body: str
    secrets: tuple[str, ...]


def send_due(settings: Settings, clock: Callable[[], datetime]) -> int:
    """Send what is due, each within five seconds and behind the guard of outbound requests; returns how many."""
    for sent_count in range(MOST_SENDS):
        sending = _take_next(settings, clock())
        if sending is None:
            return sent_count
        status, note = _send(sending, settings, clock())
        _note(sending, status, note, settings, clock())
    return MOST_SENDS


def _take_next(settings: Settings, now: datetime) -> Sending | None:
    """Lease the next that is due, for longer than a try may take: another worker does not find it meanwhile."""
    with transaction() as session:
        while (row := _find_due(session, now)) is not None:
            delivery, webhook, event, role = row
            secrets = _open(webhook, settings, now)
            refusal = _find_refusal(event.kind, role, secrets)
            if refusal:
                delivery.state, delivery.note, delivery.ended_at = "failed", refusal, now
                continue
            delivery.due_at = now + timedelta(seconds=LEASE_SECONDS)
            delivery.attempts_count += 1
            return Sending(
                delivery.id, webhook.id, event.id, delivery.attempts_count, webhook.url, event.body, secrets
            )
    return None


def _find_due(session: Session, now: datetime) -> Row[WebhookDelivery, Webhook, WebhookEvent, str] | None:
    return session.execute(
        select(WebhookDelivery, Webhook, WebhookEvent, User.role)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .join(User, User.id == Webhook.user_id)
        .where(WebhookDelivery.state == "waiting", WebhookDelivery.due_at <= now, Webhook.off_at.is_(None))
        .order_by(WebhookDelivery.due_at, WebhookDelivery.id)
        .limit(1)
        .with_for_update(of=WebhookDelivery, skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()


def _find_refusal(kind: str, role: str, secrets: tuple[str, ...]) -> str:
    """Why this is never sent, in words for its owner; '' where it may be."""
    if not may_hear(kind, role in STAFF_ROLES):
        return "For the desk only."
    return "" if secrets else "Its secret cannot be read any more: give it a new secret."


def _open(webhook: Webhook, settings: Settings, now: datetime) -> tuple[str, ...]:
    """The secrets that are good now, the newest first."""
    sealed = [webhook.sealed]
    if webhook.previous_until is not None and now < webhook.previous_until:
        sealed.append(webhook.sealed_before)
    opened = (unseal(each, settings.secret_key, PURPOSE) for each in sealed)
    return tuple(secret for secret in opened if secret is not None)


def _send(sending: Sending, settings: Settings, now: datetime) -> tuple[int | None, str]:
    """One try: the status that came back, or None and why there was none."""
    body = sending.body.encode()
    headers = build_headers(sending.secrets, f"msg_{sending.event_id}", int(now.timestamp()), body)
    try:
        answer = fetch(
            "POST", sending.url, headers=headers, body=body, allow_loopback=settings.may_ask_loopback
        )
    except OutboundFailed as failure:
        return None, str(failure)[:200]
    return answer.status, "" if answer.is_good else f"It answered {answer.status}."


def _note(sending: Sending, status: int | None, note: str, settings: Settings, now: datetime) -> None:
    """Keep what became of a try; the twentieth failure in a row switches the webhook off and writes to its owner."""
    is_good = status is not None and 200 <= status < 300
    with transaction() as session:
        delivery = session.get(WebhookDelivery, sending.delivery_id, populate_existing=True)
        webhook = session.get(Webhook, sending.webhook_id, with_for_update=True, populate_existing=True)
        if delivery is None or webhook is None:
            return  # removed meanwhile
        delivery.status, delivery.note = status, note
        if is_good:
            delivery.state, delivery.ended_at, webhook.failures_count = "delivered", now, 0
            return
        pause = find_pause(sending.attempts)
        if pause is None:
            delivery.state, delivery.ended_at = "failed", now
        else:
            delivery.due_at = now + pause
        webhook.failures_count += 1
        if webhook.failures_count >= MOST_FAILURES and webhook.off_at is None:
            webhook.off_at = now
            user = session.get_one(User, webhook.user_id)
            letter = composer(settings)(
                "webhook_off", name=user.name, url=webhook.url, failures=MOST_FAILURES
            )
            put_in_outbox(session, letter, user.email, now)
