"""Digits of an authenticator app: RFC 6238 with SHA-1, six digits and half minutes, as every app makes them."""

import base64
import hmac
from collections.abc import Callable
from datetime import datetime
from hashlib import sha1
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
STEPS_ASIDE = 1  # a clock may be half a minute off, either way


def make_secret(entropy: Callable[[int], bytes]) -> str:
    """160 random bits as the 32 letters that an app takes."""
    return base64.b32encode(entropy(20)).decode()


def digits_at(secret: str, step: int) -> str:
    """The digits of one half minute (RFC 4226, section 5.3, with the counter of RFC 6238)."""
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8), sha1)
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def find_step(secret: str, digits: str, now: datetime, last_step: int) -> int | None:
    """The half minute whose digits these are, newer than the last one used; None for wrong, old or used digits."""
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - STEPS_ASIDE, current + STEPS_ASIDE + 1):
        fits = hmac.compare_digest(digits_at(secret, step).encode(), digits.encode("utf-8", "replace"))
        if fits and step > last_step:
            found = step
    return found


def build_uri(secret: str, email: str, site_name: str) -> str:
    """What the QR code says to the app."""
    label = quote(f"{site_name}:{email}", safe="@")
    facts = {"secret": secret, "issuer": site_name, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(facts, quote_via=quote)}"
