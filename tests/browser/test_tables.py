"""A table that is wider than a phone says so, and slides by the arrow keys; one that fits says nothing."""

import pytest
from jinja2 import Environment, FileSystemLoader

from quilt.config import ROOT
from tests.browser.chromium import open_page
from tests.browser.sheets import read_sheet

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><body><main><div class="wrap stack">{% from "macros/figures.html" import table %}
{{ table(("Day", "People"), [("Monday", 12)], "Narrow") }}
{{ table(("Entry", "In the list", "Taken back", "Held", "Rejected", "Counted"), [("The library bus", 1200, 30, 20, 10, 1140)], "Wide") }}
</div></main></body></html>"""


@pytest.fixture
def page(browser):
    page = open_page(browser, "http://127.0.0.1", ours=None, viewport={"width": 390, "height": 800})
    page.set_content(Environment(loader=FileSystemLoader(ROOT / "templates")).from_string(PAGE).render())
    page.add_style_tag(content=read_sheet())
    yield page
    page.context.close()


def read_hints(page):
    """Of each table: the height of its hint's line, and how far its box can slide."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".table-box")].map(box =>
            [box.querySelector(".table-hint").offsetHeight, box.scrollWidth - box.clientWidth])"""
    )


def test_the_hint_stands_where_it_is_needed(page):
    (narrow, wide) = read_hints(page)
    assert narrow == [0, 0]
    assert wide[0] >= 24 and wide[1] > 50
    page.set_viewport_size({"width": 1280, "height": 800})
    assert read_hints(page) == [[0, 0], [0, 0]]


def test_the_keyboard_slides_it_and_the_hint_stays_in_sight(page):
    box = page.get_by_role("region", name="Wide")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelectorAll('.table-box')[1].scrollLeft > 10")
    hint, frame = box.locator(".table-hint").bounding_box(), box.bounding_box()
    assert abs(hint["x"] - frame["x"]) <= 1 and abs(hint["width"] - frame["width"]) <= 1


def test_the_page_itself_never_slides(page):
    assert page.evaluate("document.documentElement.scrollWidth") == 390
