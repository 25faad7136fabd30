"""Signed tree heads: what the tree was at one time, in a chain, each signed with Ed25519.

Signing and the check of a signature are functions that are given in: `sign(message) -> 64 bytes` and
`verify(public_key, signature, message) -> bool`. A key is named by the beginning of its hash, so that keys can
follow one another; the public file `public_key` has one key in hex on each line.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from quilt.ledger.canonical import (
    VERSION,
    Check,
    check_fields,
    decode_fields,
    encode_fields,
    is_contest,
    is_hash,
    is_key_id,
    is_number,
    is_signature,
    is_time,
    is_version,
    read_time,
    spell_time,
)
from quilt.ledger.refusals import HeadRefused, LedgerRefused

FIRST_PREVIOUS = bytes(32)
_DOMAIN = b"quilt tree head\n"

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes, bytes], bool]
Keys = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The tree of a contest at `at` (to the second).

    `previous` is the hash of the head before (32 zero bytes for the first), `policy` the SHA-256 of the file
    `policy.json`, `key` the name of the signing key.
    """

    contest: str
    size: int
    root: bytes
    at: datetime
    previous: bytes
    policy: bytes
    key: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A tree head and the 64 bytes of its signature."""

    head: TreeHead
    signature: bytes


def name_key(public_key: bytes) -> str:
    """Return the name of a public key (32 bytes): the first 16 hex digits of its SHA-256."""
    if len(public_key) != 32:
        raise ValueError("an Ed25519 key has 32 bytes")
    return hashlib.sha256(public_key).hexdigest()[:16]


def sign_head(head: TreeHead, sign: Sign) -> SignedHead:
    """Return the head with its signature. Raises HeadRefused for values that no head may have."""
    return SignedHead(head, sign(write_head(head)))


def write_head(head: TreeHead) -> bytes:
    """Return the bytes that are signed: a first line that says what they are, then the canonical fields."""
    return _DOMAIN + encode_fields(_list_fields(head))


def hash_head(head: TreeHead) -> bytes:
    """Return the 32 bytes by which the next head, and the draw, name this one."""
    return hashlib.sha256(write_head(head)).digest()


def encode_head(signed: SignedHead) -> bytes:
    """Return the line of `heads.ndjson`, without a line feed."""
    return encode_fields({**_list_fields(signed.head), "signature": signed.signature.hex()})


def decode_head(line: bytes) -> SignedHead:
    """Return the head that `encode_head` wrote. Raises HeadRefused for any other bytes."""
    try:
        fields = decode_fields(line)
        check_fields(fields, {**_SHAPE, "signature": is_signature})
    except LedgerRefused as refusal:
        raise HeadRefused(str(refusal)) from None
    root, previous, policy, signature = (
        bytes.fromhex(fields[name]) for name in ("root", "previous", "policy", "signature")
    )
    at = read_time(fields["at"])
    head = TreeHead(fields["contest"], fields["size"], root, at, previous, policy, fields["key"])
    return SignedHead(head, signature)


def check_signature(signed: SignedHead, keys: Keys, verify: Verify) -> None:
    """Raise HeadRefused unless one of `keys` has signed the head."""
    public_key = keys.get(signed.head.key)
    if public_key is None:
        raise HeadRefused(f"the key {signed.head.key} is not known")
    if not verify(public_key, signed.signature, write_head(signed.head)):
        raise HeadRefused("the signature does not belong to the head")


def check_next(before: TreeHead | None, head: TreeHead) -> None:
    """Raise HeadRefused unless `head` follows `before` (None: is the first) in the chain.

    It names the one before by its hash, is of the same contest and policy, and neither smaller nor older.
    Whether the smaller tree is the beginning of the larger is for `check_consistency`.
    """
    if before is None:
        if head.previous != FIRST_PREVIOUS:
            raise HeadRefused("the first head names one before it")
        return
    if head.previous != hash_head(before):
        raise HeadRefused("a head does not name the one before it")
    if (head.contest, head.policy) != (before.contest, before.policy):
        raise HeadRefused("a head is of another contest or policy than the one before")
    if head.size < before.size or head.at < before.at:
        raise HeadRefused("a head is smaller or older than the one before")


def check_heads(heads: Iterable[SignedHead], keys: Keys, verify: Verify) -> int:
    """Raise HeadRefused unless all signatures hold and the heads form one chain; return how many there are."""
    before, count = None, 0
    for signed in heads:
        check_signature(signed, keys, verify)
        check_next(before, signed.head)
        before, count = signed.head, count + 1
    return count


_SHAPE: dict[str, Check] = {
    "v": is_version, "contest": is_contest, "size": is_number, "root": is_hash, "at": is_time,
    "previous": is_hash, "policy": is_hash, "key": is_key_id,
}  # fmt: skip


def _list_fields(head: TreeHead) -> dict[str, object]:
    fields: dict[str, object] = {
        "v": VERSION, "contest": head.contest, "size": head.size, "root": head.root.hex(),
        "at": spell_time(head.at), "previous": head.previous.hex(), "policy": head.policy.hex(), "key": head.key,
    }  # fmt: skip
    try:
        check_fields(fields, _SHAPE)
    except LedgerRefused as refusal:
        raise HeadRefused(str(refusal)) from None
    return fields
