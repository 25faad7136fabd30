"""The whole life of one entry in a real browser, with real parts: from an upload to a chain of three people."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from quilt.arrivals.models import Arrival, EntrySpread
from quilt.database import db
from quilt.media.samples import make_sample
from quilt.votes.models import EntryTally, Vote
from tests.browser.chromium import add_cookie, make_agent, open_page
from tests.factories import make_contest, make_user
from tests.live import open_site, sign_cookie

pytestmark = pytest.mark.browser
people = itertools.count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_site(tmp_path_factory.mktemp("site"), has_worker=True) as site:
        yield site


def new_person(browser: Browser, site, *, has_script=True) -> Page:
    """One more person with a device of their own."""
    return open_page(
        browser, site.url, user_agent=make_agent(next(people)), java_script_enabled=has_script,
        permissions=["clipboard-read", "clipboard-write"],
    )  # fmt: skip


def read_code(page: Page) -> str:
    """The newest code, from the outbox page, as a demo's visitor finds it."""
    outbox = page.context.new_page()
    outbox.goto("/outbox")
    text = outbox.locator(".letter-body").first.inner_text()
    outbox.close()
    return "".join(re.search(r"\b(\d{4}) ?(\d{4})\b", text).groups())


def sign_in_by_code(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label(re.compile("e-?mail", re.IGNORECASE)).first.fill(email)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("code", exact=False).first.fill(read_code(page))
    page.locator("main form button[type=submit]").first.click()


def vote_by_code(page: Page, email: str) -> None:
    """Two clicks and a code."""
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_role("button", name="Vote for this story").click()
    page.get_by_label("The code from the mail").fill(read_code(page))
    page.get_by_role("button", name="Confirm my vote").click()
    expect(page.get_by_role("heading", name="Your vote is sewn in")).to_be_visible()


def arrive(page: Page, path: str) -> str:
    """Open a link, stay long enough to be counted, and return the own link from the address bar."""
    page.goto(path)
    wait_until_counted(page)
    own = page.evaluate("location.pathname")
    assert own.startswith("/s/") and own != path.partition("?")[0]
    return own


def wait_until_counted(page: Page) -> None:
    """The beacon has been answered."""
    expect(page.locator("html[data-counted=yes]")).to_be_attached()


def submit_entry(page: Page, film, contest: str, title: str, *, has_script=True) -> str:
    page.goto("/submit")
    offer = page.get_by_role("article").filter(has=page.locator(f"a[href='/contests/{contest}']"))
    offer.get_by_role("button", name="Start your entry").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Cause").fill("Rural reading")
    if has_script:
        expect(page.get_by_text(re.compile(r"Saved"))).to_be_visible()
    page.get_by_role("button", name=re.compile("continue", re.IGNORECASE)).click()
    page.get_by_label("Video file").set_input_files(film)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="Continue with the story").click()
    page.get_by_label("story", exact=False).first.fill(
        "It comes on Fridays.\n\nNobody in the valley reads alone since."
    )
    page.get_by_label("thank", exact=False).first.fill("Thank you. The bus is yours too.")
    page.get_by_role("button", name=re.compile("continue", re.IGNORECASE)).click()
    expect(page.get_by_role("checkbox").first).to_be_visible()  # `all` waits for no page
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name=re.compile("continue", re.IGNORECASE)).click()
    entry_path = page.url
    page.get_by_role("button", name="Send it in").click()
    return re.search(r"/submit/(\d+)", entry_path)[1]


def test_from_an_upload_to_a_chain_of_three_people(browser, site, tmp_path):
    with site.app.app_context():
        moment = datetime.now(UTC)
        make_contest(
            "ten", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1), limit_count=None
        )
        moderator = make_user("mo@example.org", "Mo", "moderator").id
    film = tmp_path / "film.mp4"
    make_sample(film, title="The library bus", cause="Rural reading", seconds=3)

    entrant = new_person(browser, site)
    sign_in_by_code(entrant, "entrant@example.org")
    entry_id = submit_entry(entrant, film, "ten", "The library bus")
    desk = new_person(browser, site)
    add_cookie(desk.context, site.url, sign_cookie(site.app, moderator))
    approve(desk, entry_id, "The library bus")

    voter = new_person(browser, site)
    voter.goto("/")
    voter.get_by_role("link", name="The library bus").first.click()
    entry_path = voter.evaluate("location.pathname")
    expect(voter.locator("video")).to_be_visible()
    assert voter.evaluate(
        "document.querySelector('video').play().then(() => new Promise(done => setTimeout(() => done(document.querySelector('video').currentTime > 0), 700)))"
    )
    wait_until_counted(voter)
    voter_link = voter.evaluate("location.pathname")
    vote_by_code(voter, "voter@example.org")
    expect(voter.get_by_text("Thank you. The bus is yours too.")).to_be_visible()
    assert voter.locator("#copy-link").input_value() == f"{site.url}{voter_link}"
    voter.get_by_role("button", name="Copy").first.click()
    shared = voter.evaluate("navigator.clipboard.readText()").removeprefix(site.url)
    assert shared == f"{voter_link}?c=copy"

    friend = new_person(browser, site)
    friend_link = arrive(friend, shared)
    third = new_person(browser, site)
    arrive(third, friend_link)
    for _ in range(2):
        arrive(new_person(browser, site), entry_path)
    expect(third.locator("[data-figure=longest_chain]").first).to_have_text("3", timeout=6_000)
    expect(third.locator("[data-figure=reach]").first).to_have_text("5", timeout=6_000)
    third.goto(f"/entries/{entry_id}/spread")
    expect(third.locator("main svg").first).to_be_visible()
    with site.app.app_context():
        depths = db.session.scalars(select(Arrival.depth).order_by(Arrival.id)).all()
        channels = db.session.scalars(select(Arrival.channel).order_by(Arrival.id)).all()
        vote = db.session.scalars(select(Vote)).one()
        assert depths == [1, 2, 3, 1, 1] and channels[1] == "copy"
        assert vote.arrival_id == db.session.scalars(select(Arrival.id).order_by(Arrival.id)).first()
        assert db.session.get(EntryTally, int(entry_id)).standing == 1
        assert db.session.get(EntrySpread, int(entry_id)).max_depth == 3
    for page in (entrant, desk, voter, friend, third):
        assert page.errors == []


def approve(desk: Page, entry_id: str, title: str) -> None:
    """The moderator waits until the film is ready, looks at it, and approves."""
    for _ in range(60):
        desk.goto(f"/admin/entries/{entry_id}")
        if desk.locator("video").count():
            break
        desk.wait_for_timeout(1000)
    desk.goto("/admin")
    desk.get_by_role("link", name=title).first.click()
    expect(desk.locator("video")).to_be_visible()
    desk.get_by_label(re.compile("Approve", re.IGNORECASE)).check()
    desk.locator("form.decide button[type=submit]").click()
    expect(desk.get_by_text(re.compile("approved|published", re.IGNORECASE)).first).to_be_visible()


def test_the_same_without_javascript(browser, site, tmp_path):
    with site.app.app_context():
        moment = datetime.now(UTC)
        make_contest(
            "hands", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1), limit_count=None
        )
        moderator = make_user("desk@example.org", "Mo", "moderator").id
    film = tmp_path / "film.mp4"
    make_sample(film, title="Hands that sign", cause="Rural reading", seconds=2)
    entrant = new_person(browser, site, has_script=False)
    sign_in_by_code(entrant, "hands@example.org")
    entry_id = int(submit_entry(entrant, film, "hands", "Hands that sign", has_script=False))
    desk = new_person(browser, site, has_script=False)
    add_cookie(desk.context, site.url, sign_cookie(site.app, moderator))
    approve(desk, str(entry_id), "Hands that sign")

    first = new_person(browser, site, has_script=False)
    first.goto("/contests/hands?view=grid")
    first.get_by_role("link", name="Hands that sign").first.click()
    vote_by_code(first, "first@example.org")
    expect(first.get_by_text("Thank you. The bus is yours too.")).to_be_visible()
    own = first.locator("#copy-link").input_value()
    assert re.fullmatch(rf"{re.escape(site.url)}/s/\w{{11}}", own)

    second = new_person(browser, site, has_script=False)
    second.goto(own)
    second.get_by_role("button", name=re.compile("Get your own link")).click()
    passed_on = second.locator("#copy-link").input_value()
    assert passed_on != own
    third = new_person(browser, site, has_script=False)
    third.goto(passed_on)
    vote_by_code(third, "third@example.org")
    with site.app.app_context():
        rows = db.session.execute(
            select(Arrival.id, Arrival.parent_id, Arrival.depth)
            .where(Arrival.entry_id == entry_id)
            .order_by(Arrival.id)
        ).all()
        votes = db.session.scalars(
            select(Vote.arrival_id).where(Vote.entry_id == entry_id).order_by(Vote.id)
        ).all()
        assert [(row.parent_id, row.depth) for row in rows] == [(None, 1), (rows[0].id, 2), (rows[1].id, 3)]
        assert votes == [rows[0].id, rows[2].id]
        assert db.session.get(EntryTally, entry_id).standing == 2
