"""Posts are counted as each network counts them."""

import pytest

from quilt.shares.counting import Counting, Unit, compose, count, find_links, shorten

X = Counting(Unit.WEIGHT, 280)
BLUESKY = Counting(Unit.GRAPHEME, 300)
MASTODON = Counting(Unit.SIGN, 500)
LINKEDIN = Counting(Unit.CHARACTER, 3000, has_link=False)
THREADS = Counting(Unit.BYTES_OF_EMOJI, 500)
LINK = "https://vote.example.org/s/k3v9w2m4?c=x"


@pytest.mark.parametrize(
    ("text", "rule", "length"),
    [
        ("", X, 0),
        ("plain words", X, 11),
        ("Ünïcödé ’“”", X, 11),
        ("海辺の町", X, 8),
        ("🧵", X, 2),
        ("👩🏽‍🌾", X, 2),
        ("🇩🇪", X, 2),
        (f"see {LINK}", X, 4 + 23),
        (f"see {LINK}.", X, 4 + 23 + 1),
        ("https://a.example/1 https://b.example/2", X, 47),
        ("👩🏽‍🌾 é", BLUESKY, 3),
        (f"see {LINK}", BLUESKY, 4 + len(LINK)),
        (f"see {LINK}", MASTODON, 4 + 23),
        ("👩🏽‍🌾", MASTODON, 1),
        ("👩🏽‍🌾", LINKEDIN, 4),
        ("a🧵", THREADS, 5),
    ],
)
def test_lengths(text, rule, length):
    assert count(text, rule) == length


def test_the_link_stands_below_the_words_where_it_is_in_the_text():
    assert compose("Watch", LINK, X) == f"Watch\n\n{LINK}"
    assert compose("", LINK, X) == LINK
    assert compose("Watch", LINK, LINKEDIN) == "Watch"


@pytest.mark.parametrize("rule", [X, BLUESKY, MASTODON, THREADS])
def test_words_that_are_too_many_are_cut_at_a_word(rule):
    words = "seamstress " * 80
    short = shorten(words, LINK, rule)
    length = count(compose(short, LINK, rule), rule)
    assert rule.most - 13 < length <= rule.most and short.endswith("seamstress …")
    assert shorten("few words", LINK, rule) == "few words"
    assert shorten("x" * 600, LINK, rule) == ""


def test_links_are_found_in_bytes():
    text = f"Für 🧵: {LINK}, und (https://b.example/x)."
    raw = text.encode()
    found = find_links(text)
    assert [raw[start:end].decode() for start, end, _ in found] == [LINK, "https://b.example/x"]
    assert [address for _, _, address in found] == [LINK, "https://b.example/x"]
