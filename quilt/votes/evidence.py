"""What a vote tells of how it was cast, in a few bytes: pseudonyms, times, and yes, no or unknown.

No address and no name of a browser is in it. A network's mark is keyed by the day's salt, which is deleted after
two days, and by the contest; a device's by the contest alone. What a page without a script cannot tell is
unknown, and unknown is never held against anybody.
"""

import struct
from functools import lru_cache
from hashlib import blake2b
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple

VERSION = 2
MARK_BYTES = 6
NO_MARK = bytes(MARK_BYTES)
_UNKNOWN = 0xFFFF
_LAYOUT = struct.Struct(f">BBHHHH{MARK_BYTES}s{MARK_BYTES}s{MARK_BYTES}s")
_PLAYED, _NOT_PLAYED, _BY_LINK, _HAS_COOKIE, _HAS_LANGUAGE, _DECOY = 1, 2, 4, 8, 16, 32
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address written as IPv6


class Marks(NamedTuple):
    """Pseudonyms: of the /24 or /64 the vote came from, of the /16 or /48 around it, and of the kind of device."""

    network: bytes = NO_MARK
    region: bytes = NO_MARK
    device: bytes = NO_MARK


class Evidence(NamedTuple):
    """How a vote was cast. Times are seconds; None is unknown.

    `dwell`: the page in view; `form_age`: from the page's making to the button; `code_wait`: from the code's
    sending to its return; `solve`: the challenge. `by_link`: the page was opened by somebody's own link.
    `has_filled_decoy`: a field that people do not see came back with something in it.
    """

    marks: Marks = Marks()
    has_played: bool | None = None
    dwell: float | None = None
    form_age: float | None = None
    code_wait: float | None = None
    solve: float | None = None
    by_link: bool = False
    has_cookie: bool = False
    has_language: bool = True
    has_filled_decoy: bool = False


def make_marks(address: str, agent: str, day_salt: bytes, contest_key: bytes) -> Marks:
    """The pseudonyms of a request; `agent` is everything by which a browser names itself.

    `day_salt` and `contest_key` have 32 bytes each. An address that is none has no mark.
    """
    inner, outer = _cut(address)
    device = blake2b(agent.encode("utf-8", "replace"), digest_size=MARK_BYTES, key=contest_key).digest()
    if not inner:
        return Marks(device=device)
    return Marks(
        blake2b(inner, digest_size=MARK_BYTES, key=day_salt, salt=contest_key[:16]).digest(),
        blake2b(outer, digest_size=MARK_BYTES, key=day_salt, salt=contest_key[:16]).digest(),
        device,
    )


def pack_evidence(evidence: Evidence) -> bytes:
    """Thirty bytes or less."""
    flags = _BY_LINK * evidence.by_link | _HAS_COOKIE * evidence.has_cookie
    flags |= _HAS_LANGUAGE * evidence.has_language | _DECOY * evidence.has_filled_decoy
    if evidence.has_played is not None:
        flags |= _PLAYED if evidence.has_played else _NOT_PLAYED
    return _LAYOUT.pack(
        VERSION,
        flags,
        _shorten(evidence.dwell, 10),
        _shorten(evidence.form_age, 10),
        _shorten(evidence.code_wait, 10),
        _shorten(evidence.solve, 100),
        *evidence.marks,
    )


@lru_cache(maxsize=16_384)
def unpack_evidence(packed: bytes | None) -> Evidence:
    """What was packed; everything unknown where there is nothing, or of another version."""
    if not packed or len(packed) != _LAYOUT.size or packed[0] != VERSION:
        return Evidence()
    _, flags, dwell, form_age, code_wait, solve, network, region, device = _LAYOUT.unpack(packed)
    return Evidence(
        Marks(network, region, device),
        True if flags & _PLAYED else False if flags & _NOT_PLAYED else None,
        None if dwell == _UNKNOWN else dwell / 10,
        None if form_age == _UNKNOWN else form_age / 10,
        None if code_wait == _UNKNOWN else code_wait / 10,
        None if solve == _UNKNOWN else solve / 100,
        bool(flags & _BY_LINK),
        bool(flags & _HAS_COOKIE),
        bool(flags & _HAS_LANGUAGE),
        bool(flags & _DECOY),
    )


def _shorten(seconds: float | None, per_second: int) -> int:
    if seconds is None or not seconds >= 0:
        return _UNKNOWN
    return int(min(seconds * per_second, _UNKNOWN - 1))


@lru_cache(maxsize=4096)
def _cut(address: str) -> tuple[bytes, bytes]:
    """The first 24 and 16 bits of an IPv4 address, 64 and 48 of an IPv6 one; b"" for what is no address."""
    try:
        raw = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except (OSError, ValueError):
        return b"", b""
    raw = raw.removeprefix(_MAPPED)
    return (raw[:3], raw[:2]) if len(raw) == 4 else (raw[:8], raw[:6])
