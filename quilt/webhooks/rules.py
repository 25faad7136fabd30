"""Webhooks by the book of Standard Webhooks: signatures, the times of tries, and who may be told what."""

import base64
import hashlib
import hmac
from datetime import timedelta

# Event → its words, and whether only people at the desk are told.
EVENTS = {
    "entry.submitted": ("An entry was sent in", True),
    "entry.published": ("An entry was published", False),
    "entry.rejected": ("An entry was not accepted", True),
    "vote.counted": ("Votes have come in, told together every ten seconds", False),
    "milestone.reached": ("A story has reached 10, 100, 1,000 … people", False),
    "phase.changed": ("A phase of a contest has begun or ended", False),
    "results.published": ("A result was published", False),
    "flag.raised": ("An entry got far more votes than before", True),
}
TEST = "webhook.test"
MILESTONES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
# Before the second try, the third, …: a little over a day in all.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 180, 240, 300, 300, 300))
MOST_FAILURES = 20  # in a row, then the webhook is off
OVERLAP = timedelta(days=1)  # for which the secret before is good as well
PURPOSE = "webhook"  # under which secrets are sealed
SECRET_PREFIX = "whsec_"
SECRET_BYTES = 24


class WebhookRefused(Exception):
    """A webhook that cannot be made; the message says what to change."""


def find_pause(attempts: int) -> timedelta | None:
    """How long to wait after so many tries; None when that was the last."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def may_hear(kind: str, is_staff: bool) -> bool:
    """Whether somebody may be told of this kind of event."""
    return kind == TEST or (kind in EVENTS and (is_staff or not EVENTS[kind][1]))


def make_secret(raw: bytes) -> str:
    """A secret as verifiers expect it: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(raw).decode()


def sign(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body` (Standard Webhooks 1.0, symmetric)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def build_headers(secrets: tuple[str, ...], identifier: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one try, signed with every secret that is good now."""
    return {
        "Content-Type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, identifier, timestamp, body) for secret in secrets),
    }
