"""Receipts: what a voter holds at once, and the proof that comes with the next head.

At once, a receipt opens the leaf's commitment and carries our signed promise that the leaf will stand in the
ledger by a certain time. After the batch, a proof leads from the leaf to a signed head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    is_period,
    is_receipt_number,
    is_signature,
    is_tag,
    is_time,
    is_version,
    read_time,
    spell_hour,
    spell_time,
)
from quilt.ledger.commitments import commit_to_vote
from quilt.ledger.heads import Keys, Sign, SignedHead, Verify, check_signature
from quilt.ledger.leaves import VoteLeaf, encode_leaf
from quilt.ledger.proofs import check_inclusion
from quilt.ledger.refusals import LedgerRefused, ReceiptRefused
from quilt.ledger.tree import hash_leaf

_DOMAIN = b"quilt receipt\n"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What we promise one voter.

    `number` is what the voter may read out to us; `salt` and `voter` (`blind_voter`) open the commitment; the
    vote was cast at `at` and its leaf will be in the ledger at `due`. `key` names the signing key.
    """

    contest: str
    number: str
    entry: int
    period: str
    tier: str
    at: datetime
    due: datetime
    salt: bytes
    voter: bytes
    key: str

    @property
    def leaf(self) -> VoteLeaf:
        """The leaf that the ledger will hold for this vote."""
        commitment = commit_to_vote(self.salt, self.voter, self.contest, self.entry, self.period)
        return VoteLeaf(self.contest, self.entry, self.period, self.tier, spell_hour(self.at), commitment)


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt and the 64 bytes of our signature under its promise."""

    receipt: Receipt
    signature: bytes


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Where a leaf stands, and the hashes that lead from it to the root of `size` leaves."""

    index: int
    size: int
    path: tuple[bytes, ...]


def sign_receipt(receipt: Receipt, sign: Sign) -> SignedReceipt:
    """Return the receipt with our signature. Raises ReceiptRefused for values that no receipt may have."""
    return SignedReceipt(receipt, sign(write_promise(receipt)))


def write_promise(receipt: Receipt) -> bytes:
    """Return the bytes that are signed: the leaf's hash, its number, when it was cast and when it is due.

    Salt and voter are not among them: the promise can be shown without opening the vote.
    """
    fields = _list_fields(receipt)
    promised = {name: fields[name] for name in ("v", "contest", "number", "at", "due", "key")}
    leaf_hash = hash_leaf(str(fields["leaf"]).encode())
    return _DOMAIN + encode_fields({**promised, "leaf_hash": leaf_hash.hex()})


def encode_receipt(signed: SignedReceipt, proof: InclusionProof | None = None) -> bytes:
    """Return the receipt as one canonical line; `proof` is None until the next head."""
    fields = {**_list_fields(signed.receipt), "signature": signed.signature.hex()}
    if proof is not None:
        path = [node.hex() for node in proof.path]
        fields["proof"] = {"index": proof.index, "size": proof.size, "path": path}
    return encode_fields(fields)


def decode_receipt(line: bytes) -> tuple[SignedReceipt, InclusionProof | None]:
    """Return what `encode_receipt` wrote. Raises ReceiptRefused for any other bytes, and for a receipt whose
    leaf is not the one that its salt, voter, entry, period, tier and time give."""
    try:
        fields = decode_fields(line)
        check_fields(fields, _SHAPE | ({"proof": _is_proof} if "proof" in fields else {}))
    except LedgerRefused as refusal:
        raise ReceiptRefused(str(refusal)) from None
    signed = SignedReceipt(_read_receipt(fields), bytes.fromhex(fields["signature"]))
    if encode_leaf(signed.receipt.leaf).decode() != fields["leaf"]:
        raise ReceiptRefused("the receipt does not open its leaf")
    return signed, _read_proof(fields["proof"]) if "proof" in fields else None


def check_promise(signed: SignedReceipt, keys: Keys, verify: Verify) -> None:
    """Raise ReceiptRefused unless one of `keys` has signed the promise."""
    public_key = keys.get(signed.receipt.key)
    if public_key is None:
        raise ReceiptRefused(f"the key {signed.receipt.key} is not known")
    if not verify(public_key, signed.signature, write_promise(signed.receipt)):
        raise ReceiptRefused("the signature does not belong to the receipt")


def check_receipt(
    signed: SignedReceipt, proof: InclusionProof, head: SignedHead, keys: Keys, verify: Verify
) -> None:
    """Raise ReceiptRefused, ProofRefused or HeadRefused unless the promise is ours and kept by `head`."""
    check_promise(signed, keys, verify)
    check_signature(head, keys, verify)
    if head.head.contest != signed.receipt.contest:
        raise ReceiptRefused("the head is of another contest")
    if head.head.size != proof.size:
        raise ReceiptRefused("the proof is for another head")
    leaf_hash = hash_leaf(encode_leaf(signed.receipt.leaf))
    check_inclusion(leaf_hash, proof.index, proof.size, proof.path, head.head.root)


def _is_proof(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"index", "size", "path"}
        and is_number(value["index"])
        and is_number(value["size"])
        and isinstance(value["path"], list)
        and len(value["path"]) < 64
        and all(is_hash(node) for node in value["path"])
    )


_SHAPE: dict[str, Check] = {
    "v": is_version, "contest": is_contest, "number": is_receipt_number, "entry": is_number, "period": is_period,
    "tier": is_tag, "at": is_time, "due": is_time, "salt": is_hash, "voter": is_hash, "key": is_key_id,
    "leaf": lambda value: isinstance(value, str), "signature": is_signature,
}  # fmt: skip


def _list_fields(receipt: Receipt) -> dict[str, object]:
    fields: dict[str, object] = {
        "v": VERSION, "contest": receipt.contest, "number": receipt.number, "entry": receipt.entry,
        "period": receipt.period, "tier": receipt.tier, "at": spell_time(receipt.at),
        "due": spell_time(receipt.due), "salt": receipt.salt.hex(), "voter": receipt.voter.hex(),
        "key": receipt.key, "leaf": encode_leaf(receipt.leaf).decode(),
    }  # fmt: skip
    try:
        check_fields({**fields, "signature": "0" * 128}, _SHAPE)
    except LedgerRefused as refusal:
        raise ReceiptRefused(str(refusal)) from None
    return fields


def _read_receipt(fields: Mapping[str, Any]) -> Receipt:
    return Receipt(
        fields["contest"], fields["number"], fields["entry"], fields["period"], fields["tier"],
        read_time(fields["at"]), read_time(fields["due"]), bytes.fromhex(fields["salt"]),
        bytes.fromhex(fields["voter"]), fields["key"],
    )  # fmt: skip


def _read_proof(fields: Mapping[str, Any]) -> InclusionProof:
    return InclusionProof(
        fields["index"], fields["size"], tuple(bytes.fromhex(node) for node in fields["path"])
    )
