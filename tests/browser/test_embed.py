"""The widget on another site, in a real browser that blocks third-party cookies."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from quilt.arrivals.models import Arrival
from quilt.database import db
from quilt.embeds.models import Embed
from tests.browser.chromium import hurry_until_seen, make_agent, wait_until
from tests.browser.hosts import open_host
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, save

pytestmark = pytest.mark.browser
CODE = "Embed000001"
WIDTHS = (320, 390, 700)
LONG_TITLE = "The library bus that comes on Fridays, " * 3
NO_SCROLL = "() => { const e = document.documentElement; return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]; }"
HOSTILE = "<style>* { all: unset } iframe { width: 40px !important; height: 9px !important } p, a { display: none !important }</style>"
NO_HEIGHTS = [
    {"type": "quilt:height", "height": "77px"}, {"type": "quilt:height", "height": -1}, {"type": "quilt:height"},
    {"height": 77}, 77, None, "quilt:height", ["quilt:height", 77], {"type": "vote"},
    {"type": "x", "__proto__": {"type": "quilt:height", "height": 77}}, {"type": "quilt:height" * 100_000, "height": 77},
]  # fmt: skip
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def entry_id(site):
    """A published entry, open to votes, with an embed."""
    with site.app.app_context():
        today = datetime.now(UTC)
        contest = make_contest(opens=today - timedelta(days=1), closes=today + timedelta(days=1))
        entry = make_entry(
            contest, title=LONG_TITLE.strip(), cause="Reading aloud wherever the road goes on for ever"
        )
        save(Embed(entry_id=entry.id, code=CODE, created_at=NOW))
        return entry.id


@pytest.fixture(scope="module")
def host():
    with open_host() as host:
        yield host


@pytest.fixture
def person(strict_browser):
    """Somebody at their own browser."""
    context = strict_browser.new_context(user_agent=make_agent(next(numbers)))
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def snippet(site, entry_id):
    def write(attributes="", tag="quilt-entry"):
        named = f'entry="{entry_id}" via="{CODE}"'
        if tag == "div":
            named = f'data-quilt="entry" data-entry="{entry_id}" data-via="{CODE}"'
        return f'<script async src="{site.url}/widget/v1.js"></script><{tag} {named} {attributes}></{tag}>'

    return write


def frame_of(page):
    """The frame's inside, once its story is there."""
    frame = next(frame for frame in page.frames if "/embed/" in frame.url)
    frame.wait_for_selector("[data-embed]")
    return frame


def open_page(person, address, width=700):
    page = person.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    page.wait_for_selector("iframe")
    page.wait_for_function(
        "() => { const e = document.querySelector('quilt-entry, [data-quilt]'); const f = (e && e.shadowRoot || document)"
        ".querySelector('iframe'); return f && (!e || f.style.height !== '420px'); }"
    )
    return page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("form", ["quilt-entry", "div", "iframe"])
def test_the_story_fits_without_scroll_bars(person, host, site, entry_id, snippet, form, width):
    plain = f'<iframe src="{site.url}/embed/{entry_id}?via={CODE}" width="100%" height="480" style="border:0"></iframe>'
    page = open_page(person, host.put("/fits", plain if form == "iframe" else snippet(tag=form)), width)
    frame = frame_of(page)
    assert frame.get_by_text("Watch and vote").is_visible()
    assert frame.evaluate(NO_SCROLL) == [0, 0]
    if form != "iframe":
        box, content = page.locator("iframe").bounding_box(), frame.locator("[data-embed]").bounding_box()
        assert 0 <= box["height"] - content["height"] < 1.01
        page.set_viewport_size({"width": 320, "height": 900})
        frame.wait_for_function("() => innerWidth < 320")
        page.wait_for_timeout(200)
        assert frame.evaluate(NO_SCROLL) == [0, 0], "it follows when the page gets narrower"


@pytest.mark.parametrize("form", ["script", "iframe"])
def test_who_comes_through_it_is_counted_for_the_embed(person, host, site, entry_id, snippet, form):
    plain = f'<iframe src="{site.url}/embed/{entry_id}?via={CODE}" width="100%" height="480"></iframe>'
    page = open_page(person, host.put("/counts", plain if form == "iframe" else snippet()))
    with site.app.app_context():
        before = db.session.query(Arrival).count()
    with person.expect_page() as opened:
        frame_of(page).get_by_text("Watch and vote").click()
    ours = opened.value
    assert ours.url == f"{site.url}/s/{CODE}?c=embed"
    assert ours.evaluate("() => window.opener") is None
    ours.wait_for_selector("html[data-counted]")
    ours.get_by_label("Your e-mail address").fill("ana@example.org")
    with site.app.app_context():
        arrivals = db.session.query(Arrival).order_by(Arrival.id).all()
        assert len(arrivals) == before + 1
        newest, embed = arrivals[-1], db.session.query(Embed).one()
        assert (newest.channel, newest.embed_id, newest.parent_id) == ("embed", embed.id, None)
        assert ours.url == f"{site.url}/s/{newest.code}"
    with ours.expect_response("**/vote") as answered:
        ours.get_by_role("button", name="Vote for this story").click()
    assert answered.value.status < 400, "the page outside the sandbox has its forms"


def test_no_cookie_goes_into_the_frame_or_comes_out_of_it(person, host, site, entry_id, snippet):
    person.add_cookies(
        [{"name": "quilt_codes", "value": f"{entry_id}.own00000001.unsigned", "url": site.url}]
    )
    ours = person.new_page().goto(site.url + "/healthz")
    assert "quilt_codes" in ours.request.all_headers()["cookie"], "this person has been with us before"
    seen = []
    person.on("response", lambda response: seen.append(response))
    page = open_page(person, host.put("/cookies", snippet()))
    frame_of(page)
    ours = [response for response in seen if response.url.startswith(site.url)]
    assert {"/embed/", "/widget/v1.js"} <= {
        part for part in ("/embed/", "/widget/v1.js") for r in ours if part in r.url
    }
    for response in ours:
        assert "cookie" not in response.request.all_headers()
        assert "set-cookie" not in response.all_headers()
    assert all(response.url.startswith((site.url, host.url)) for response in seen)


def test_hostile_styles_do_not_reach_it(person, host, snippet):
    page = open_page(person, host.put("/hostile", HOSTILE + snippet()))
    box = page.locator("iframe").bounding_box()
    assert box["width"] > 600 and box["height"] > 150
    assert frame_of(page).evaluate(NO_SCROLL) == [0, 0]


@pytest.mark.parametrize("headers", [
    {"content_security_policy": "default-src 'none'; script-src SITE; frame-src SITE; require-trusted-types-for 'script'"},
    {"Cross_Origin_Embedder_Policy": "require-corp", "Cross_Origin_Opener_Policy": "same-origin"},
    {"Cross_Origin_Embedder_Policy": "credentialless"},
], ids=["strict-policy", "isolated", "credentialless"])  # fmt: skip
def test_strict_pages_can_show_it(person, host, site, snippet, headers):
    named = {name: value.replace("SITE", site.url) for name, value in headers.items()}
    page = open_page(person, host.put("/strict", snippet(), **named))
    assert frame_of(page).get_by_text("Watch and vote").is_visible()
    assert page.locator("iframe").bounding_box()["height"] != 420


def test_a_frame_that_does_not_come_is_a_message_with_a_link(person, host, site, snippet):
    said = []
    page = person.new_page()
    page.on("console", lambda message: said.append(message) if message.text.startswith("Quilt:") else None)
    policy = f"script-src {site.url}; frame-src 'none'"
    page.clock.install()
    page.goto(host.put("/blocked", HOSTILE + snippet(), content_security_policy=policy))
    link = page.get_by_role("link", name="Watch it and vote on its own page")
    hurry_until_seen(page, link, 14_000)
    assert link.get_attribute("href") == f"{site.url}/s/{CODE}?c=embed"
    assert page.get_by_text("This does not show here.").is_visible()
    wait_until(page, lambda: said)
    page.wait_for_timeout(100)
    assert [message.type for message in said] == ["warning"] and "frame-src" in said[0].text


def test_a_wrong_number_is_a_message(person, host, site):
    script = f'<script async src="{site.url}/widget/v1.js"></script>'
    page = open_page(person, host.put("/unknown", f'{script}<quilt-entry entry="999"></quilt-entry>'))
    assert frame_of(page).get_by_text("This story is not here").is_visible()
    assert frame_of(page).get_by_role("link").get_attribute("target") == "_blank"
    page = person.new_page()
    page.goto(host.put("/nothing", f'{script}<quilt-entry entry="12; drop"></quilt-entry>'))
    link = page.get_by_role("link", name="Watch it and vote on its own page")
    link.wait_for()
    assert link.get_attribute("href") == site.url


def test_placements_come_and_go(person, host, site, entry_id, snippet):
    page = open_page(person, host.put("/later", snippet()))
    frames = page.locator("iframe")
    page.evaluate(
        """entry => {
            const element = document.createElement("quilt-entry");
            element.setAttribute("entry", entry);
            const div = document.createElement("div");
            div.dataset.quilt = "entry";
            div.dataset.entry = entry;
            document.body.append(element, div);
        }""",
        str(entry_id),
    )
    assert frames.count() == 2
    assert page.evaluate("Quilt.scan()") == 3 and frames.count() == 3
    assert page.evaluate("Quilt.scan()") == 3 and frames.count() == 3
    page.evaluate("document.querySelector('quilt-entry').setAttribute('theme', 'dark')")
    assert frames.count() == 3 and page.locator("iframe[src*='theme=dark']").count() == 1
    page.evaluate("Quilt.remove(document.querySelector('div'))")
    page.evaluate("document.querySelectorAll('quilt-entry').forEach(element => element.remove())")
    assert frames.count() == 0
    page.evaluate("document.querySelector('div').remove()")
    assert page.evaluate("Quilt.scan()") == 0
    page.evaluate(
        "src => { const s = document.createElement('script'); s.src = src; document.body.append(s); }",
        site.url + "/widget/v1.js",
    )
    page.wait_for_timeout(300)
    assert page.evaluate("Quilt.scan()") == 0, "a second copy of the script changes nothing"


def test_G06_G07_other_messages_change_nothing(person, host, snippet):
    page = open_page(person, host.put("/messages", snippet()))
    frame, height = frame_of(page), page.locator("iframe").bounding_box()["height"]
    good = {"type": "quilt:height", "height": 77}
    for told in [good, *NO_HEIGHTS]:
        page.evaluate("told => postMessage(told, '*')", told)
        page.locator("iframe").evaluate("(frame, told) => frame.contentWindow.postMessage(told, '*')", told)
    for told in NO_HEIGHTS:
        frame.evaluate("told => parent.postMessage(told, '*')", told)
    page.wait_for_timeout(200)
    assert page.locator("iframe").bounding_box()["height"] == height
    assert frame.get_by_text("Watch and vote").is_visible()
    frame.evaluate("told => parent.postMessage(told, '*')", good)
    page.wait_for_function(
        "document.querySelector('quilt-entry').shadowRoot.firstChild.style.height === '77px'"
    )


def test_a_height_is_believed_from_our_frame_only_and_within_reason(person, host, site, snippet):
    page = open_page(person, host.put("/heights", snippet()))
    frame = frame_of(page)
    frame.evaluate("parent.postMessage({ type: 'quilt:height', height: 1e9 }, '*')")
    page.wait_for_function(
        "document.querySelector('quilt-entry').shadowRoot.firstChild.style.height === '4000px'"
    )
    page.evaluate(
        """address => { const frame = document.createElement("iframe"); frame.src = address; document.body.append(frame); }""",
        site.url + "/embed/999",
    )
    page.wait_for_timeout(500)
    assert page.locator("quilt-entry iframe").evaluate("frame => frame.style.height") == "4000px"


@pytest.mark.parametrize(("scheme", "theme", "is_dark"), [
    ("light", "", False), ("dark", "", True), ("dark", "light", False), ("light", "dark", True),
])  # fmt: skip
def test_light_and_dark(strict_browser, host, snippet, scheme, theme, is_dark):
    context = strict_browser.new_context(user_agent=make_agent(next(numbers)), color_scheme=scheme)
    page = open_page(
        context,
        host.put(
            "/light",
            f'<meta name="color-scheme" content="light dark">{snippet(f"theme={theme}" if theme else "")}',
        ),
    )
    ground = frame_of(page).evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground.strip("rgb()").split(","))) < 300) is is_dark, ground
    context.close()


@pytest.mark.parametrize("path", ["/embed/{}", "/embed/{}?theme=dark", "/embed/999"])
def test_axe_finds_nothing(person, site, entry_id, path):
    page = person.new_page()
    page.goto(site.url + path.format(entry_id))
    results = Axe().run(page)
    assert len(results.response["passes"]) > 8
    assert results.violations_count == 0, results.generate_report()
