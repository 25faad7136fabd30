"""The strongest ways come first, for this entry's own audience."""

import pytest

from quilt.shares.ranking import pick_strongest

OFFERED = ("wa", "fb", "mail", "x", "li")


@pytest.mark.parametrize(
    ("people", "first"),
    [
        ({}, ["wa", "fb"]),
        ({"mail": 4, "x": 3}, ["wa", "fb"]),
        ({"mail": 5}, ["mail", "wa"]),
        ({"li": 9, "mail": 40, "copy": 900}, ["mail", "li"]),
        ({"wa": 7, "x": 7}, ["wa", "x"]),
        ({"fb": 6}, ["fb", "wa"]),
    ],
)
def test_which_two_come_first(people, first):
    assert pick_strongest(people, OFFERED) == first
