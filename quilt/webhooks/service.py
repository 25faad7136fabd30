"""What people do with their webhooks, and the sending: each function one transaction, none of them while we wait."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from quilt.accounts.models import User
from quilt.accounts.people import STAFF_ROLES
from quilt.accounts.sealing import seal, unseal
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.outbound import AddressRefused, OutboundFailed, check_url, fetch
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent
from quilt.webhooks.noticing import Happening, build_body
from quilt.webhooks.rules import (
    MOST_FAILURES,
    OVERLAP,
    SECRET_BYTES,
    TEST,
    WebhookRefused,
    build_headers,
    find_pause,
    make_secret,
    may_hear,
)

MOST_WEBHOOKS = 10
MOST_SENDS = 20  # of one round; the next goes on
PURPOSE = "webhook"
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
    entropy: Callable[[int], bytes],
) -> str:  # fmt: skip
    """A new webhook; returns its secret, told this once. Raises WebhookRefused."""
    url = url.strip()
    try:
        if len(url) > 500:
            raise AddressRefused("the address is too long")
        check_url(url, allow_loopback=not settings.is_production)
    except AddressRefused as refusal:
        raise WebhookRefused(f"We cannot send to that: {refusal}.") from None
    secret = make_secret(entropy(SECRET_BYTES))
    with transaction() as session:
        is_staff = session.get_one(User, user_id).role in STAFF_ROLES
        if not events or not all(may_hear(kind, is_staff) and kind != TEST for kind in events):
            raise WebhookRefused("Choose what you want to be told of.")
        count = session.scalar(select(func.count()).where(Webhook.user_id == user_id)) or 0
        if count >= MOST_WEBHOOKS:
            raise WebhookRefused(f"You have {MOST_WEBHOOKS} webhooks. Remove one first.")
        session.add(
            Webhook(
                user_id=user_id, url=url, events=" ".join(sorted(set(events))),
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
        event = WebhookEvent(kind=TEST, key=happening.key, body=build_body(happening), at=now, is_spread=True)
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


def send_due(settings: Settings, clock: Callable[[], datetime]) -> int:
    """Send what is due, each within five seconds and behind the guard of outbound requests; returns how many."""
    due = _take(settings, clock())
    for sending in due:
        status, note = _send(sending, settings, clock())
        _note(sending, status, note, settings, clock())
    return len(due)


def _take(settings: Settings, now: datetime) -> list[Sending]:
    """Lease what is due: another worker that looks meanwhile finds it later."""
    with transaction() as session:
        rows = session.execute(
            select(WebhookDelivery, Webhook, WebhookEvent, User.role)
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
            .join(User, User.id == Webhook.user_id)
            .where(
                WebhookDelivery.state == "waiting", WebhookDelivery.due_at <= now, Webhook.off_at.is_(None)
            )
            .order_by(WebhookDelivery.due_at)
            .limit(MOST_SENDS)
            .with_for_update(of=WebhookDelivery, skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        found = []
        for delivery, webhook, event, role in rows:
            if not may_hear(event.kind, role in STAFF_ROLES):
                delivery.state, delivery.note, delivery.ended_at = "failed", "For the desk only.", now
                continue
            delivery.due_at = now + timedelta(seconds=LEASE_SECONDS)
            delivery.attempts_count += 1
            found.append(
                Sending(
                    delivery.id, webhook.id, event.id, delivery.attempts_count, webhook.url, event.body,
                    _open(webhook, settings, now),
                )
            )  # fmt: skip
        return found


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
            "POST", sending.url, headers=headers, body=body, allow_loopback=not settings.is_production
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
            put_in_outbox(
                session, kind=letter.name, recipient=user.email, subject=letter.subject, text=letter.text,
                html=letter.html, now=now,
            )  # fmt: skip


def _own(webhook: Webhook | None, user_id: int) -> Webhook:
    if webhook is None or webhook.user_id != user_id:
        raise LookupError
    return webhook
