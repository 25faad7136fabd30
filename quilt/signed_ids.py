"""Numbers that only we can have sent: the token in a letter's link, which proves its reader's own row for one purpose.

A token never expires, for a letter may lie for years, and it opens nothing but what its purpose names.
"""

import base64
import hashlib
import hmac

_ID_SIZE, _MAC_SIZE = 8, 16


def make_token(number: int, secret: str, purpose: bytes) -> str:
    """The token of a row's number (0 to 2**64 - 1): 32 URL-safe characters. `purpose`: at most 16 bytes."""
    body = number.to_bytes(_ID_SIZE)
    return base64.urlsafe_b64encode(body + _sign(body, secret, purpose)).decode()


def read_token(token: str, secret: str, purpose: bytes) -> int | None:
    """The number in a token, or None for one that we did not make for this purpose."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[:_ID_SIZE], raw[_ID_SIZE:]
    return int.from_bytes(body) if hmac.compare_digest(mac, _sign(body, secret, purpose)) else None


def _sign(body: bytes, secret: str, purpose: bytes) -> bytes:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=purpose).digest()
    return hashlib.blake2b(body, key=key, digest_size=_MAC_SIZE).digest()
