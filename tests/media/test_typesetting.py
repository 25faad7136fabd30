"""Words on pictures: every script in its own typeface, in its own direction, inside its box."""

import pytest
from PIL import Image, ImageDraw, features

from quilt.media.typesetting import Letters, drawable, fit_text, list_runs, write_line


def test_this_machine_can_shape():
    assert features.check("raqm"), "install libfribidi0: without it cards leave out what needs shaping"


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Mateo’s first steps", "Mateo’s first steps"),
        ("  two\n words ", "two words"),
        ("Žluťoučký kůň, Ελλάδα, Привет", "Žluťoučký kůň, Ελλάδα, Привет"),
        ("Thank you 🧵🪡", "Thank you 🧵🪡"),
        ("图书馆巴士 도서관 図書館", "图书馆巴士 도서관 図書館"),
        ("حين عاد الماء", "حين عاد الماء"),
        ("דוב שמח", "דוב שמח"),
        ("दादी की रसोई", "दादी की रसोई"),
        ("ᚠᚢᚦᚨᚱᚲ", ""),  # runes: no typeface of ours has them
        ("", ""),
        ("safe\u202eword", "safeword"),
    ],
)
def test_what_the_typeface_has_is_drawn_and_boxes_are_not(text, drawn):
    assert drawable(text, "serif") == drawn


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "several words of a middling length here",
        "word " * 200,
        "x" * 500,
        "a " * 300,
        "Ünïcödé " * 30,
        "海辺の町に図書館バスが帰ってきた日のこと。" * 9,
        "حين عاد الماء إلى قريتنا " * 20,
        "👩🏽‍🌾" * 90,
    ],
)
def test_words_stay_inside_their_box(text):
    letters, lines = fit_text(text, "serif", width=300, height=200, sizes=(60, 40, 20))
    assert lines and len(lines) * letters.size * 1.18 <= 200
    assert all(letters.getlength(line) <= 300 for line in lines)
    whole = "".join(lines).replace(" ", "")
    assert whole == text.replace(" ", "") or lines[-1].endswith("…")


def test_short_words_are_large_and_nothing_is_no_line():
    assert fit_text("short", "serif", width=300, height=200, sizes=(60, 40, 20))[0].size == 60
    assert fit_text("", "serif", width=300, height=200, sizes=(60, 40))[1] == []


@pytest.mark.parametrize(
    ("text", "typefaces"),
    [
        ("Mateo’s first steps", ["SourceSerifPro"]),
        ("حين 12 عاد", ["NotoSansArabic"]),
        ("הספרייה!", ["NotoSansHebrew"]),
        ("दादी", ["NotoSansDevanagari"]),
        ("図書館バス", ["NotoSansJP"]),
        ("图书馆", ["NotoSansSC"]),
        ("도서관", ["NotoSansKR"]),
        ("Hi 🧵", ["SourceSerifPro", "NotoEmoji"]),
    ],
)
def test_each_script_in_its_typeface(text, typefaces):
    runs = list_runs(text, "serif")
    assert [next(name for name in typefaces if name in run.file) for run in runs] == typefaces


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("one two", ["one two"]),
        ("קפה Amal: one", ["Amal: one", "קפה "]),
        ("Amal קפה, one", ["Amal ", "קפה", ", ", "one"]),
        ("שתי שפות, 3 cups", ["cups", "שתי שפות, 3 "]),
    ],
)
def test_the_runs_of_two_directions_stand_in_reading_order(text, seen):
    assert [run.text for run in list_runs(text, "sans")] == seen


def test_a_line_s_beginning_may_be_said_by_the_whole_text():
    assert [run.text for run in list_runs("table, שתי", "sans", "rtl")] == ["שתי", ", ", "table"]


def test_joined_letters_are_narrower_than_their_signs_alone():
    """Arabic letters are joined: shaping, and not a row of single signs."""
    word = "قريتنا"
    letters = Letters("sans", 60)
    assert letters.getlength(word) < 0.9 * sum(letters.getlength(sign) for sign in word)


@pytest.mark.parametrize("text", ["Mateo’s", "حين عاد", "図書館", "Hi 🧵"])
def test_ink_is_where_the_anchor_says(text):
    letters = Letters("serif", 40)
    boxes = {}
    for anchor, x in (("la", 20), ("ra", 380)):
        picture = Image.new("L", (400, 100))
        write_line(ImageDraw.Draw(picture), (x, 20), text, letters, "#ffffff", anchor)
        boxes[anchor] = picture.getbbox()
    assert 12 <= boxes["la"][0] <= 30 and 370 <= boxes["ra"][2] <= 388
    assert 10 <= boxes["la"][1] and boxes["la"][3] < 100
