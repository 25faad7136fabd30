"""Digits of an authenticator app, against the values that the RFCs print."""

import base64
from datetime import UTC, datetime

import pytest

from quilt.accounts.totp import build_uri, digits_at, find_step, make_secret

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(  # RFC 4226, appendix D
    ("step", "digits"),
    list(
        enumerate(
            [
                "755224",
                "287082",
                "359152",
                "969429",
                "338314",
                "254676",
                "287922",
                "162583",
                "399871",
                "520489",
            ]
        )
    ),
)
def test_the_values_of_rfc_4226(step: int, digits: str) -> None:
    assert digits_at(RFC_SECRET, step) == digits


@pytest.mark.parametrize(  # RFC 6238, appendix B, SHA-1: the last six of its eight digits
    ("seconds", "digits"),
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_the_values_of_rfc_6238(seconds: int, digits: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert find_step(RFC_SECRET, digits[2:], moment, 0) == seconds // 30


@pytest.mark.parametrize(
    ("aside", "is_taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_half_a_minute_off(aside: int, is_taken: bool) -> None:
    now = 1_800_000_000
    digits = digits_at(RFC_SECRET, (now + aside) // 30)
    assert (find_step(RFC_SECRET, digits, datetime.fromtimestamp(now, UTC), 0) is not None) == is_taken


def test_digits_work_once() -> None:
    now = datetime.fromtimestamp(1_800_000_000, UTC)
    digits = digits_at(RFC_SECRET, 60_000_000)
    assert find_step(RFC_SECRET, digits, now, 59_999_999) == 60_000_000
    assert find_step(RFC_SECRET, digits, now, 60_000_000) is None


@pytest.mark.parametrize("typed", ["", "75522", "7552244", "７５５２２４", "75522x"])
def test_what_is_no_digits(typed: str) -> None:
    assert find_step(RFC_SECRET, typed, datetime.fromtimestamp(30, UTC), -1) is None


def test_a_secret_has_160_bits_and_an_address_that_apps_read() -> None:
    secret = make_secret(lambda size: bytes(range(size)))
    assert len(base64.b32decode(secret)) == 20
    uri = build_uri(secret, "ana@example.org", "Quilt & friends")
    assert uri.startswith(
        f"otpauth://totp/Quilt%20%26%20friends%3Aana@example.org?secret={secret}&issuer=Quilt%20%26"
    )
