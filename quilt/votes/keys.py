"""The site's signing key (Ed25519): a file that only we can read, or a setting."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from quilt.config import Settings
from quilt.ledger.heads import name_key

FILE_NAME = "ledger.key"
_DIGITS = 64


class KeyUnusable(Exception):
    """The file of the signing key is not one, or others can read it; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key of this site: its name in heads and receipts, its public half, and `sign(message) -> 64 bytes`."""

    name: str
    public_key: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)


def get_signing_key(settings: Settings, entropy: Callable[[int], bytes]) -> SigningKey:
    """The key in QUILT_LEDGER_KEY, else the one in the data folder, which is made of `entropy` on first need.

    Raises KeyUnusable.
    """
    if settings.ledger_key:
        return _make(settings.ledger_key)
    path = settings.data / FILE_NAME
    if not path.exists():
        _write_once(path, entropy(32).hex() + "\n")
    return _make(_read(path))


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of this public key (32 bytes) has signed the message (RFC 8032)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=8)
def _make(digits: str) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(digits))
    public = private.public_key().public_bytes_raw()
    return SigningKey(name_key(public), public, private.sign)


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"Others can read {path}, the key that signs the ledger: chmod 600 {path}")
    digits = path.read_text().strip()
    if len(digits) != _DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise KeyUnusable(f"{path} holds no key of {_DIGITS} hexadecimal digits. Put its copy back.")
    return digits


def _write_once(path: Path, text: str) -> None:
    """Write the file whole or not at all; where two processes do so at once, one of them wins for both."""
    own = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(own, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(own, path)
    except FileExistsError:
        return  # the other one's it is
    finally:
        own.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
