import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quilt.ledger.heads import encode_head, name_key, sign_head
from quilt.ledger.leaves import encode_leaf
from quilt.ledger.receipts import (
    InclusionProof,
    SignedReceipt,
    check_promise,
    check_receipt,
    decode_receipt,
    encode_receipt,
    sign_receipt,
    write_promise,
)
from quilt.ledger.refusals import HeadRefused, LedgerRefused, ProofRefused, ReceiptRefused
from tests.ledger.books import (
    KEY,
    OTHER_KEY,
    PUBLIC,
    load_verifier,
    make_book,
    make_example,
    make_receipt,
    verify_signature,
)

VERIFIER = load_verifier()
KEYS = {name_key(PUBLIC): PUBLIC}
VERIFIER_KEYS = VERIFIER.read_public_keys(PUBLIC.hex().encode() + b"\n")
BOOK, LINE = make_example()
SIGNED, PROOF = decode_receipt(LINE)
HEAD = BOOK.heads[-1]
HEAD_LINES = [encode_head(head) for head in BOOK.heads]


def does_core_accept(line: bytes) -> bool:
    try:
        signed, proof = decode_receipt(line)
        assert proof is not None
        check_receipt(signed, proof, HEAD, KEYS, verify_signature)
    except LedgerRefused:
        return False
    return True


def does_verifier_accept(line: bytes) -> bool:
    heads = VERIFIER.check_heads(HEAD_LINES, VERIFIER_KEYS, HEAD.head.policy.hex(), HEAD.head.contest)
    try:
        fields = VERIFIER.check_receipt(line, VERIFIER_KEYS)
        VERIFIER.check_path(fields["proof"], fields, PROOF.index, heads)
    except VERIFIER.Wrong:
        return False
    return True


def test_a_receipt_opens_its_leaf_and_leads_to_the_head() -> None:
    assert PROOF is not None
    check_receipt(SIGNED, PROOF, HEAD, KEYS, verify_signature)
    assert encode_leaf(SIGNED.receipt.leaf) == BOOK.lines[PROOF.index]
    assert encode_receipt(SIGNED, PROOF) == LINE
    assert does_core_accept(LINE)
    assert does_verifier_accept(LINE)
    assert does_verifier_accept(LINE + b"\n")  # as a file has it


def test_a_receipt_at_once_has_no_proof_yet() -> None:
    line = encode_receipt(make_receipt())
    signed, proof = decode_receipt(line)
    assert (signed, proof) == (make_receipt(), None)
    check_promise(signed, KEYS, verify_signature)
    assert "proof" not in VERIFIER.check_receipt(line, VERIFIER_KEYS)


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_is_refused(data: st.DataObject) -> None:
    line = bytearray(LINE)
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not does_core_accept(bytes(line))
    assert not does_verifier_accept(bytes(line))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entry", 8), ("entry", True), ("period", ""), ("tier", "email"), ("at", "2026-05-10T13:04:00Z"),
        ("at", "2026-05-10T12:05:00Z"), ("due", "2026-05-11T12:14:00Z"), ("salt", "00" * 32), ("voter", "00" * 32),
        ("number", "another"), ("contest", "another"), ("leaf", "{}"), ("v", 2), ("more", 1),
        ("proof", None), ("proof", {}), ("proof", {"index": 19, "size": 21}),
        ("proof", {"index": 18, "size": 21, "path": []}), ("proof", {"index": 19, "size": 20, "path": []}),
        ("proof", {"index": 19, "size": 21, "path": ["00"]}), ("proof", {"index": 19, "size": 21, "path": "00"}),
        ("proof", {"index": 19, "size": 21, "path": ["00" * 32] * 64}),
    ],
)  # fmt: skip
def test_a_changed_field_is_refused(name: str, value: object) -> None:
    fields = json.loads(LINE)
    assert fields.get(name) != value or isinstance(value, bool)
    line = json.dumps({**fields, name: value}, sort_keys=True, separators=(",", ":")).encode()
    assert not does_core_accept(line)
    assert not does_verifier_accept(line)


@pytest.mark.parametrize("name", sorted(set(json.loads(LINE)) - {"proof"}))
def test_a_missing_field_is_refused(name: str) -> None:
    fields = json.loads(LINE)
    del fields[name]
    line = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    assert not does_core_accept(line)
    assert not does_verifier_accept(line)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"null", LINE[:-1], b" " + LINE, LINE.replace(b":", b": ", 1), b"\xff"]
)
def test_other_bytes_are_no_receipt(line: bytes) -> None:
    assert not does_core_accept(line)
    assert not does_verifier_accept(line)


def test_nobody_else_gives_receipts() -> None:
    forged = sign_receipt(SIGNED.receipt, OTHER_KEY.sign)
    with pytest.raises(ReceiptRefused, match="signature"):
        check_promise(forged, KEYS, verify_signature)
    with pytest.raises(ReceiptRefused, match="not known"):
        check_promise(SIGNED, {}, verify_signature)
    assert not does_verifier_accept(encode_receipt(forged, PROOF))


def test_a_promise_can_be_shown_without_opening_the_vote() -> None:
    promise = write_promise(SIGNED.receipt)
    for secret in (SIGNED.receipt.salt.hex(), SIGNED.receipt.voter.hex()):
        assert secret.encode() not in promise
    assert verify_signature(PUBLIC, SIGNED.signature, promise)


def test_a_proof_of_another_leaf_or_head_is_refused() -> None:
    assert PROOF is not None
    other = InclusionProof(PROOF.index - 1, PROOF.size, BOOK.prove(PROOF.index - 1).path)
    with pytest.raises(ProofRefused):
        check_receipt(SIGNED, other, HEAD, KEYS, verify_signature)
    with pytest.raises(ReceiptRefused, match="another head"):
        check_receipt(SIGNED, PROOF, BOOK.heads[0], KEYS, verify_signature)
    foreign = dataclasses.replace(SIGNED.receipt, contest="another")
    with pytest.raises(ReceiptRefused, match="another contest"):
        check_receipt(sign_receipt(foreign, KEY.sign), PROOF, HEAD, KEYS, verify_signature)


@pytest.mark.parametrize("change", [{"number": ""}, {"number": "a b"}, {"key": "k"}, {"number": "n" * 33}])
def test_what_no_receipt_may_say_is_not_signed(change: dict) -> None:
    with pytest.raises(LedgerRefused):
        sign_receipt(dataclasses.replace(SIGNED.receipt, **change), KEY.sign)


def test_every_vote_of_a_book_has_a_receipt_that_holds() -> None:
    book = make_book({17: 3})
    receipts: list[tuple[int, SignedReceipt]] = [book.cast(17) for _ in range(20)]
    head = book.close_batch()
    for index, receipt in receipts:
        check_receipt(receipt, book.prove(index), head, KEYS, verify_signature)


def test_a_head_that_nobody_signed_keeps_no_promise() -> None:
    assert PROOF is not None
    forged = sign_head(HEAD.head, OTHER_KEY.sign)
    with pytest.raises(HeadRefused, match="signature"):
        check_receipt(SIGNED, PROOF, forged, KEYS, verify_signature)


def test_a_proof_that_names_another_leaf_than_it_proves_is_refused() -> None:
    assert PROOF is not None
    line = encode_receipt(SIGNED, InclusionProof(PROOF.index - 1, PROOF.size, PROOF.path))
    assert not does_core_accept(line)
    assert not does_verifier_accept(line)
