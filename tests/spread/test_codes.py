import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.spread.codes import CODE_LENGTH, is_code, new_code


@pytest.mark.parametrize(
    ("drawn", "code"),
    [
        (bytes(8), "00000000000"),
        ((1).to_bytes(8), "00000000001"),
        ((61).to_bytes(8), "0000000000z"),
        ((62).to_bytes(8), "00000000010"),
        (b"\xff" * 8, "LygHa16AHYF"),
    ],
)
def test_the_bytes_are_spelt_in_base_62(drawn: bytes, code: str) -> None:
    assert new_code(lambda count: drawn) == code


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_different_bytes_give_different_codes(one: bytes, other: bytes) -> None:
    codes = {new_code(lambda count: one), new_code(lambda count: other)}
    assert len(codes) == len({one, other})
    assert all(is_code(code) for code in codes)


def test_a_hundred_thousand_codes_differ() -> None:
    chance = random.Random(7)
    codes = {new_code(chance.randbytes) for _ in range(100_000)}
    assert len(codes) == 100_000
    assert {len(code) for code in codes} == {CODE_LENGTH}


@pytest.mark.parametrize("drawn", [b"", bytes(7), bytes(9)])
def test_a_poor_source_of_chance_is_refused(drawn: bytes) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_code(lambda count: drawn)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0123456789",
        "0123456789ab",
        "0123456789 ",
        "0123456789\n",
        "0123456789-",
        "0123456789_",
        "0123456789é",
        "٠١٢٣٤٥٦٧٨٩٠",
        "²²²²²²²²²²²",
        "０１２３４５６７８９０",
        "'; DROP --x",
        "../../../..",
        None,
        12345678901,
        b"0123456789a",
        ["0"] * 11,
    ],
)
def test_other_shapes_are_no_codes(text: object) -> None:
    assert not is_code(text)
