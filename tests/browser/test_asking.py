"""The ask after the vote, in a real browser: one screen, its strongest two ways learned from this very entry."""

import itertools
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from quilt.arrivals.fold import fold_entry
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import db
from tests.browser.chromium import make_agent, open_page
from tests.browser.test_story import vote_by_code, wait_until_counted
from tests.factories import make_contest, make_entry

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
people = itertools.count(7_000)


@pytest.fixture(scope="module")
def entries(site):
    """Three stories: people come to each by other ways, and to the third nobody has come yet."""
    with site.app.app_context():
        moment = datetime.now(UTC)
        contest = make_contest(
            "ask", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1), limit_count=None
        )
        bus = make_entry(contest, title="The library bus", slug="bus", thanks="The bus waves to you.")
        band = make_entry(contest, title="The hospital band", slug="band", thanks="A tune for you.")
        new = make_entry(contest, title="The night kitchen", slug="kitchen")
        come(bus.id, {"tg": 7, "rd": 6, "wa": 3})
        come(band.id, {"mail": 9, "wa": 8})
        found = {"bus": bus.id, "band": band.id, "kitchen": new.id}
        db.session.rollback()
    return found


def come(entry_id: int, channels: dict[str, int]) -> None:
    """One person sees it, and so many others come by their link, each by its way."""
    moment = datetime.now(UTC)
    ways = ["", *(channel for channel, count in channels.items() for _ in range(count))]
    own = ""
    for channel in ways:
        visit = Visit(entry_id, next(people).to_bytes(8), via=own, channel=channel)
        node = record_arrival(visit, None, now=moment, entropy=secrets.token_bytes)
        own = own or node.code
    fold_entry(entry_id, moment)


def vote_for(browser: Browser, site, entry_id: int, **options: object) -> Page:
    """A new person who comes to a story by themselves and votes for it."""
    number = next(people)
    page = open_page(browser, site.url, user_agent=make_agent(number), **options)
    page.goto(f"/entries/{entry_id}")
    if options.get("java_script_enabled", True):
        wait_until_counted(page)
    vote_by_code(page, f"voter{number}@example.org")
    return page


def list_ways(page: Page, place: str) -> list[str]:
    return page.locator(f"#share {place} a[data-channel]").evaluate_all(
        "links => links.map(it => it.dataset.channel)"
    )


@pytest.mark.parametrize(
    ("slug", "strongest", "brought"),
    [
        ("bus", ["tg", "rd"], "16 of the 1"),
        ("band", ["mail", "wa"], "17 of the 1"),
        ("kitchen", ["wa", "fb"], ""),
    ],
)
def test_the_two_ways_by_which_most_people_came_to_this_story_stand_first(
    browser: Browser, site, entries, slug: str, strongest: list[str], brought: str
) -> None:
    page = vote_for(browser, site, entries[slug])
    assert list_ways(page, ".strongest") == strongest
    others = list_ways(page, "details")
    assert len(others) == 8 and not set(others) & set(strongest)
    proof = page.locator(".share-proof").inner_text()
    if brought:
        assert re.fullmatch(
            rf"{brought}\d people who saw this story came because somebody passed it on\.", proof
        )
    else:
        assert proof == "Whoever comes by this link joins your branch of its tree.", (
            "nothing is claimed of nobody"
        )
    assert page.errors == []


def test_the_thanks_and_the_link_to_copy_stand_before_everything(browser: Browser, site, entries) -> None:
    page = vote_for(browser, site, entries["bus"], viewport=PHONE)
    marks = ("Your vote is sewn in", "The bus waves to you.", "Copy", "Telegram", "Reddit")
    tops = [page.get_by_text(mark, exact=mark != "Telegram").first.bounding_box()["y"] for mark in marks[:2]]
    link = page.locator("#copy-link")
    tops += [
        box["y"]
        for box in (link.bounding_box(), *(it.bounding_box() for it in page.locator(".strongest a").all()))
    ]
    assert len(tops) == 5 and tops == sorted(tops), "thanks, then the link, then the two"
    assert tops[-1] < PHONE["height"], "one screen of a phone"
    assert re.fullmatch(rf"{re.escape(site.url)}/s/\w{{11}}", link.input_value())
    page.reload()
    expect(page.get_by_text("The bus waves to you.")).to_be_visible()
    assert link.input_value() in page.locator(".strongest a").first.get_attribute("href").replace(
        "%2F", "/"
    ).replace("%3A", ":")


def test_the_link_is_there_without_a_script_too(browser: Browser, site, entries) -> None:
    page = vote_for(browser, site, entries["band"], java_script_enabled=False)
    expect(page.get_by_text("A tune for you.")).to_be_visible()
    expect(page.locator("#copy-link")).to_be_visible()
    assert list_ways(page, ".strongest") == ["mail", "wa"]


def test_who_comes_back_later_is_not_thanked_again(browser: Browser, site, entries) -> None:
    page = vote_for(browser, site, entries["bus"])
    page.goto(f"/entries/{entries['bus']}/share")
    expect(page.get_by_role("heading", name="Pass on “The library bus”")).to_be_visible()
    expect(page.get_by_text("The bus waves to you.")).to_be_hidden()
    expect(page.locator("#copy-link")).to_be_visible()
