"""The widget where things go wrong or are unusual: slow and dying servers, other directions, large letters, pages that
change under it; and a vote that came through it."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from quilt.arrivals.models import Arrival
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.mail import MailMessage
from quilt.votes.models import Vote
from tests.browser.chromium import make_agent, open_chromium, wait_until
from tests.browser.hosts import open_host
from tests.browser.proxies import open_proxy
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, save

pytestmark = pytest.mark.browser
CODE = "Embed000009"
NAME = "blog.example"  # a name of its own, as the hosts file would have it
NO_SCROLL = "() => { const e = document.documentElement; return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]; }"
TITLE = "The library bus that comes on Fridays"
numbers = itertools.count(3_000)


@pytest.fixture(scope="module")
def named_browser(chromium):
    """It blocks third-party cookies, and knows a name for this machine."""
    with open_chromium(
        "--test-third-party-cookie-phaseout", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def host():
    with open_host("127.0.0.1", NAME) as host:
        yield host


@pytest.fixture(scope="module")
def entry_id(site):
    with site.app.app_context():
        today = datetime.now(UTC)
        contest = make_contest("spring", opens=today - timedelta(days=1), closes=today + timedelta(days=1))
        entry = make_entry(contest, title=TITLE, cause="Reading aloud")
        save(Embed(entry_id=entry.id, code=CODE, created_at=NOW))
        return entry.id


@pytest.fixture
def proxy(site):
    with open_proxy(site.url) as proxy:
        yield proxy


@pytest.fixture
def person(named_browser):
    context = named_browser.new_context(
        user_agent=make_agent(next(numbers)), viewport={"width": 700, "height": 900}
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


def open_page(person, address):
    """A page of somebody's browser; its `said` is what the console was told by us, its `errors` what broke."""
    page = person.new_page()
    page.said, page.errors = [], []
    page.on("console", lambda told: told.text.startswith("Quilt:") and page.said.append(told.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(address, wait_until="commit")  # a frame that is slow is part of the page's own load
    return page


def snippet(origin, entry_id, attributes=""):
    return f'<script async src="{origin}/widget/v1.js"></script><quilt-entry entry="{entry_id}" via="{CODE}" {attributes}></quilt-entry>'


def frame_of(page):
    page.locator("quilt-entry iframe").wait_for(state="attached")
    wait_until(page, lambda: any("/embed/" in frame.url for frame in page.frames))
    frame = next(frame for frame in page.frames if "/embed/" in frame.url)
    frame.wait_for_selector("[data-embed]")
    return frame


def fits(page, frame):
    """Whether the frame has become as high as its content, and nothing in it scrolls."""
    wait_until(page, lambda: frame.evaluate(NO_SCROLL) == [0, 0], 8)
    box, content = (
        page.locator("quilt-entry iframe").bounding_box(),
        frame.locator("[data-embed]").bounding_box(),
    )
    return 0 <= box["height"] - content["height"] < 1.5


def test_a_slow_server_shows_in_the_end(person, host, proxy, entry_id):
    """It takes longer than one would like and not as long as the script's patience: no message, then the story."""
    proxy.delay = 4.0
    page = open_page(person, host.put("/slow", snippet(proxy.url, entry_id)))
    page.wait_for_timeout(2_500)
    assert page.get_by_text("This does not show here.").count() == 0
    assert frame_of(page).get_by_text("Watch and vote").is_visible()
    assert page.said == [] and page.errors == []


def test_one_that_is_slower_than_our_patience_takes_the_message_s_place(person, host, proxy, entry_id):
    proxy.delay = 11.5
    page = open_page(person, host.put("/slower", snippet(proxy.url, entry_id)))
    page.get_by_text("This does not show here.").wait_for()
    frame_of(page).get_by_text("Watch and vote").wait_for()
    expect(page.get_by_text("This does not show here.")).to_have_count(0)
    assert page.locator("quilt-entry iframe").bounding_box()["height"] > 100


@pytest.mark.parametrize("where", ["/embed/", "/widget/frame.js"])
def test_a_server_that_dies_in_the_midst_of_it_leaves_a_message(person, host, site, entry_id, where):
    with open_proxy(site.url, where) as proxy:
        proxy.cut = 300
        page = open_page(person, host.put("/dying", snippet(proxy.url, entry_id)))
        link = page.get_by_role("link", name="Watch it and vote on its own page")
        link.wait_for()
        assert link.get_attribute("href") == f"{proxy.url}/s/{CODE}?c=embed"
        wait_until(page, lambda: page.said)
        assert len(page.said) == 1 and any(path.startswith(where) for path in proxy.asked)
        assert not page.locator("quilt-entry iframe").is_visible()


def test_a_server_that_dies_before_the_frame_leaves_a_message(person, host, site, entry_id):
    """The frame is below the fold: it is asked for when somebody comes there, and nobody answers any more."""
    with open_proxy(site.url) as proxy:
        page = open_page(
            person, host.put("/below", f"<div style='height: 9000px'></div>{snippet(proxy.url, entry_id)}")
        )
        page.wait_for_function("window.Quilt")
        assert not [path for path in proxy.asked if path.startswith("/embed/")]
    page.locator("quilt-entry").scroll_into_view_if_needed()
    page.get_by_role("link", name="Watch it and vote on its own page").wait_for()
    wait_until(page, lambda: page.said)


def test_what_a_page_loads_with_it(person, host, site, entry_id):
    """One request before the frame's own, and forty kilobytes as they travel, headers too."""
    page = person.new_page()
    asked, weights = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "requestfinished",
        lambda request: request.url.startswith(site.url) and weights.append(request.sizes()),
    )
    page.goto(host.put("/light", snippet(site.url, entry_id)))
    frame_of(page)
    page.wait_for_load_state("networkidle")
    ours = [url for url in asked if url.startswith(site.url)]
    assert "/embed/" in ours[1] and len(ours) == len(weights) >= 4
    assert all(url.startswith((site.url, host.url)) for url in asked)
    weight = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in weights)
    assert 5_000 < weight < 40_000


@pytest.mark.parametrize("lang", ["ar", "en"])
def test_a_page_from_right_to_left(person, host, site, entry_id, lang):
    page = open_page(
        person, host.put("/rtl", f"<div dir=rtl lang=ar>{snippet(site.url, entry_id, f'lang={lang}')}</div>")
    )
    frame = frame_of(page)
    assert frame.evaluate("getComputedStyle(document.querySelector('[data-embed]')).direction") == (
        "rtl" if lang == "ar" else "ltr"
    )
    assert fits(page, frame)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture, words = (frame.locator(name).bounding_box() for name in (".embed-picture", ".embed-words"))
    assert (picture["x"] > words["x"]) is (lang == "ar"), "the picture stands where reading begins"


def test_zoomed_to_twice_its_size(named_browser, host, site, entry_id):
    """Zoom 200 % on a screen of 1280: half the pixels of CSS, twice those of the screen. Then letters twice as large."""
    context = named_browser.new_context(
        user_agent=make_agent(next(numbers)), viewport={"width": 640, "height": 450}, device_scale_factor=2
    )
    page = open_page(context, host.put("/zoom", snippet(site.url, entry_id)))
    frame = frame_of(page)
    assert fits(page, frame)
    before = page.locator("quilt-entry iframe").bounding_box()["height"]
    frame.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    wait_until(page, lambda: page.locator("quilt-entry iframe").bounding_box()["height"] > before * 1.2)
    assert fits(page, frame)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button = frame.get_by_role("link", name=re.compile("Watch and vote"))
    box, window = button.bounding_box(), page.locator("quilt-entry iframe").bounding_box()
    assert window["x"] <= box["x"] and box["x"] + box["width"] <= window["x"] + window["width"]
    context.close()


def test_a_page_that_changes_under_it(person, host, proxy, entry_id):
    """A single-page app takes the place away while the frame is on its way, and puts another there."""
    proxy.delay = 1.5
    page = open_page(person, host.put("/app", f"<main>{snippet(proxy.url, entry_id)}</main>"))
    page.locator("quilt-entry iframe").wait_for(state="attached")
    page.evaluate(
        """window.heard = [];
        for (const name of ["ready", "failed", "count"]) addEventListener("quilt:" + name, () => heard.push(name));
        history.pushState({}, "", "/app/two");
        document.querySelector("main").innerHTML = "<h1>Another view</h1>";"""
    )
    page.wait_for_timeout(2_500)
    assert page.evaluate("[Quilt.scan(), document.querySelectorAll('iframe').length, heard]") == [0, 0, []]
    assert page.get_by_text("This does not show here.").count() == 0 and page.errors == [] and page.said == []
    page.evaluate(
        "id => { document.querySelector('main').innerHTML = `<quilt-entry entry='${id}'></quilt-entry>`; }",
        str(entry_id),
    )
    assert frame_of(page).get_by_text("Watch and vote").is_visible()
    page.evaluate("document.body.prepend(document.querySelector('quilt-entry'))")  # moved: built anew, once
    assert frame_of(page).get_by_text("Watch and vote").is_visible()
    assert page.evaluate(
        "[Quilt.scan(), document.querySelector('quilt-entry').shadowRoot.querySelectorAll('iframe').length]"
    ) == [1, 1]


def test_a_vote_that_came_through_it_counts_once_and_for_it(person, host, site, entry_id):
    page = open_page(person, host.put("/votes", snippet(site.url, entry_id)))
    with person.expect_page() as opened:
        frame_of(page).get_by_text("Watch and vote").click()
    ours = opened.value
    ours.wait_for_selector("html[data-counted]")
    give_vote(ours, site)
    expect(ours.get_by_role("heading", name="Your vote is sewn in")).to_be_visible()
    person.clear_cookies()  # the same person comes again, as if never seen
    ours.goto(f"{site.url}/s/{CODE}?c=embed")
    ours.wait_for_selector("html[data-counted]")
    give_vote(ours, site)
    expect(ours.get_by_role("heading", name="You have voted")).to_be_visible()
    with site.app.app_context():
        vote = db.session.query(Vote).one()
        arrival = db.session.get(Arrival, vote.arrival_id)
        embed = db.session.query(Embed).filter_by(code=CODE).one()
        assert (arrival.channel, arrival.embed_id, arrival.parent_id) == ("embed", embed.id, None)


def give_vote(page, site):
    """An address, the code from the letter, two presses."""
    page.get_by_label("Your e-mail address").fill("eva@example.org")
    page.get_by_role("button", name="Vote for this story").click()
    field = page.get_by_label("The code from the mail")
    field.wait_for()
    with site.app.app_context():
        text = db.session.query(MailMessage).order_by(MailMessage.id.desc()).first().text
        db.session.rollback()
    field.fill(re.search(r"\b\d{4} ?\d{4}\b", text)[0])
    page.get_by_role("button", name="Confirm my vote").click()
