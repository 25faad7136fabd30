"""The share kit: opened once, with a link of its own for each use."""

import secrets

import pytest

from quilt.shares.kit import MOST_WORDS, USES, WordsTooLong, find_kit, find_words, open_kit, save_words
from quilt.shares.links import MOST_LINKS, create_link, list_links
from tests.conftest import NOW
from tests.factories import make_entry

CHANCE = {"now": NOW, "entropy": secrets.token_bytes}


def test_it_is_opened_once(app):
    entry = make_entry()
    assert find_kit(entry.id) is None
    for _ in range(2):
        open_kit(entry.id, **CHANCE)
    kit = find_kit(entry.id)
    assert set(kit.codes) == {use.key for use in USES} and len(set(kit.codes.values())) == len(USES)
    assert len(list_links(entry.id)) == len(USES) + 1


def test_a_link_that_is_there_is_used(app):
    entry = make_entry()
    code = create_link(entry.id, "Poster", **CHANCE)
    open_kit(entry.id, **CHANCE)
    assert find_kit(entry.id).codes["poster"] == code


def test_without_room_for_more_links_the_kit_is_there_all_the_same(app):
    entry = make_entry()
    for number in range(MOST_LINKS):
        create_link(entry.id, f"Place {number}", **CHANCE)
    open_kit(entry.id, **CHANCE)
    assert find_kit(entry.id).codes == {}


def test_words(app):
    entry = make_entry()
    assert find_words(entry.id, "Mateo") == "Mateo: watch it, and give it your vote."
    open_kit(entry.id, **CHANCE)
    assert save_words(entry.id, "  Help\n us ") == "Help us"
    assert find_words(entry.id, "Mateo") == "Help us" == find_kit(entry.id).words
    save_words(entry.id, "")
    assert find_words(entry.id, "Mateo").startswith("Mateo:")
    with pytest.raises(WordsTooLong):
        save_words(entry.id, "x" * (MOST_WORDS + 1))
