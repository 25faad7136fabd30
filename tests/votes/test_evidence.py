"""What a vote tells of how it was cast: few bytes, pseudonyms only, unknown stays unknown."""

import pytest

from quilt.votes.evidence import (
    MARK_BYTES,
    NO_MARK,
    Evidence,
    Marks,
    make_marks,
    pack_evidence,
    unpack_evidence,
)

SALT, KEY = b"s" * 32, b"k" * 32


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(),
        Evidence(Marks(b"n" * 6, b"r" * 6, b"d" * 6), True, 12.5, 40.0, 31.2, 0.52, True, True, True),
        Evidence(has_played=False, dwell=0.0, form_age=0.0, has_language=False),
        Evidence(has_filled_decoy=True),
    ],
)
def test_what_goes_in_comes_out(evidence):
    packed = pack_evidence(evidence)
    assert len(packed) <= 30 and unpack_evidence(packed) == evidence


def test_long_times_are_capped_and_impossible_ones_unknown():
    told = unpack_evidence(pack_evidence(Evidence(dwell=1e9, form_age=-1.0, code_wait=float("nan"))))
    assert told.dwell == 6553.4 and told.form_age is None and told.code_wait is None


@pytest.mark.parametrize("packed", [None, b"", b"\x00" * 28, b"x" * 200, pack_evidence(Evidence())[:-1]])
def test_what_cannot_be_read_is_unknown(packed):
    assert unpack_evidence(packed) == Evidence()


@pytest.mark.parametrize(
    ("one", "other", "same_network", "same_region"),
    [
        ("203.0.113.7", "203.0.113.250", True, True),
        ("203.0.113.7", "203.0.114.7", False, True),
        ("203.0.113.7", "198.51.100.7", False, False),
        ("203.0.113.7", "::ffff:203.0.113.99", True, True),
        ("2001:db8:1:2:3::4", "2001:db8:1:2:ffff::1", True, True),
        ("2001:db8:1:2::4", "2001:db8:1:3::4", False, True),
        ("2001:db8:1:2::4", "2001:db8:2:2::4", False, False),
    ],
)
def test_networks_are_told_apart_by_their_prefix(one, other, same_network, same_region):
    first, second = make_marks(one, "x", SALT, KEY), make_marks(other, "x", SALT, KEY)
    assert (first.network == second.network) is same_network
    assert (first.region == second.region) is same_region
    assert first.device == second.device


@pytest.mark.parametrize("address", ["", "unknown", "1.2.3", "203.0.113.7.9", "::g", "a\x00b"])
def test_what_is_no_address_has_no_mark(address):
    marks = make_marks(address, "Firefox", SALT, KEY)
    assert marks.network == marks.region == NO_MARK and marks.device != NO_MARK


def test_marks_of_another_day_or_contest_do_not_compare():
    here = make_marks("203.0.113.7", "Firefox", SALT, KEY)
    assert make_marks("203.0.113.7", "Firefox", b"t" * 32, KEY).network != here.network
    elsewhere = make_marks("203.0.113.7", "Firefox", SALT, b"l" * 32)
    assert elsewhere.network != here.network and elsewhere.device != here.device
    assert all(len(mark) == MARK_BYTES for mark in here)
    assert b"\xcb\x00\x71" not in b"".join(here) and b"Fire" not in b"".join(here)
