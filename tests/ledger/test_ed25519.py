"""The verifier's own Ed25519 against the vectors of RFC 8032, section 7.1, and against another implementation."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.books import KEY, PUBLIC, load_verifier, verify_signature

VERIFIER = load_verifier()
OURS = VERIFIER.Key(PUBLIC)
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc(public: str, message: str, signature: str) -> None:
    data = [bytes.fromhex(text) for text in (public, message, signature)]
    assert verify_signature(data[0], data[2], data[1])  # the vectors are the RFC's: the other one agrees
    assert VERIFIER.Key(data[0]).has_signed(data[1], data[2])
    assert not VERIFIER.Key(data[0]).has_signed(data[1] + b"\0", data[2])


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_what_another_implementation_signs_is_accepted(seed: bytes, message: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key = VERIFIER.Key(private.public_key().public_bytes_raw())
    assert key.has_signed(message, private.sign(message))
    assert not key.has_signed(message + b"x", private.sign(message))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=50), st.integers(0, 511), st.data())
def test_a_flipped_bit_is_refused_as_the_other_one_does(
    message: bytes, bit: int, data: st.DataObject
) -> None:
    signature = bytearray(KEY.sign(message))
    signature[bit // 8] ^= 1 << bit % 8
    assert not OURS.has_signed(message, bytes(signature))
    assert not verify_signature(PUBLIC, bytes(signature), message)


def test_a_second_spelling_of_a_signature_is_refused() -> None:
    signature = KEY.sign(b"vote")
    factor = int.from_bytes(signature[32:], "little") + VERIFIER.ORDER
    again = signature[:32] + factor.to_bytes(32, "little")
    assert not OURS.has_signed(b"vote", again)
    for wrong in (b"", signature[:63], signature + b"\0", bytes(64)):
        assert not OURS.has_signed(b"vote", wrong)


@pytest.mark.parametrize(
    "number",
    [2**255 - 19, 2**255 - 18, 2**255 - 1, 2, 1 | 1 << 255],
    ids=["p", "p+1", "all", "no root", "-0"],
)
def test_what_is_no_point_is_no_key(number: int) -> None:
    with pytest.raises(VERIFIER.Wrong):
        VERIFIER.Key(number.to_bytes(32, "little"))
