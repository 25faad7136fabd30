"""Draw the cards of ten titles into docs/screens/cards, to be looked at: scripts, lengths, and what is missing.

usage: .venv/bin/python scripts/draw_cards.py
"""

import tempfile
from pathlib import Path

from PIL import Image

from quilt.config import ROOT
from quilt.media.cards import Card, draw_card
from quilt.media.patches import build_patch
from quilt.media.pictures import patch_picture
from quilt.media.posters import PAPERS, PosterWords, draw_poster, draw_square, draw_story

TARGET = ROOT / "docs" / "screens" / "cards"
LINE = "200+ people voted · 1,000+ people reached"
TITLES = {
    "short": ("Mateo’s first steps", "Pompe research", LINE),
    "long": (("The summer our whole street learned to swim because one lifeguard would not stop asking the council "
             "to open the old pool again, and what became of the forty children who came on the first day"), "Swimming for all", LINE),
    "arabic": ("حين عاد الماء إلى قريتنا بعد 12 عاماً", "المياه النظيفة", LINE),
    "hebrew": ("הספרייה על גלגלים של סבתא מרים", "קריאה לכולם", LINE),
    "hindi": ("दादी की रसोई और पूरे मोहल्ले का खाना", "भूख के विरुद्ध", LINE),
    "japanese": ("海辺の町に図書館バスが帰ってきた日のこと", "「本」をすべての子どもに", LINE),
    "chinese-korean": ("흙길 위의 도서관 버스와 열두 명의 아이들", "图书馆巴士", LINE),
    "emoji": ("Thank you, seamstresses 🧵🪡👩🏽‍🌾❤️", "Gardens 🌻", LINE),
    "no-cause": ("A title alone", "", ""),
    "two-ways": ("קפה Amal: one table, שתי שפות, 3 cups", "مقهى السلام & friends", "50+ people reached"),
}  # fmt: skip


def main() -> None:
    """Draw each title four times, and one sheet of each kind."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quilt-cards-") as folder:
        for name, (title, cause, line) in TITLES.items():
            draw(name, Card(title, cause, line, "Quilt"), Path(folder))
    total = sum(path.stat().st_size for path in TARGET.iterdir())
    print(f"{len(list(TARGET.iterdir()))} pictures, {total / 1e6:.1f} MB, in {TARGET.relative_to(ROOT)}")


def draw(name: str, card: Card, folder: Path) -> None:
    """One title's pictures side by side, as one WebP."""
    still = None if name == "no-cause" else _make_still(card.cause, folder)
    files = [folder / f"{kind}.jpg" for kind in ("card", "square", "story")]
    for write, path in zip((draw_card, draw_square, draw_story), files, strict=True):
        write(card, path, poster=still)
    words = PosterWords("https://vote.example.org/s/k3v9w2m4?c=qr", "vote.example.org/s/k3v9w2m4")
    for paper in PAPERS:
        draw_poster(card, words, paper, folder / f"{paper}.pdf", poster=still)
    sizes = {
        path.name: path.stat().st_size for path in [*files, *(folder / f"{paper}.pdf" for paper in PAPERS)]
    }
    print(f"  {name}: " + ", ".join(f"{key} {size // 1000} kB" for key, size in sizes.items()))
    pictures = [Image.open(path).convert("RGB") for path in files] + [_read_page(folder / "a4.pdf")]
    for picture in pictures:
        picture.thumbnail((700, 620))
    sheet = Image.new("RGB", (sum(one.width for one in pictures) + 16 * (len(pictures) + 1), 652), "#d8d2c8")
    left = 16
    for picture in pictures:
        sheet.paste(picture, (left, 16))
        left += picture.width + 16
    sheet.save(TARGET / f"{name}.webp", "WEBP", quality=80, method=6)


def _make_still(cause: str, folder: Path) -> Path:
    """A quiet picture in place of a film's still."""
    fabric = build_patch(f"{cause} film").fabric
    sky = Image.linear_gradient("L").resize((1280, 720))
    still = Image.composite(
        Image.new("RGB", (1280, 720), fabric.figure), Image.new("RGB", (1280, 720), fabric.accent), sky
    )
    still.paste(patch_picture(build_patch(f"{cause} film"), 420), (430, 150))
    still.save(folder / "still.jpg", quality=90)
    return folder / "still.jpg"


def _read_page(path: Path) -> Image.Image:
    """The one JPEG inside a PDF of ours."""
    content = path.read_bytes()
    start = content.index(b"\xff\xd8\xff")
    (folder_file := path.with_suffix(".page.jpg")).write_bytes(
        content[start : content.index(b"endstream", start)]
    )
    return Image.open(folder_file).convert("RGB")


if __name__ == "__main__":
    main()
