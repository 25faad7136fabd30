"""The proof of work in a real browser: done while the address is typed, and accepted with the form."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from quilt.database import db
from quilt.votes.casting_models import UsedChallenge
from quilt.web.clock import now
from tests.factories import make_contest, make_entry
from tests.live import open_site

pytestmark = pytest.mark.browser


def test_the_form_proves_work_and_goes_on_to_the_code(browser, tmp_path):
    with open_site(tmp_path / "site", workers=1) as site:
        with site.app.app_context():
            moment = now()
            entry = make_entry(
                make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
            )
            path = f"/entries/{entry.id}-{entry.slug}"
        page = browser.new_page()
        page.goto(site.url + path)
        page.fill("#vote-email", "ana@example.org")
        expect(page.locator("[name=proof]")).to_have_value(re.compile(r"\."), timeout=60_000)
        page.click("#vote form button.button-primary")
        page.wait_for_url("**/vote/confirm")
        with site.app.app_context():
            assert len(db.session.scalars(select(UsedChallenge.nonce)).all()) == 1
