"""The generator and the brand's desk in a real browser."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.chromium import add_cookie, make_agent
from tests.browser.hosts import open_host
from tests.embeds.brands import make_organisation, make_placement, make_site
from tests.factories import make_contest, make_entry, make_user
from tests.live import sign_cookie

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(site):
    """The desk's paths, and the cookie of its owner."""
    with site.app.app_context():
        today = datetime.now(UTC)
        contest = make_contest("spring", opens=today - timedelta(days=1), closes=today + timedelta(days=2))
        entry = make_entry(contest, title="The library bus")
        owner = make_user("olga@example.org", name="Olga")
        brand = make_organisation(owner)
        own_site = make_site(brand, verified_at=None)
        placement = make_placement(brand, entry)
        paths = ["/brand", "", f"/sites/{own_site.id}", f"/embeds/{placement.id}", "/report"]
        paths = [path if path == "/brand" else f"/brand/{brand.id}{path}" for path in paths]
        return [*paths, "/brand/embeds/new", "/brand/embeds/new?accent=ffff00"], sign_cookie(
            site.app, owner.id
        )


@pytest.fixture
def page(browser, site, desk):
    context = browser.new_context(user_agent=make_agent(3), viewport={"width": 390, "height": 800})
    add_cookie(context, site.url, desk[1])
    yield context.new_page()
    context.close()


def test_axe_finds_nothing_and_nothing_is_too_wide(page, site, desk):
    wide, looked_at = [], 0
    for path in desk[0]:
        page.goto(site.url + path)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{path}: {results.generate_report()}"
        looked_at += 1
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert looked_at == 7 and wide == []


def test_the_preview_and_the_snippets_follow_what_is_chosen(page, site):
    page.goto(site.url + "/brand/embeds/new")
    page.get_by_text("How it looks").click()
    page.get_by_label("Light or dark").select_option("dark")
    page.locator("[data-preview][src*='theme=dark']").wait_for()
    expect(page.locator("#code-html")).to_have_value(re.compile('theme="dark"'))
    page.get_by_label("Colour of the button").fill("#222222")
    page.get_by_text("has a contrast of").wait_for()
    page.get_by_label("What").select_option("countdown")
    expect(page.locator("#code-html")).to_have_value(re.compile("<quilt-countdown"))
    assert (
        page.get_by_label("Which contest").is_visible() and not page.get_by_label("Which story").is_visible()
    )


def test_a_stranger_follows_the_page_to_a_working_embed(browser, site, desk):
    with open_host("127.0.0.2", "127.0.0.2") as host:
        context = browser.new_context(user_agent=make_agent(4))
        page = context.new_page()
        page.goto(site.url + "/brand/embeds/new")
        snippet = page.locator("#code-html").input_value()
        page.goto(host.put("/mine", snippet))
        page.frame_locator("quilt-entry iframe").get_by_text("Watch and vote").wait_for()
        assert not page.get_by_role("link", name="The library bus", exact=True).is_visible()
