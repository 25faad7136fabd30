"""A token of a letter is whole, ours, and good for one purpose."""

import pytest

from quilt.signed_ids import make_token, read_token

PURPOSE = b"letters off"
TOKEN = make_token(7, "a secret", PURPOSE)


@pytest.mark.parametrize("number", [0, 1, 7, 2**63 - 1, 2**64 - 1])
def test_a_token_is_read_again(number):
    token = make_token(number, "a secret", PURPOSE)
    assert read_token(token, "a secret", PURPOSE) == number
    assert len(token) == 32 and token.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "token",
    [
        TOKEN[:-1],
        TOKEN[:-4],
        TOKEN + "A",
        TOKEN + "AAAA",
        TOKEN.swapcase(),
        "",
        "x",
        "ü",
        "a b",
        "=" * 32,
        "a" * 32,
        "x" * 5_000,
        make_token(7, "another", PURPOSE),
        make_token(7, "a secret", b"vote check"),
    ],
)
def test_a_token_that_is_not_ours_or_not_for_this_names_nothing(token):
    assert read_token(token, "a secret", PURPOSE) is None
