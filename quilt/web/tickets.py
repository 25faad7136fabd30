"""Page tickets: a signed, entry-bound nonce that a page carries for its beacon and its stateless forms.

A ticket says which entry it is for, when it was issued and to whom (`binding`: the signed-in user, or
nobody). It costs one keyed hash, needs no session, and is checked before anything is written. Its
nonce counts one visit only; the forms accept it for longer.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from quilt.spread.counting import NonceState

VISIT_AGE = timedelta(minutes=10)
FORM_AGE = timedelta(hours=12)
_BODY = struct.Struct(">QI8s")
_NONCE = struct.Struct(">I8s")
_MAC_SIZE = 12


class TicketRefused(Exception):
    """The ticket does not fit; `state` says why."""

    def __init__(self, state: NonceState) -> None:
        super().__init__(state.value)
        self.state = state


def issue_ticket(
    entry_id: int, binding: str, secret: str, now: datetime, entropy: Callable[[int], bytes]
) -> str:
    """A fresh ticket, 43 URL-safe characters."""
    body = _BODY.pack(entry_id, int(now.timestamp()), entropy(8))
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
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if len(mac) != _MAC_SIZE or not hmac.compare_digest(mac, _sign(body, binding, secret)):
        raise TicketRefused(NonceState.FORGED)
    ticket_entry_id, issued, chance = _BODY.unpack(body)
    if ticket_entry_id != entry_id:
        raise TicketRefused(NonceState.FORGED)
    if not -60 <= now.timestamp() - issued <= max_age.total_seconds():
        raise TicketRefused(NonceState.EXPIRED)
    return _NONCE.pack(issued, chance)


def age_of(nonce: bytes, now: datetime) -> int:
    """Milliseconds since the page of this nonce was made, up to a second too many: it knows whole seconds."""
    issued, _ = _NONCE.unpack(nonce)
    return max(0, int((now.timestamp() - issued) * 1000))


def _sign(body: bytes, binding: str, secret: str) -> bytes:
    return hashlib.blake2b(body + binding.encode(), key=_make_key(secret), digest_size=_MAC_SIZE).digest()


@lru_cache(maxsize=8)
def _make_key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"page ticket").digest()
