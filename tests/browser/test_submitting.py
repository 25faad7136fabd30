"""Entering in a real browser: the draft saves itself, the upload shows its way, a broken line keeps everything."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from quilt.database import transaction
from quilt.entries.models import Entry
from quilt.web import clock
from tests.browser.chromium import add_cookie
from tests.factories import make_contest, make_user
from tests.live import open_site, sign_cookie
from tests.media.conftest import PICTURE, QUICK_H264, SOUND, run_ffmpeg

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_site(tmp_path_factory.mktemp("submitting"), workers=1, has_worker=True) as running:
        yield running


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    assert run_ffmpeg(*PICTURE, *SOUND, *QUICK_H264, "-c:a", "aac", path) == 0
    return path


@pytest.fixture
def page(site, browser):
    """A signed-in entrant on the first step of a new draft, and a list of what the browser complained about."""
    with site.app.app_context():
        moment = clock.now()
        contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entrant = make_user(name="Mateo")
        cookie = sign_cookie(site.app, entrant.id)
        slug = contest.slug
    context = browser.new_context()
    add_cookie(context, site.url, cookie)
    tab = context.new_page()
    tab.complaints = []
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("console", lambda line: tab.complaints.append(line.text) if "Policy" in line.text else None)
    tab.goto(f"{site.url}/submit")
    tab.locator("article", has=tab.locator(f"a[href$='{slug}']")).get_by_role("button").first.click()
    yield tab
    assert tab.complaints == []
    context.close()


def entry_address(page):
    return page.url.split("?")[0]


def test_every_letter_is_kept_and_a_broken_line_is_told(page):
    page.fill("#title", "Mateo’s first steps")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    page.context.set_offline(True)
    page.fill("#cause", "Pompe")
    expect(page.locator("[data-trouble]")).to_contain_text("Your text is still here")
    page.context.set_offline(False)
    expect(page.locator("[data-saved]")).to_contain_text("Saved", timeout=10_000)
    page.goto(entry_address(page) + "?step=cause")
    assert (page.input_value("#title"), page.input_value("#cause")) == ("Mateo’s first steps", "Pompe")


def test_what_was_typed_before_the_script_came_is_kept_too(page):
    held = []
    page.route("**/submit*.js*", lambda route: held.append(route))
    page.goto(page.url, wait_until="commit")
    page.fill("#title", "On a slow line")
    page.wait_for_timeout(200)
    held[0].continue_()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")


def test_a_second_tab_is_told_and_loses_nothing(page):
    other = page.context.new_page()
    other.goto(page.url)
    page.fill("#title", "First tab")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    other.fill("#title", "Second tab")
    expect(other.locator("[data-trouble]")).to_contain_text("changed in another tab")
    other.get_by_role("button", name="Save and continue").click()
    expect(other.locator("main")).to_contain_text("First tab")
    assert other.input_value("#title") == "Second tab"


def test_an_upload_from_a_broken_line_to_a_film_that_plays(page, film, tmp_path):
    address = entry_address(page)
    page.goto(f"{address}?step=video")
    poison = tmp_path / "poison.mp4"
    poison.write_text("#EXTM3U\n/etc/passwd\n")
    page.set_input_files("#file", poison)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not a film.")
    page.context.set_offline(True)
    page.set_input_files("#file", film)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Your draft is kept")
    page.context.set_offline(False)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("[data-video] video")).to_be_visible(timeout=60_000)
    page.goto(f"{address}?step=preview")
    expect(page.locator("[data-use-moment]")).to_be_visible()


def test_a_large_upload_to_what_is_closed_is_told_why(site, page, tmp_path):
    """The answer comes while the film is still on its way, and is read all the same."""
    address = entry_address(page)
    page.goto(f"{address}?step=video")
    with site.app.app_context(), transaction() as session:
        session.get_one(Entry, int(address.rpartition("/")[2])).state = "withdrawn"
    large = tmp_path / "large.mp4"
    with open(large, "wb") as file:
        file.truncate(48 * 1024 * 1024)
    page.set_input_files("#file", large)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("its video cannot be changed now", timeout=20_000)


@pytest.mark.parametrize("step", ["cause", "video", "story", "rights", "preview"])
def test_no_step_shuts_anybody_out(page, step):
    page.goto(f"{entry_address(page)}?step={step}")
    page.get_by_role("main").get_by_role("button").first.focus()
    found = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in found] == []
