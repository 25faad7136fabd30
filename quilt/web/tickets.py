"""Page tickets: a signed, entry-bound nonce that a page carries for its beacon and its stateless forms.

A ticket says which entry it is for, when it was issued and to whom (`binding`: the signed-in user, or
nobody). It costs one keyed hash, needs no session, and is checked before anything is written. Its
nonce counts one visit only; the forms accept it for longer.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from quilt.spread.counting import NonceState

VISIT_AGE = timedelta(minutes=10)
FORM_AGE = timedelta(hours=12)
_ENTRY_BYTES, _TIME_BYTES, _CHANCE_BYTES, _MAC_SIZE = 8, 6, 6, 12  # the time in milliseconds
_BODY_SIZE = _ENTRY_BYTES + _TIME_BYTES + _CHANCE_BYTES


class TicketRefused(Exception):
    """The ticket does not fit; `state` says why."""

    def __init__(self, state: NonceState) -> None:
        super().__init__(state.value)
        self.state = state


def issue_ticket(
    entry_id: int, binding: str, secret: str, now: datetime, entropy: Callable[[int], bytes]
) -> str:
    """A fresh ticket, 43 URL-safe characters."""
    issued = int(now.timestamp() * 1000)
    body = entry_id.to_bytes(_ENTRY_BYTES) + issued.to_bytes(_TIME_BYTES) + entropy(_CHANCE_BYTES)
    return base64.urlsafe_b64encode(body + _sign(body, binding, secret)).rstrip(b"=").decode()


def read_ticket(
    text: str, entry_id: int, binding: str, secret: str, now: datetime, max_age: timedelta
) -> bytes:
    """The ticket's nonce (12 bytes); raises TicketRefused where it is not ours, not for this entry or too old."""
    if not text:
        raise TicketRefused(NonceState.MISSING)
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"==")
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise TicketRefused(NonceState.FORGED) from None
    body, mac = raw[:_BODY_SIZE], raw[_BODY_SIZE:]
    if len(mac) != _MAC_SIZE or not hmac.compare_digest(mac, _sign(body, binding, secret)):
        raise TicketRefused(NonceState.FORGED)
    if int.from_bytes(body[:_ENTRY_BYTES]) != entry_id:
        raise TicketRefused(NonceState.FORGED)
    nonce = body[_ENTRY_BYTES:]
    if not -60_000 <= _count_age(nonce, now) <= max_age / timedelta(milliseconds=1):
        raise TicketRefused(NonceState.EXPIRED)
    return nonce


def age_of(nonce: bytes, now: datetime) -> int:
    """Milliseconds since the page of this nonce was made."""
    return max(0, _count_age(nonce, now))


def _count_age(nonce: bytes, now: datetime) -> int:
    return int(now.timestamp() * 1000) - int.from_bytes(nonce[:_TIME_BYTES])


def _sign(body: bytes, binding: str, secret: str) -> bytes:
    return hashlib.blake2b(body + binding.encode(), key=_make_key(secret), digest_size=_MAC_SIZE).digest()


@lru_cache(maxsize=8)
def _make_key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"page ticket").digest()
