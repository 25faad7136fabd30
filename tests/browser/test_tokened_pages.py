"""Pages whose address is the proof, in a real browser: their one button is our own request, whatever they keep back."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from quilt.accounts.choices import LETTERS_OFF
from quilt.database import db
from quilt.embeds.service import invite
from quilt.integrity.checks import VOTE_CHECK
from quilt.integrity.models import VoteCheck
from quilt.journeys.witnesses import HEADS_OFF
from quilt.letters import composer
from quilt.signed_ids import make_token
from quilt.votes.models import Vote
from tests.browser.chromium import add_cookie
from tests.browser.test_story import new_person
from tests.embeds.brands import make_organisation
from tests.factories import make_contest, make_entry, make_user
from tests.integrity.casting import BOT, cast, close_batch
from tests.live import sign_cookie

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(site):
    """Where each page is, which button it has and what it answers; the cookie of whom the brand asks."""
    with site.app.app_context():
        moment, secret = datetime.now(UTC), site.settings.secret_key
        contest = make_contest("ten", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        reader = make_user("reader@example.org")
        entry = make_entry(contest, title="The library bus")
        vote_id = cast(entry, contest, at=moment, user=make_user(), **BOT)
        close_batch(contest, moment)
        db.session.add(
            VoteCheck(vote_id=vote_id, contest_id=contest.id, mailed_at=moment - timedelta(minutes=2))
        )
        db.session.commit()
        receipt = db.session.scalar(select(Vote.receipt).where(Vote.id == vote_id))
        letters = []

        def compose(name, **facts):
            letters.append(facts)
            return composer(site.settings)(name, **facts)

        invite(
            make_organisation(make_user()).id, "reader@example.org", "viewer", now=moment,
            entropy=secrets.token_bytes, compose=compose, base_url=site.url,
        )  # fmt: skip
        invitation = next(value for value in letters[0].values() if "/invitations/" in str(value))
        return {
            "appeal": (f"/appeal?receipt={receipt}", "Ask for a second look", "Your appeal is with us."),
            "letters": (
                f"/letters/off/{make_token(reader.id, secret, LETTERS_OFF)}",
                "Stop these letters",
                "No more of these letters",
            ),
            "heads": (
                f"/letters/heads/{make_token(reader.id, secret, HEADS_OFF)}",
                "Stop these letters",
                "No more daily seals",
            ),
            "check": (f"/votes/check/{make_token(vote_id, secret, VOTE_CHECK)}", "Yes, that was me", "Thank you"),
            "invitation": (invitation, "Join", "Welcome. This is the desk."),
        }, sign_cookie(site.app, reader.id)  # fmt: skip


@pytest.mark.parametrize("name", ["appeal", "letters", "heads", "check", "invitation"])
def test_the_button_of_a_page_with_a_secret_address_works(browser, site, pages, name):
    address, button, answer = pages[0][name]
    page = new_person(browser, site)
    if name == "invitation":
        add_cookie(page.context, site.url, pages[1])
    page.goto(address)
    if name == "appeal":
        page.get_by_label("Why should it count?").fill("It was me, on my way home.")
    page.get_by_role("button", name=button).click()
    if name == "check":
        expect(page.get_by_role("heading", name="Once more, please")).to_be_visible()
        page.wait_for_timeout(2_200)  # as long as a person takes to read it
        page.get_by_role("button", name=button).click()
    expect(page.get_by_text(answer).first).to_be_visible()
    assert page.errors == []
