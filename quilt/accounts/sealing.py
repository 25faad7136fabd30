"""Secrets that must be readable again, encrypted with a key made from the site's own secret."""

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # six megabytes that most processes never need
    from cryptography.fernet import Fernet


def seal(text: str, secret: str, purpose: str) -> str:
    """The text encrypted and signed (Fernet: AES-128-CBC, HMAC-SHA-256); another purpose cannot read it."""
    return _box(secret, purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, secret: str, purpose: str) -> str | None:
    """What was sealed, or None where it is not ours or the site's secret has changed."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(secret, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(secret: str, purpose: str) -> "Fernet":
    from cryptography.fernet import Fernet

    key = hashlib.blake2b(
        purpose.encode(), key=hashlib.sha256(secret.encode()).digest(), digest_size=32
    ).digest()
    return Fernet(base64.urlsafe_b64encode(key))
