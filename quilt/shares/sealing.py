"""Tokens at rest: encrypted with keys from the environment, which can be changed one after the other."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # six megabytes that most processes never need
    from cryptography.fernet import MultiFernet


class CannotOpen(Exception):
    """None of our keys opens it: it was sealed with one that is gone."""


def new_key() -> str:
    """A key for QUILT_TOKEN_KEYS."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def seal(facts: dict[str, str], keys: Sequence[str]) -> str:
    """Encrypt and sign with the first key (Fernet: AES-128-CBC, HMAC-SHA-256)."""
    return _box(keys).encrypt(json.dumps(facts).encode()).decode()


def unseal(sealed: str, keys: Sequence[str]) -> dict[str, str]:
    """What was sealed with any of these keys. Raises CannotOpen."""
    from cryptography.fernet import InvalidToken

    try:
        opened = _box(keys).decrypt(sealed.encode())
    except InvalidToken:
        raise CannotOpen from None
    return {str(name): str(value) for name, value in json.loads(opened).items()}


def reseal(sealed: str, keys: Sequence[str]) -> str:
    """The same sealed anew with the first key. Raises CannotOpen."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(keys).rotate(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen from None


def _box(keys: Sequence[str]) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key) for key in keys])
