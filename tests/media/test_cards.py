"""Cards: the right size for every network, small, and whole whatever the words are."""

import pytest
from PIL import Image

from quilt.media.cards import Card, draw_card
from quilt.media.patches import fabric_of
from quilt.media.pictures import NotAPicture

GOOD = Card("Mateo’s first steps", "Pompe research", "412 people voted · reached 1,240", "Quilt")


@pytest.fixture
def poster(tmp_path):
    path = tmp_path / "poster.jpg"
    Image.effect_noise((1280, 720), 80).convert("RGB").save(path, quality=90)
    return path


def load(path):
    with Image.open(path, formats=["JPEG"]) as picture:
        picture.load()
        return picture


def test_a_card_with_a_poster(poster, tmp_path):
    target = tmp_path / "card.jpg"
    draw_card(GOOD, target, poster=poster)
    assert load(target).size == (1200, 630)
    assert target.stat().st_size < 300_000


def test_a_portrait_poster_fills_its_place(tmp_path):
    poster, target = tmp_path / "poster.jpg", tmp_path / "card.jpg"
    Image.new("RGB", (720, 1280), "#00ff00").save(poster)
    draw_card(GOOD, target, poster=poster)
    card = load(target)
    for spot in ((3, 3), (550, 3), (3, 625), (550, 625)):
        red, green, blue = card.getpixel(spot)
        assert green > 200 and red < 60 and blue < 60


def test_a_card_without_a_poster_shows_the_patch(tmp_path):
    target = tmp_path / "card.jpg"
    draw_card(GOOD, target)
    fabric = fabric_of(GOOD.cause)
    close = [
        sum(
            near(pixel, rgb(dye))
            for pixel in load(target).crop((0, 0, 630, 630)).resize((63, 63)).get_flattened_data()
        )
        for dye in (fabric.ground, fabric.figure, fabric.accent)
    ]
    assert sum(close) > 0.8 * 63 * 63 and sum(count > 100 for count in close) >= 2


@pytest.mark.parametrize(
    "card",
    [
        Card("", "", "", ""),
        Card("A", "", "", "Q"),
        Card("word " * 60, "cause " * 40, "line " * 40, "site " * 20),
        Card("W" * 300, "W" * 300, "W" * 300, "W" * 300),
        Card("图书馆巴士", "图书馆", "412 · 1,240 · 38 · 7 · 9", "Quilt"),
        Card("<b>&amp;</b>", "Ünïcödé \u202e🧵", "1 person voted", "Quilt"),
    ],
)
def test_any_words_make_a_whole_card(card, poster, tmp_path):
    target = tmp_path / "card.jpg"
    for still in (None, poster, poster.read_bytes()):
        draw_card(card, target, poster=still)
        picture = load(target)
        assert picture.size == (1200, 630) and target.stat().st_size < 300_000
        ground = rgb(fabric_of(card.cause).ground)
        margin = picture.crop((634, 0, 1200, 14))
        assert all(near(pixel, ground) for pixel in margin.get_flattened_data()), (
            "words stay inside the stitches"
        )


def test_a_bad_poster_is_refused_and_no_card_written(tmp_path):
    with pytest.raises(NotAPicture):
        draw_card(GOOD, tmp_path / "card.jpg", poster=b"not a picture")
    assert list(tmp_path.iterdir()) == []


def test_the_words_are_really_there(tmp_path):
    """A card with words differs from the one without in the places of the words."""
    with_words, without = tmp_path / "a.jpg", tmp_path / "b.jpg"
    draw_card(GOOD, with_words)
    draw_card(Card("", GOOD.cause, "", GOOD.site_name), without)
    areas = {"title": (686, 118, 1144, 300), "line": (686, 460, 1144, 510)}
    for area in areas.values():
        ink = [
            load(path).crop(area).convert("L").point(lambda value: value < 110 and 255).getbbox()
            for path in (with_words, without)
        ]
        assert ink[0] is not None and ink[1] is None


def near(pixel, colour, distance=24):
    return all(abs(one - other) <= distance for one, other in zip(pixel, colour, strict=True))


def rgb(colour):
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))
