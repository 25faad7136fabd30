import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quilt.ledger.heads import (
    SignedHead,
    check_heads,
    check_next,
    check_signature,
    decode_head,
    encode_head,
    name_key,
    sign_head,
)
from quilt.ledger.refusals import HeadRefused
from tests.ledger.books import KEY, OTHER_KEY, PUBLIC, load_verifier, make_example, verify_signature

VERIFIER = load_verifier()
KEYS = {name_key(PUBLIC): PUBLIC}
BOOK, _ = make_example()
HEADS = BOOK.heads
LINES = [encode_head(head) for head in HEADS]
VERIFIER_KEYS = VERIFIER.read_public_keys(PUBLIC.hex().encode() + b"\n")


def does_core_accept(lines: list[bytes]) -> bool:
    try:
        return check_heads(map(decode_head, lines), KEYS, verify_signature) > 0
    except HeadRefused:
        return False


def does_verifier_accept(lines: list[bytes]) -> bool:
    policy = HEADS[0].head.policy.hex()
    try:
        VERIFIER.check_heads(lines, VERIFIER_KEYS, policy, HEADS[0].head.contest)
    except VERIFIER.Wrong:
        return False
    return True


def test_an_honest_chain_is_accepted() -> None:
    assert check_heads(HEADS, KEYS, verify_signature) == 3
    assert [decode_head(line) for line in LINES] == HEADS
    assert does_core_accept(LINES)
    assert does_verifier_accept(LINES)


@settings(max_examples=200)
@given(st.integers(0, 2), st.data())
def test_a_flipped_bit_is_refused(which: int, data: st.DataObject) -> None:
    line = bytearray(LINES[which])
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    lines = [*LINES[:which], bytes(line), *LINES[which + 1 :]]
    assert not does_core_accept(lines)
    assert not does_verifier_accept(lines)


@pytest.mark.parametrize(
    "order", [(1, 0, 2), (0, 2, 1), (0, 0, 1, 2), (0, 2), (1, 2), (2,), (0, 1, 2, 2), (0, 1, 2, 0), ()]
)
def test_swapped_missing_and_doubled_heads_are_refused(order: tuple[int, ...]) -> None:
    lines = [LINES[place] for place in order]
    assert not does_core_accept(lines)
    assert not does_verifier_accept(lines)


@pytest.mark.parametrize(
    "line", [b"", LINES[0][:-1], LINES[0] + b" ", LINES[0] + b"\n", b"{}", b"[]", b"\xff"]
)
def test_other_bytes_are_no_head(line: bytes) -> None:
    with pytest.raises(HeadRefused):
        decode_head(line)
    assert not does_verifier_accept([line])


@pytest.mark.parametrize(
    "change",
    [
        {"contest": "another"},
        {"size": 18},
        {"at": HEADS[1].head.at - timedelta(seconds=1)},
        {"previous": bytes(32)},
        {"policy": bytes(32)},
        {"key": "0" * 16},
    ],
)
def test_a_signed_head_that_does_not_follow_is_refused(change: dict) -> None:
    head = sign_head(dataclasses.replace(HEADS[2].head, **change), KEY.sign)
    lines = [*LINES[:2], encode_head(head)]
    assert not does_core_accept(lines)
    assert not does_verifier_accept(lines)


def test_a_first_head_names_none_before_it() -> None:
    head = dataclasses.replace(HEADS[0].head, previous=bytes(31) + b"\1")
    with pytest.raises(HeadRefused, match="first head"):
        check_next(None, head)
    assert not does_verifier_accept([encode_head(sign_head(head, KEY.sign))])


def test_another_key_does_not_sign() -> None:
    head = HEADS[0].head
    forged = sign_head(head, OTHER_KEY.sign)
    with pytest.raises(HeadRefused, match="signature"):
        check_signature(forged, KEYS, verify_signature)
    stranger = OTHER_KEY.public_key().public_bytes_raw()
    foreign = sign_head(dataclasses.replace(head, key=name_key(stranger)), OTHER_KEY.sign)
    with pytest.raises(HeadRefused, match="not known"):
        check_signature(foreign, KEYS, verify_signature)
    assert not does_verifier_accept([encode_head(forged)])
    assert not does_verifier_accept([encode_head(foreign)])
    check_signature(foreign, {**KEYS, name_key(stranger): stranger}, verify_signature)


def test_a_signature_is_of_the_head_and_not_of_a_receipt() -> None:
    head = HEADS[0].head
    assert KEY.sign(b"quilt tree head\n") != HEADS[0].signature
    bare = SignedHead(head, KEY.sign(encode_head(HEADS[0])))
    with pytest.raises(HeadRefused, match="signature"):
        check_signature(bare, KEYS, verify_signature)


@pytest.mark.parametrize(
    "change", [{"size": -1}, {"root": bytes(31)}, {"contest": "Two words"}, {"key": "short"}, {"policy": b""}]
)
def test_what_no_head_may_say_is_not_signed(change: dict) -> None:
    with pytest.raises(HeadRefused):
        sign_head(dataclasses.replace(HEADS[0].head, **change), KEY.sign)


def test_the_file_of_keys() -> None:
    other = OTHER_KEY.public_key().public_bytes_raw()
    known = VERIFIER.read_public_keys(f"{PUBLIC.hex()}\n{other.hex()}\n".encode())
    assert known.keys() == {name_key(PUBLIC), name_key(other)}
    for text in ("", "\n", PUBLIC.hex()[:-1], PUBLIC.hex().upper(), f"{PUBLIC.hex()} \n"):
        with pytest.raises(VERIFIER.Wrong):
            VERIFIER.read_public_keys(text.encode())
    with pytest.raises(ValueError, match="32 bytes"):
        name_key(b"short")
