"""The share kit's pictures: their sizes on the screen and on paper, and a code that leads where it says."""

import io
import re

import pytest
from PIL import Image

from quilt.media.cards import Card
from quilt.media.posters import PAPERS, PosterWords, draw_poster, draw_square, draw_story

GOOD = Card("Mateo’s first steps", "Pompe research", "400+ people voted · 1,000+ people reached", "Quilt")
WORDS = PosterWords("https://vote.example.org/s/k3v9w2m4?c=qr", "vote.example.org/s/k3v9w2m4")
CARDS = [
    GOOD,
    Card("", "", "", ""),
    Card("word " * 60, "cause " * 40, "line " * 40, "site " * 20),
    Card("W" * 300, "W" * 300, "W" * 300, "W" * 300),
    Card("حين عاد الماء إلى قريتنا بعد 12 عاماً", "図書館", "", "Quilt"),
]


@pytest.fixture
def still(tmp_path):
    path = tmp_path / "still.jpg"
    Image.effect_noise((1280, 720), 60).convert("RGB").save(path, quality=90)
    return path


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(("draw", "size"), [(draw_square, (1080, 1080)), (draw_story, (1080, 1920))])
def test_pictures_for_the_networks(card, draw, size, still, tmp_path):
    target = tmp_path / "picture.jpg"
    for poster in (None, still):
        draw(card, target, poster=poster)
        with Image.open(target, formats=["JPEG"]) as picture:
            assert picture.size == size
        assert target.stat().st_size < 300_000


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(("paper", "inches"), [("a4", (8.27, 11.69)), ("letter", (8.5, 11.0))])
def test_a_poster_has_the_size_of_its_paper(card, paper, inches, still, tmp_path):
    target = tmp_path / "poster.pdf"
    draw_poster(card, WORDS, paper, target, poster=still)
    content = target.read_bytes()
    assert content.startswith(b"%PDF") and len(content) < 300_000
    box = re.search(rb"/MediaBox \[ ?0 0 ([0-9.]+) ([0-9.]+) ?\]", content)
    points = tuple(float(side) / 72 for side in box.groups())
    assert points == pytest.approx(inches, abs=0.01)
    assert len(re.findall(rb"/Type /Page\b", content)) == 1


def test_an_upright_film_gets_more_of_the_story(tmp_path):
    upright = tmp_path / "upright.jpg"
    Image.new("RGB", (720, 1280), "#00ff00").save(upright)
    target = tmp_path / "story.jpg"
    draw_story(GOOD, target, poster=upright)
    with Image.open(target) as picture:
        red, green, _ = picture.getpixel((20, 1020))
    assert green > 200 and red < 60


def test_the_code_has_a_square_s_dark_corners(still, tmp_path):
    """The three finder patterns of a QR code, 7 modules wide, stand in the poster's lower right."""
    target = tmp_path / "poster.pdf"
    draw_poster(GOOD, WORDS, "a4", target, poster=still)
    content = target.read_bytes()
    start = content.index(b"\xff\xd8\xff")
    page = Image.open(io.BytesIO(content[start : content.index(b"endstream", start)])).convert("L")
    width, height = PAPERS["a4"]
    code = page.crop((width - 84 - 360, height - 84 - 360, width - 84, height - 84))
    dark = code.point(lambda value: 255 if value < 90 else 0)
    left, top, right, bottom = dark.getbbox()
    for x, y in ((left, top), (right - 6, top), (left, bottom - 6)):
        assert dark.getpixel((x + 3, y + 3)) == 255
    assert dark.getpixel((right - 4, bottom - 4)) in (0, 255) and right - left == bottom - top
