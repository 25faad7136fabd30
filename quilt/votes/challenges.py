"""A self-hosted proof of work: a number that is tedious to find and quick to check, good once.

A challenge is a signed text of ours: entry, time, chance and how many bits it asks for. Solved by the smallest
number whose SHA-256(challenge ‖ "." ‖ number in decimals) begins with that many zero bits. It is a bump in the
road for whoever asks for a thousand codes, not a wall, and nobody needs it to vote: without a script the code
by mail alone does, which leaves a little later where very many are asked for from one network.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from sqlalchemy import Connection, delete

from quilt.database import insert_if_new, write
from quilt.votes.casting_models import UsedChallenge

LIFE = timedelta(minutes=20)
FEWEST_BITS, MOST_BITS = 13, 18  # about half a second on a phone; up to thirty times as much
CALM = 30  # requests of one network in a window that cost nothing more
WINDOW = 600  # seconds
MOST_DIGITS = 9
STEP = timedelta(seconds=2)  # between two letters to one busy network that brought no proof
LONGEST_WAIT = timedelta(minutes=5)
_BODY = struct.Struct(">QIB8s")
_NONCE = struct.Struct(">I8s")
_MAC_SIZE = 12


class ChallengeRefused(Exception):
    """A solution that proves no work: forged, for another entry, too old, wrong, or used before."""


class Proof(NamedTuple):
    """Work that was done: how many bits were asked for, and the seconds from the challenge to its solution."""

    bits: int
    seconds: float


def issue_challenge(
    entry_id: int, bits: int, secret: str, now: datetime, entropy: Callable[[int], bytes]
) -> str:
    """A fresh challenge, 44 URL-safe characters."""
    body = _BODY.pack(entry_id, int(now.timestamp()), bits, entropy(8))
    return base64.urlsafe_b64encode(body + _sign(body, secret)).rstrip(b"=").decode()


def check_solution(text: str, entry_id: int, secret: str, now: datetime) -> tuple[bytes, Proof]:
    """The nonce (12 bytes) and the work of "challenge.number". Raises ChallengeRefused.

    Only one spelling stands for one solution: the challenge has a fixed length and no dot, the number no zero
    in front. Whether it was used before is for `use_challenge`.
    """
    challenge, _, number = text.partition(".")
    if len(text) > 100 or not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
        raise ChallengeRefused
    if number != str(int(number)):
        raise ChallengeRefused
    issued, bits, nonce = _read(challenge, entry_id, secret)
    age = now.timestamp() - issued
    if not -60 <= age <= LIFE.total_seconds() or not _is_solved(text, bits):
        raise ChallengeRefused
    return nonce, Proof(bits, max(0.0, age))


def use_challenge(nonce: bytes, now: datetime) -> None:
    """Keep it as used; raises ChallengeRefused where it was (the unique key decides)."""
    if not write(_use, nonce, now):
        raise ChallengeRefused


def forget_used_challenges(now: datetime) -> int:
    """Delete those that are too old to be used again anyway; returns how many."""
    return write(_forget, now - 2 * LIFE)


def find_bits(requests: int) -> int:
    """What a challenge asks for where so many came from one network lately: twice the work for twice as many."""
    return min(MOST_BITS, FEWEST_BITS + max(0, (requests // CALM).bit_length()))


def find_delay(unproven: int) -> timedelta:
    """How much later a letter leaves where so many were asked for from one network without a proof of work."""
    return min(LONGEST_WAIT, max(0, unproven - CALM) * STEP)


def name_network(address: str) -> str:
    """The network that an address is counted with: its /24, or its /64."""
    try:
        number = ip_address(address)
    except ValueError:
        return ""
    if isinstance(number, IPv6Address) and number.ipv4_mapped is not None:
        number = number.ipv4_mapped
    size = 8 if isinstance(number, IPv6Address) else 3
    return number.packed[:size].hex()


class LoadMeter:
    """How many requests came from a network in the current window, as one process sees it. Kept in memory alone."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._window = 0
        self._counts: Counter[str] = Counter()

    def count(self, network: str, seconds: float) -> int:
        """Count one more and return how many there are; `seconds` is any clock that only goes forward."""
        window = int(seconds // WINDOW)
        if window != self._window or len(self._counts) > self._most:
            self._window, self._counts = window, Counter()
        self._counts[network] += 1
        return self._counts[network]


def _read(challenge: str, entry_id: int, secret: str) -> tuple[int, int, bytes]:
    try:
        raw = base64.b64decode(challenge.encode("ascii") + b"=" * (-len(challenge) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise ChallengeRefused from None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if len(mac) != _MAC_SIZE or not hmac.compare_digest(mac, _sign(body, secret)):
        raise ChallengeRefused
    of_entry, issued, bits, chance = _BODY.unpack(body)
    if of_entry != entry_id or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != challenge:
        raise ChallengeRefused
    return issued, bits, _NONCE.pack(issued, chance)


def _is_solved(text: str, bits: int) -> bool:
    digest = hashlib.sha256(text.encode("ascii")).digest()
    return int.from_bytes(digest) >> (256 - bits) == 0


def _sign(body: bytes, secret: str) -> bytes:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"proof of work").digest()
    return hashlib.blake2b(body, key=key, digest_size=_MAC_SIZE).digest()


def _use(connection: Connection, nonce: bytes, now: datetime) -> bool:
    statement = insert_if_new(UsedChallenge.__table__, connection.dialect.name, "nonce")
    return connection.execute(statement, {"nonce": nonce, "used_at": now}).first() is not None


def _forget(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(UsedChallenge).where(UsedChallenge.used_at < before)).rowcount
