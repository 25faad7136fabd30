"""The draw, against the worked example of RFC 3797, section 6 (which hashes with MD5)."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.ledger.draw import MAX_POOL, build_key, draw_order, is_public_value
from tests.ledger.books import load_verifier

VERIFIER = load_verifier()
RFC_KEY = b"9319./2.5.8.10.12./9.18.26.34.41.45./"
RFC_FIRST = "990dd0a5692a029a98b5e01aa28f3459"
RFC_SELECTED = [17, 7, 2, 16, 25, 23, 8, 24, 19, 13]


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def test_the_example_of_the_rfc() -> None:
    assert build_key("9319", "2.5.8.10.12", "9.18.26.34.41.45") == RFC_KEY
    assert md5(b"\0\0" + RFC_KEY + b"\0\0").hex() == RFC_FIRST
    assert draw_order(range(1, 26), RFC_KEY, md5)[:10] == RFC_SELECTED


def test_our_own_known_answer_with_sha_256() -> None:
    key = build_key("00" * 32, "4.8.15.16.23.42", "1")
    by_hand, left = [], [3, 5, 7, 11, 13]
    for number in range(5):
        digest = hashlib.sha256(bytes([0, number]) + key + bytes([0, number])).hexdigest()
        by_hand.append(left.pop(int(digest, 16) % len(left)))
    assert by_hand == [5, 13, 11, 3, 7]
    assert draw_order([3, 5, 7, 11, 13], key) == by_hand


@given(st.lists(st.integers(0, 1000), unique=True, max_size=40), st.binary(max_size=80))
def test_the_verifier_draws_the_same(pool: list[int], key: bytes) -> None:
    drawn = draw_order(pool, key)
    assert sorted(drawn) == sorted(pool)
    assert VERIFIER.draw(pool, key) == drawn


def test_each_of_five_wins_about_a_fifth() -> None:
    wins = [draw_order(range(5), str(number).encode())[0] for number in range(5000)]
    counts = [wins.count(item) for item in range(5)]
    assert all(880 < count < 1120 for count in counts)  # four standard deviations around 1,000


def test_a_pool_that_two_bytes_cannot_number_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        draw_order(range(MAX_POOL + 1), b"")


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ("2.5.8", True),
        ("a" * 256, True),
        ("", False),
        ("a" * 257, False),
        ("a/b", False),
        ("a\n", False),
        (5, False),
    ],
)
def test_which_values_may_be_drawn_by(value: object, is_right: bool) -> None:
    assert is_public_value(value) is is_right
