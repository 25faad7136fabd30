"""The quilt has no hole at any width, and a patch tells its name where nothing can hover."""

import pytest
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from quilt.config import ROOT
from tests.browser.chromium import open_page
from tests.browser.sheets import read_sheet

pytestmark = pytest.mark.browser

COUNTS = range(1, 61)
WIDTHS = (320, 390, 700, 768, 1024, 1280, 1920)
PATCH = Markup('<svg class="patch" viewBox="0 0 60 60"><rect width="60" height="60"/></svg>')
TITLES = (
    "Salt",
    "Where the creek went",
    "My grandmother’s hands remember every song",
    "Entschuldigungsschreibenwettbewerb",
)

# What of the rectangle of each quilt lies under no patch, in pixels: seams are one pixel wide.
FIND_HOLES = """() => [...document.querySelectorAll(".quilt-top")].map(top => {
  const whole = top.getBoundingClientRect(), rows = new Map();
  for (const patch of top.children) {
    const box = patch.getBoundingClientRect(), at = Math.round(box.top);
    rows.set(at, [...(rows.get(at) ?? []), box]);
  }
  const holes = [];
  let y = whole.top;
  for (const [at, boxes] of [...rows].sort((one, other) => one[0] - other[0])) {
    holes.push(Math.min(...boxes.map(box => box.top)) - y);
    let x = whole.left;
    for (const box of boxes) { holes.push(box.left - x); x = box.right; }
    holes.push(whole.right - x);
    y = Math.min(...boxes.map(box => box.bottom));
    holes.push(Math.max(...boxes.map(box => box.bottom)) - y);
  }
  holes.push(whole.bottom - y);
  return Math.max(...holes.map(Math.abs));
})"""
# Of each name: its size in pixels, whether it stands inside its patch below the fabric, and whether all of it can be read.
READ_NAMES = """() => [...document.querySelectorAll("li:has(.quilt-name)")].map(patch => {
  const name = patch.querySelector(".quilt-name"), style = getComputedStyle(name), letters = document.createRange();
  letters.selectNodeContents(name.firstChild);
  const [box, own, cloth, text] = [name, patch, patch.querySelector(".patch-cloth"), letters].map(part => part.getBoundingClientRect());
  const isInside = box.left >= own.left && box.right <= own.right && box.bottom <= own.bottom && box.top >= cloth.bottom - 1;
  const fits = text.left >= box.left - 1 && text.right <= box.right + 1 && text.bottom <= box.bottom + 1;
  return [parseFloat(style.fontSize), isInside && style.opacity === "1" && text.height > 10, fits];
})"""


@pytest.fixture(scope="module")
def quilts():
    """A page of quilts, of one patch to sixty, with an invitation and without."""
    macros = Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    macro = macros.get_template("macros/patches.html").module.quilt
    parts = [
        macro(make_cards(count), f"{count}", invite_url=url) for count in COUNTS for url in ("/submit", None)
    ]
    return f'<meta name="viewport" content="width=device-width"><body lang="en"><main><div class="wrap">{"".join(parts)}</div></main></body>'


@pytest.fixture
def open_quilts(browser, quilts):
    """Opens the page of quilts on a screen of this width, at once: names that float would take their time to stand."""
    opened = []

    def open_at(width, **options):
        page = open_page(
            browser, "http://127.0.0.1", ours=None, viewport={"width": width, "height": 900}, **options
        )
        opened.append(page)
        page.set_content(f"<!doctype html><style>{read_sheet()}</style>{quilts}")
        return page

    yield open_at
    for page in opened:
        page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_quilt_has_a_hole(open_quilts, width):
    page = open_quilts(width)
    holes = page.evaluate(FIND_HOLES)
    assert len(holes) == 2 * len(COUNTS)
    assert max(holes) <= 1.5
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
def test_a_patch_that_is_missing_is_found(open_quilts, width):
    page = open_quilts(width)
    page.add_style_tag(
        content="[aria-label='16'] li:last-child { flex-grow: 0; } [aria-label='20'] li:nth-child(5) { visibility: hidden; position: absolute; }"
    )
    assert sum(hole > 1.5 for hole in page.evaluate(FIND_HOLES)) >= 2


@pytest.mark.parametrize("width", [320, 390, 700])
def test_a_phone_shows_the_names(open_quilts, width):
    check_names(open_quilts(width))


def test_a_tablet_shows_them_too(open_quilts):
    check_names(open_quilts(820, has_touch=True, is_mobile=True))


def test_a_mouse_over_a_narrow_window_moves_no_name(open_quilts):
    page = open_quilts(390)
    patch = page.locator("[aria-label='5'] li").first
    patch.scroll_into_view_if_needed()
    before = patch.locator(".quilt-name").bounding_box()
    patch.hover()
    page.wait_for_timeout(200)  # longer than a name that floats takes to come
    assert patch.locator(".quilt-name").bounding_box() == before


def check_names(page):
    names = page.evaluate(READ_NAMES)
    assert len(names) == 2 * sum(COUNTS)
    assert min(size for size, _, _ in names) >= 13
    assert all(is_seen for _, is_seen, _ in names) and all(fits for _, _, fits in names)


def make_cards(count):
    return [
        {
            "url": f"/entries/{number}",
            "title": TITLES[number % len(TITLES)],
            "cause": "Rivers",
            "patch_svg": PATCH,
            "spread_step": number % 10,
        }
        for number in range(count)
    ]
