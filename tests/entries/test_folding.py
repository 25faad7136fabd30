"""Folded text: the same letters for whoever types them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.entries.folding import MOST_WORDS, fold_text, fold_words


@pytest.mark.parametrize(
    "text, folded",
    [
        ("Mateo's first steps", "mateos first steps"),
        ("Mateo’s first—steps!", "mateos first steps"),
        ("Cafe\u0301", "cafe"),
        ("Café", "cafe"),
        ("İstanbul", "istanbul"),
        ("ıstanbul", "istanbul"),
        ("ISTANBUL", "istanbul"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("\uff11\uff12\uff13 \uff28\uff4f\uff50\uff45", "123 hope"),
        ("р\u043emре", "pompe"),  # Cyrillic er, o, er, ie
        ("ﬁnd", "find"),
        ("\u200bhi\u00a0there\x00", "hi there"),
        ("%_\\", ""),
        ("🎗", ""),
        ("हिन्दी", fold_text("हिन्दी")),
    ],
)
def test_folding(text, folded):
    assert fold_text(text) == folded


@pytest.mark.parametrize(
    "spelling",
    ["istanbul", "İstanbul", "ISTANBUL", "Istanbul", "ıstanbul", "ｉｓｔａｎｂｕｌ", "I\u0307stanbul"],
)
def test_spellings_of_a_city(spelling):
    assert fold_text(spelling) == "istanbul"


def test_words_of_other_scripts_stay_whole():
    assert len(fold_words("हिन्दी भाषा")) == 2
    assert fold_words("日本 東京") == ["日本", "東京"]


def test_at_most_eight_words_each_once():
    assert fold_words("one two one") == ["one", "two"]
    assert len(fold_words(" ".join(map(str, range(99))))) == MOST_WORDS


@given(st.text())
def test_folding_is_done_after_once(text):
    folded = fold_text(text)
    assert fold_text(folded) == folded
    assert folded == " ".join(folded.split())
