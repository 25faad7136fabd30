"""A → B → C → D by copied address bars, over four browsers: four people in a chain, whatever else they do meanwhile."""

import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from quilt.arrivals.models import Arrival, EntryGeneration, EntrySpread, NotCounted
from quilt.database import db
from tests.browser.chromium import SOON, make_agent, open_page
from tests.factories import make_contest, make_entry
from tests.live import Site, open_site

pytestmark = pytest.mark.browser
PREVIEWS = {
    "GET": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "HEAD": make_agent(77),  # as X looks at a link a second time
}


@pytest.fixture
def site(tmp_path):
    with open_site(tmp_path / "site", has_worker=True) as site:
        yield site


def new_person(browser: Browser, site: Site, number: int) -> Page:
    """One more person with a device of their own."""
    return open_page(browser, site.url, ours=None, user_agent=make_agent(number))


def wait_until_counted(page: Page) -> str:
    """The address that stands in the bar once the beacon has been answered."""
    expect(page.locator("html[data-counted=yes]")).to_be_attached(timeout=SOON)
    return page.url


def arrive(page: Page, address: str) -> str:
    """Open a link and stay; returns what the person would copy out of the address bar."""
    page.goto(address)
    return wait_until_counted(page)


def fetch_preview(address: str) -> None:
    """What a chat does with a link before anybody has pressed it."""
    for method, agent in PREVIEWS.items():
        wish = urllib.request.Request(address, headers={"User-Agent": agent}, method=method)
        with urllib.request.urlopen(wish, timeout=20) as answer:
            assert answer.status == 200 and (b"og:title" in answer.read()) is (method == "GET")


def test_four_people_pass_an_address_on(browser, site):
    with site.app.app_context():
        moment = datetime.now(UTC)
        contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entry = make_entry(contest, title="The library bus")
        entry_id, start = entry.id, f"/entries/{entry.id}-{entry.slug}"
    ana, ben, cleo, dan, eva = (new_person(browser, site, number) for number in range(1, 6))

    by_ana = arrive(ana, start)
    assert arrive(ana, by_ana) == by_ana  # a look at one's own link
    fetch_preview(by_ana)
    by_ben = arrive(ben, by_ana)
    ben.reload()
    assert wait_until_counted(ben) == by_ben
    by_cleo = arrive(cleo, by_ben)
    assert arrive(cleo.context.new_page(), by_ben) == by_cleo  # a second tab
    by_dan = arrive(dan, by_cleo)
    dan.goto("/")
    dan.go_back()
    assert wait_until_counted(dan) == by_dan
    assert len({by_ana, by_ben, by_cleo, by_dan}) == 4

    with site.app.app_context():
        rows = db.session.execute(select(Arrival).order_by(Arrival.id)).scalars().all()
        assert [f"{site.url}/s/{row.code}" for row in rows] == [by_ana, by_ben, by_cleo, by_dan]
        assert [row.depth for row in rows] == [1, 2, 3, 4]
        assert [row.parent_id for row in rows] == [None, *(row.id for row in rows[:-1])]
        assert db.session.execute(select(NotCounted)).all() == []
        wait_until_folded(entry_id, people=4)
        generations = select(EntryGeneration.generation, EntryGeneration.people_count)
        stored = db.session.execute(generations.where(EntryGeneration.people_count > 0)).all()
        assert sorted(map(tuple, stored)) == [(number, 1) for number in range(5)]
        assert db.session.get(EntrySpread, entry_id).max_depth == 4
        db.session.rollback()
    show_a_fifth_person(eva, start, f"/entries/{entry_id}/spread", dan)
    assert [page.errors for page in (ana, ben, cleo, dan, eva)] == [[]] * 5


def wait_until_folded(entry_id: int, people: int) -> None:
    """The worker has taken everybody into the stored spread."""
    for _ in range(100):
        db.session.rollback()
        spread = db.session.get(EntrySpread, entry_id, populate_existing=True)
        if spread is not None and spread.size == people + 1:
            return
        db.session.rollback()
        time.sleep(0.1)
    raise AssertionError(f"the stored spread of entry {entry_id} never showed {people} people")


def show_a_fifth_person(eva: Page, start: str, spread: str, dan: Page) -> None:
    """Figures are shown from five people on: with one more, who came alone, the pages tell of the chain."""
    dan.goto(spread)
    expect(dan.locator("main")).not_to_contain_text("4 people")
    arrive(eva, start)
    expect(eva.locator("[data-figure=reach]").first).to_have_text("5", timeout=SOON)
    expect(eva.locator("[data-figure=longest_chain]").first).to_have_text("4")
    eva.goto(spread)
    expect(eva.locator("main")).to_contain_text("4 people")
