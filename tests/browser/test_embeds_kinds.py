"""Every kind of embed on other sites, in a real browser that blocks third-party cookies."""

import itertools
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from quilt.arrivals.models import Arrival
from quilt.config import ROOT
from quilt.database import db, transaction
from quilt.embeds.looks import Options
from quilt.embeds.models import Embed, PlacementDay
from quilt.votes.models import EntryTally
from quilt.web.brand.snippets import Target, write_snippets
from quilt.web.plain_frames import write_plain_frame
from tests.browser.chromium import hurry_until_seen, make_agent, wait_until
from tests.browser.hosts import open_host
from tests.embeds.brands import make_organisation, make_placement, make_site
from tests.factories import make_contest, make_entry, make_user

pytestmark = pytest.mark.browser
KINDS = ("entry", "vote", "contest", "countdown")
NO_SCROLL = "() => { const e = document.documentElement; return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]; }"
COUNT_READY = "addEventListener('quilt:ready', () => { window.ready = (window.ready || 0) + 1; })"
STEADY = """() => new Promise(done => {
    let before = "", times = 0;
    const timer = setInterval(() => {
        const now = `${innerHeight} ${document.documentElement.scrollHeight}`;
        times = now === before ? times + 1 : 0;
        before = now;
        if (times === 6) { clearInterval(timer); done(); }
    }, 20);
})"""
HOSTILE = "<style>* { all: unset } iframe { width: 40px !important } p, a, ol, quilt-vote { display: none !important }</style>"
numbers = itertools.count(1_000)


@pytest.fixture(scope="module")
def own_host():
    with open_host("127.0.0.2", "127.0.0.2") as host:
        yield host


@pytest.fixture(scope="module")
def other_host():
    with open_host("127.0.0.3", "127.0.0.3") as host:
        yield host


@pytest.fixture(scope="module")
def placed(site, own_host):
    """A contest with three entries, and a placement whose brand has verified one site."""
    with site.app.app_context():
        today = datetime.now(UTC)
        contest = make_contest("spring", opens=today - timedelta(days=1), closes=today + timedelta(days=2))
        entries = [make_entry(contest, title=f"Story {number}", cause="Reading aloud") for number in range(3)]
        with transaction() as session:
            session.get(EntryTally, entries[0].id).standing = 41
        brand = make_organisation(make_user())
        make_site(brand, own_host.url)
        return make_placement(brand, entries[0])


@pytest.fixture
def person(strict_browser):
    context = strict_browser.new_context(
        user_agent=make_agent(next(numbers)), viewport={"width": 700, "height": 900}
    )
    context.set_default_timeout(15_000)
    context.add_init_script(COUNT_READY)
    yield context
    context.close()


@pytest.fixture
def tag(site, placed):
    def write(kind, attributes=""):
        named = f'entry="{placed.entry_id}"' if kind in ("entry", "vote") else 'contest="spring"'
        script = f'<script async src="{site.url}/widget/v1.js"></script>'
        return f'{script}<quilt-{kind} {named} {attributes}><a href="{site.url}">The story</a></quilt-{kind}>'

    return write


def frames_of(page, count=1):
    """The insides of the page's embeds, once all are there and keep their size."""
    page.wait_for_function("count => window.ready >= count", arg=count)
    frames = [frame for frame in page.frames if "/embed/" in frame.url]
    assert len(frames) == count
    for frame in frames:
        frame.wait_for_selector("[data-embed]")
        frame.evaluate(STEADY)
    return frames


def frame_of(page):
    """The inside of the page's one embed."""
    return frames_of(page)[0]


@pytest.mark.parametrize("width", [320, 1280])
def test_every_kind_stands_without_scroll_bars(person, other_host, tag, width):
    page = person.new_page()
    page.set_viewport_size({"width": width, "height": 4_000})
    page.goto(other_host.put("/kinds", HOSTILE + "".join(tag(kind) for kind in KINDS)))
    for frame in frames_of(page, len(KINDS)):
        assert frame.evaluate(NO_SCROLL) == [0, 0], frame.url
    for box in page.locator("iframe").all():
        assert box.bounding_box()["width"] >= min(width, 720) - 20, box.get_attribute("src")
    links = page.get_by_text("The story").all()
    assert [link.is_visible() for link in links] == [False] * len(KINDS), "they give way to the frames"


LONG = "The bus that comes on Fridays to the village behind the hills, with a hundred books for whoever waits for it"
MOST_SPARE = 80  # px above and below together; three lines of the title are 78


@pytest.mark.parametrize("title", ["Story", LONG])
@pytest.mark.parametrize("width", [320, 390, 447, 448, 640, 720, 1280])
def test_a_plain_frame_is_as_high_as_what_it_shows(person, site, other_host, placed, width, title):
    today = datetime.now(UTC)
    with site.app.app_context():
        contest = make_contest(
            f"plain-{width}-{len(title)}", opens=today - timedelta(days=1), closes=today + timedelta(days=9)
        )
        stories = [make_entry(contest, title=title, cause="Reading aloud").id for _ in range(3)]
        slug = contest.slug
        db.session.remove()
    paths = {
        "entry": f"/embed/{stories[0]}", "vote": f"/embed/{stories[0]}/vote", "contest": f"/embed/contests/{slug}",
        "countdown": f"/embed/contests/{slug}/countdown",
    }  # fmt: skip
    page = person.new_page()
    page.set_viewport_size({"width": 1_400, "height": 3_000})
    lines = "".join(write_plain_frame(kind, site.url + path, title, top=3) for kind, path in paths.items())
    page.goto(other_host.put("/plain", f'<body style="margin:0"><div style="width:{width}px">{lines}</div>'))
    wait_until(page, lambda: sum("/embed/" in frame.url for frame in page.frames) == len(KINDS))
    frames = [frame for frame in page.frames if "/embed/" in frame.url]
    for frame in frames:
        frame.wait_for_selector("[data-embed]")
        assert frame.evaluate(NO_SCROLL) == [0, 0], frame.url
        spare = frame.evaluate(
            "innerHeight - document.querySelector('[data-embed]').getBoundingClientRect().height"
        )
        assert 0 <= spare <= MOST_SPARE, (frame.url, spare)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", ["", "?lang=ar&theme=dark", "?accent=d4a017&ground=1d2b3a&corners=round"])
def test_axe_finds_nothing(person, site, placed, kind, look):
    page = person.new_page()
    path = {"entry": f"{placed.entry_id}", "vote": f"{placed.entry_id}/vote", "contest": "contests/spring"}
    page.goto(f"{site.url}/embed/{path.get(kind, 'contests/spring/countdown')}{look}")
    results = Axe().run(page)
    assert len(results.response["passes"]) > 8
    assert results.violations_count == 0, results.generate_report()


def test_on_a_verified_site_it_shows_and_elsewhere_there_is_a_message(
    person, site, own_host, other_host, placed
):
    snippet = f'<script async src="{site.url}/widget/v1.js"></script><quilt-entry embed="{placed.code}"></quilt-entry>'
    page = person.new_page()
    page.goto(own_host.put("/allowed", snippet))
    assert frame_of(page).get_by_text("Story 0").is_visible()
    said = []
    stranger = person.new_page()
    stranger.on(
        "console", lambda message: said.append(message.text) if message.text.startswith("Quilt:") else None
    )
    stranger.clock.install()
    stranger.goto(other_host.put("/forbidden", snippet))
    link = stranger.get_by_role("link", name="Watch it and vote on its own page")
    hurry_until_seen(stranger, link, 14_000)
    assert link.get_attribute("href") == f"{site.url}/s/{placed.code}?c=embed"
    wait_until(stranger, lambda: said)
    stranger.wait_for_timeout(100)
    assert said == [
        f"Quilt: {placed.code} does not show here; this site is not among the verified sites of its owner."
    ]


def test_what_a_placement_brings_is_counted_for_it(person, site, own_host, placed):
    snippet = f'<script async src="{site.url}/widget/v1.js"></script><quilt-entry embed="{placed.code}"></quilt-entry>'
    page = person.new_page()
    with page.expect_request("**/widget/seen"):
        page.goto(own_host.put("/blog/post", snippet))
        frame = frame_of(page)
    with person.expect_page() as opened:
        frame.get_by_text("Watch and vote").click()
    ours = opened.value
    assert ours.url == f"{site.url}/s/{placed.code}?c=embed" and ours.evaluate("window.opener") is None
    ours.wait_for_selector("html[data-counted]")
    with site.app.app_context():
        newest = db.session.query(Arrival).order_by(Arrival.id.desc()).first()
        embed = db.session.query(Embed).filter_by(code=placed.code).one()
        assert (newest.channel, newest.embed_id) == ("embed", embed.id)
        wait_until(page, lambda: list_counts(placed) == [(1, 1)])
        page.wait_for_timeout(1_100)  # counters are written once a second
        assert list_counts(placed) == [(1, 1)]


def list_counts(placement):
    """What was counted for a placement on the page "/blog/post": seen, opened."""
    db.session.rollback()
    days = db.session.query(PlacementDay).filter_by(placement_id=placement.id, path="/blog/post")
    return [(day.seen_count, day.opens_count) for day in days]


def test_whoever_comes_back_sees_the_new_count(person, site, other_host, tag, placed):
    page = person.new_page()
    page.goto(other_host.put("/back", tag("entry")))
    frame = frame_of(page)
    page.evaluate(
        "document.querySelector('quilt-entry').addEventListener('quilt:count', e => { window.told = e.detail.votes })"
    )
    assert frame.get_by_text("41 votes").is_visible()
    with site.app.app_context(), transaction() as session:
        session.get(EntryTally, placed.entry_id).standing = 1_042
        from quilt.entries.models import Entry

        session.get(Entry, placed.entry_id).version += 1
    came_back = time.monotonic()
    while not frame.get_by_text("1,042 votes").is_visible():  # what is public may be five seconds old
        assert time.monotonic() - came_back < 6
        page.wait_for_timeout(250)
        frame.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function("window.told === 1042")


def test_without_scripts_there_is_the_link(strict_browser, site, other_host, tag):
    context = strict_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for kind in KINDS:
        page.goto(other_host.put("/plain", tag(kind)))
        assert page.get_by_role("link", name="The story").is_visible()
    context.close()


def test_a_button_opens_it_in_front_of_the_page(person, other_host, tag):
    page = person.new_page()
    page.goto(other_host.put("/modal", tag("entry", 'mode="modal" label="Support us"')))
    page.get_by_role("button", name="Support us").click()
    frame_of(page)
    assert page.locator("dialog").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("dialog").get_attribute("open") is None


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_when_the_frames_come(person, site, other_host, placed, width):
    names = {kind: str(placed.entry_id) if kind in ("entry", "vote") else "spring" for kind in KINDS}
    snippets = [
        write_snippets(Target(kind, name, "The story", site.url, "", "", ""), Options(), site.url, "")[0].text
        for kind, name in names.items()
    ]
    page = person.new_page()
    page.set_viewport_size({"width": width, "height": 4_000})
    observe = (
        "<script>window.moved = []; new PerformanceObserver(list => { for (const entry of list.getEntries()) moved.push("
        "entry.sources.map(source => source.node && source.node.nodeName)); })"
        ".observe({ type: 'layout-shift', buffered: true });</script>"
    )
    text = f"<p>{'Text. ' * 200}"
    page.goto(
        other_host.put(
            "/still",
            f"<meta name=viewport content='width=device-width'>{observe}<h1>A blog</h1>{text.join(snippets)}{text}",
        )
    )
    frames_of(page, len(KINDS))
    page.wait_for_timeout(800)
    assert page.evaluate("window.moved") == []
    page.evaluate("document.querySelector('h1').style.height = '300px'")
    page.wait_for_function("window.moved.length > 0")  # it would have been seen


def test_where_no_tab_can_be_opened_ours_takes_the_place_of_the_page(person, site, other_host, placed):
    sandbox = "allow-scripts allow-same-origin allow-top-navigation-by-user-activation"
    page = person.new_page()
    page.goto(
        other_host.put(
            "/no-tabs",
            f'<iframe sandbox="{sandbox}" src="{site.url}/embed/{placed.entry_id}" width=500 height=500></iframe>',
        )
    )
    frame = next(frame for frame in page.frames if "/embed/" in frame.url)
    frame.get_by_text("Watch and vote").click()
    page.wait_for_url(f"{site.url}/entries/**")


def test_wordpress_sizes_it_by_its_own_words(person, site, other_host, placed):
    listen = "<script>window.told = []; addEventListener('message', event => told.push(event.data));</script>"
    frame = f'<iframe sandbox="allow-scripts" src="{site.url}/embed/{placed.entry_id}#?secret=abcDEF1234" width=500 height=300></iframe>'
    page = person.new_page()
    page.goto(other_host.put("/wordpress", listen + frame))
    page.wait_for_function(
        "told.some(word => word.message === 'height' && word.secret === 'abcDEF1234' && word.value > 200)"
    )


def test_a_server_that_keeps_silent_is_a_message(person, other_host):
    """The script comes from its cache, say; then nobody answers for the frame, and the line breaks in the end."""
    script = (ROOT / "static" / "widget" / "v1.0.js").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                asked = connection.recv(4_096)
                if b"/widget/v1.js" in asked:
                    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nContent-Length: {len(script)}\r\n\r\n"
                    connection.sendall(head.encode() + script)  # whatever else is asked is never answered

        held: list[socket.socket] = []
        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        page = person.new_page()
        page.clock.install()
        page.goto(
            other_host.put(
                "/silent",
                f'<script async src="{url}/widget/v1.js"></script><quilt-entry entry="12"></quilt-entry>',
            ),
            wait_until="commit",
        )
        page.locator("iframe").wait_for(state="attached")
        link = page.get_by_role("link", name="Watch it and vote on its own page")
        assert 8_000 <= hurry_until_seen(page, link, 14_000)
        page.close()  # and with it the lines that it held: nothing is read any more
        server.shutdown(socket.SHUT_RDWR)  # wakes who accepts, which closing does not
        answering.join(10)
        for connection in held:
            connection.close()


def test_a_server_that_is_down_leaves_the_link(person, other_host):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    page = person.new_page()
    page.goto(
        other_host.put(
            "/down",
            f'<script async src="http://127.0.0.1:{port}/widget/v1.js"></script><quilt-entry entry="1"><a href="/x">The story</a></quilt-entry>',
        )
    )
    assert page.get_by_role("link", name="The story").is_visible()
