"""In a real browser: vote, receipt, batch, the proof on the page; then voting closes, two people publish the result,
and verify.py, taken from the page like the files, agrees with it."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from quilt.contests.models import Contest, Phase
from quilt.database import transaction
from tests.browser.chromium import add_cookie, wait_until
from tests.browser.test_ledger import A_LOOK, BATCH, open_counting_site, wait_for_batch
from tests.browser.test_story import new_person, vote_by_code
from tests.factories import make_user
from tests.live import sign_cookie

pytestmark = pytest.mark.browser
FILES = ("policy.json", "public_key", "heads.ndjson", "ledger.ndjson", "results.json", "verify.py")
PATIENCE = BATCH * 1000  # milliseconds


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    titles = {"library-bus": "The library bus", "a-river": "A river comes back"}
    with open_counting_site(tmp_path_factory.mktemp("site"), titles) as site:
        yield site


def vote_for(browser, site, title, email):
    """Vote, follow the receipt until the page itself has checked its proof; the page."""
    voter = new_person(browser, site)
    voter.goto("/")
    voter.get_by_role("link", name=title).first.click()
    voter.wait_for_timeout(A_LOOK)
    vote_by_code(voter, email)
    voter.get_by_role("link", name="What became of it, and the proof").click()
    wait_for_batch(voter)
    expect(voter.locator("[data-receipt]")).to_have_attribute("data-checked", "yes")
    return voter


def close_voting(site):
    """The contest's last moment comes now: nobody waits for a day."""
    with site.app.app_context(), transaction() as session:
        contest_id = session.scalars(select(Contest.id)).one()
        session.execute(update(Phase).values(ends_at=datetime.now(UTC)))
        session.execute(update(Contest).values(version=Contest.version + 1))
    return contest_id


def open_desk(browser, site, email, name):
    """Somebody at the desk, on a device of their own."""
    with site.app.app_context():
        cookie = sign_cookie(site.app, make_user(email, name, "admin").id)
    desk = new_person(browser, site)
    add_cookie(desk.context, site.url, cookie)
    return desk


def pass_gate(desk):
    """Try the gate until the last head is signed, as the page asks one to; it is a worker who asks."""

    def is_passed():
        button = desk.get_by_role("button", name="Try it, change nothing")
        button.click()
        expect(button).to_be_visible(timeout=PATIENCE)  # below the answer, and away while the gate is asked
        return desk.get_by_text("The gate is passed.").is_visible()

    wait_until(desk, is_passed, BATCH)


def save_target(page, link, path):
    """Save what a link leads to, as by the menu of its right button."""
    answer = page.request.get(link.get_attribute("href"))
    assert answer.ok
    path.write_bytes(answer.body())


def test_from_a_vote_to_a_result_that_anyone_can_recount(browser, site, tmp_path):
    voter = vote_for(browser, site, "The library bus", "voter@example.org")
    vote_for(browser, site, "The library bus", "second@example.org")
    vote_for(browser, site, "A river comes back", "third@example.org")
    receipt = tmp_path / "my-receipt.json"
    save_target(voter, voter.get_by_role("link", name="Save the receipt"), receipt)

    contest_id = close_voting(site)
    one, other = (
        open_desk(browser, site, email, name)
        for email, name in (("a@desk.org", "Ana"), ("b@desk.org", "Ben"))
    )
    one.goto("/contests/ten/results")
    expect(one.get_by_text("The count is being checked")).to_be_visible()
    one.goto(f"/admin/contests/{contest_id}/result")
    pass_gate(one)
    expect(
        one.get_by_text("It would come out like this: 1. The library bus; 2. A river comes back")
    ).to_be_visible()
    one.get_by_role("button", name="Propose the result").click()
    expect(one.get_by_text("Another admin has to look at it")).to_be_visible(timeout=PATIENCE)
    expect(one.get_by_role("button", name="Approve and publish it")).to_have_count(0)
    voter.goto("/contests/ten/results")
    expect(voter.get_by_text("The count is being checked")).to_be_visible()
    other.goto(f"/admin/contests/{contest_id}/result")
    other.get_by_role("button", name="Approve and publish it").click()
    expect(other.get_by_text("Published. Appeals are open for 48 hours.")).to_be_visible(timeout=PATIENCE)

    voter.reload()
    first = voter.get_by_role("region", name="Table of the places").get_by_role("row").nth(1)
    expect(first).to_contain_text("The library bus")
    expect(first.get_by_role("cell").nth(1)).to_have_text("2")
    voter.get_by_role("link", name="Recount it yourself").click()
    for name in FILES:
        save_target(voter, voter.locator(f'.ledger-files a[href$="/{name}"]'), tmp_path / name)
    assert voter.errors == [] and one.errors == [] and other.errors == []

    done = recount(tmp_path, "--receipt", receipt)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "for entry 1: counted" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["final"], results["places"]) == (True, [1, 2])
    (tmp_path / "results.json").write_text(json.dumps({**results, "places": [2, 1]}))
    assert recount(tmp_path).returncode == 1  # it does not say yes to everything


def recount(folder, *more):
    """The page's own verify.py over the files beside it, in a process that knows nothing of the site."""
    command = [sys.executable, "-I", "verify.py", ".", *map(str, more)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
