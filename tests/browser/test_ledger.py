"""In a real browser, with a real worker: vote, receipt, batch, the proof checked on the page, and verify.py agrees."""

import re
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from quilt.config import ROOT
from tests.browser.chromium import wait_until
from tests.browser.test_story import new_person, vote_by_code
from tests.factories import make_contest, make_entry
from tests.live import open_site

pytestmark = pytest.mark.browser
A_LOOK = 5_500  # milliseconds: who votes sooner than the rules of evidence take a look to last may be held
BATCH = 60.0  # seconds: several looks of the worker, on a busy machine
# What an older browser answers.
WITHOUT_ED25519 = """
crypto.subtle.importKey = () => Promise.reject(new DOMException("Unrecognized name", "NotSupportedError"));
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_counting_site(tmp_path_factory.mktemp("site"), {"library-bus": "The library bus"}) as site:
        yield site


@contextmanager
def open_counting_site(folder, titles):
    """A site whose worker puts votes into the list every second, with a contest of these entries, by their slugs."""
    extra = {"QUILT_LEDGER_MINUTES": "0.02"}
    with open_site(folder, has_worker=True, extra=extra) as site:
        with site.app.app_context():
            moment = datetime.now(UTC)
            contest = make_contest("ten", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
            for slug, title in titles.items():
                make_entry(contest, title=title, slug=slug)
        yield site


def run_verifier(place, *more):
    command = [sys.executable, str(ROOT / "static" / "verify.py"), place, *map(str, more)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def wait_for_batch(voter):
    """Look again and again, as somebody would who cannot wait."""

    def is_listed():
        voter.wait_for_timeout(500)
        voter.reload()
        return voter.get_by_role("heading", name="Your vote is in the list").is_visible()

    wait_until(voter, is_listed, BATCH)


def test_a_voter_follows_their_vote_into_the_open_count(browser, site, tmp_path):
    voter = new_person(browser, site)
    voter.goto("/")
    voter.get_by_role("link", name="The library bus").first.click()
    voter.wait_for_timeout(A_LOOK)
    vote_by_code(voter, "voter@example.org")
    voter.get_by_role("link", name="What became of it, and the proof").click()
    expect(voter.get_by_role("heading", level=1)).to_contain_text("Your vote")
    number = voter.locator(".receipt code").inner_text()
    wait_for_batch(voter)
    expect(voter.get_by_text("Checked by us")).to_be_visible()
    expect(voter.locator("[data-receipt]")).to_have_attribute("data-checked", "yes")
    expect(voter.locator(".receipt-checks .is-right")).to_have_count(3)
    voter.add_init_script(WITHOUT_ED25519)
    voter.reload()
    expect(voter.locator("[data-receipt]")).to_have_attribute("data-checked", "partly")
    expect(voter.locator("[data-check-note]")).to_contain_text("the signatures were not checked here")
    with voter.expect_download() as saved:
        voter.get_by_role("link", name="Save the receipt").click()
    receipt = tmp_path / "receipt.json"
    saved.value.save_as(receipt)
    done = run_verifier(f"{site.url}/contests/ten/ledger", "--receipt", receipt)
    assert (done.returncode, "for entry 1: counted" in done.stdout) == (0, True), done.stdout + done.stderr
    voter.get_by_role("link", name=re.compile("The open count of")).click()
    expect(voter.get_by_text("counted", exact=False).first).to_be_visible()
    assert voter.errors == []

    stranger = new_person(browser, site, has_script=False)
    stranger.goto("/contests/ten/ledger")
    stranger.get_by_label("The number on your receipt").fill(number)
    stranger.get_by_role("button", name="Look it up").click()
    expect(stranger.get_by_text("Checked by us")).to_be_visible()
    stranger.get_by_text("Step by step").click()
    expect(stranger.get_by_text("Your vote is this line of the list")).to_be_visible()


def test_a_browser_that_is_given_another_vote_says_so(browser, site):
    """The page's own check believes nothing: a receipt that was changed on its way is caught."""
    voter = new_person(browser, site)
    voter.goto("/")
    voter.get_by_role("link", name="The library bus").first.click()
    vote_by_code(voter, "another@example.org")
    voter.get_by_role("link", name="What became of it, and the proof").click()
    voter.route(
        "**/receipt.json",
        lambda route: route.fulfill(body=route.fetch().text().replace('"entry":1', '"entry":2')),
    )
    wait_for_batch(voter)
    expect(voter.locator("[data-receipt]")).to_have_attribute("data-checked", "no")
    expect(voter.locator(".receipt-checks .is-wrong").first).to_contain_text("does not open its line")
