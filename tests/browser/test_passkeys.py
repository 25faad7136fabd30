"""A passkey in a real browser, with a device that Chromium plays: made, used to sign in and to confirm, taken away."""

import itertools
import re
from urllib.parse import parse_qsl

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from quilt.accounts.models_security import Passkey, PasskeyChallenge
from quilt.accounts.service import create_user
from quilt.database import db, transaction
from quilt.mail import MailMessage
from tests.browser.chromium import open_page
from tests.conftest import NOW
from tests.live import open_site

pytestmark = pytest.mark.browser
PASSWORD = "forty needles"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    extra = {"QUILT_REQUIRE_SECOND_FACTOR": "on"}
    with open_site(tmp_path_factory.mktemp("site"), workers=1, extra=extra) as site:
        yield site


@pytest.fixture
def email(site):
    """A moderator's address."""
    address = f"mo{next(numbers)}@example.org"
    with site.app.app_context():
        create_user(address, now=NOW, name="Mo", role="moderator", password=PASSWORD)
    return address


def new_page(browser: Browser, site, **options) -> Page:
    """One device: passkeys belong to names, not to numbers, so the site is called localhost here."""
    home = f"http://localhost:{site.port}"
    page = open_page(browser, home, **options)
    page.home = home
    return page


def add_device(page: Page, *, is_unlocked: bool = True) -> tuple[object, str]:
    """Let Chromium play a device with a fingerprint; the session that commands it, and its number."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": is_unlocked, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def sign_in_with_password(page: Page, email: str, next_path: str = "/me") -> None:
    page.goto(f"/sign-in?next={next_path}")
    page.get_by_text("I have a password").click()
    page.locator("#password-email").fill(email)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{page.home}{next_path}")


def test_from_the_first_passkey_to_the_desk(browser: Browser, site, email: str) -> None:
    page = new_page(browser, site)
    add_device(page)
    page.goto("/sign-in")
    page.locator("#email").fill(email)
    page.get_by_text("I have a password").click()
    expect(page.locator("#password-email")).to_have_value(email)  # as it was typed above
    sign_in_with_password(page, email)
    page.goto("/admin")
    expect(page.get_by_text("your sign-in needs a second factor")).to_be_visible()
    page.get_by_label("A name for it").fill("My phone")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="My phone")).to_be_visible()
    page.goto("/admin")
    expect(page).to_have_url(f"{page.home}/admin")  # the device was unlocked a moment ago
    page.goto("/sign-in/confirm?next=/admin")
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url(f"{page.home}/admin")

    page.goto("/me")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{page.home}/")
    page.goto("/sign-in?next=/admin")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{page.home}/admin")  # it is both factors in one
    page.goto("/me/sessions")
    expect(page.get_by_text("This one")).to_be_visible()
    with site.app.app_context():
        [passkey] = db.session.scalars(select(Passkey)).all()
        assert passkey.sign_count >= 2 and passkey.used_at is not None
        assert db.session.scalars(select(PasskeyChallenge)).all() == [], "each challenge was used up"

    page.goto("/me/security")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    assert page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_everything_is_open(browser: Browser, site, email: str, scheme: str) -> None:
    page = browser.new_context(
        base_url=site.url, bypass_csp=True, color_scheme=scheme, viewport={"width": 390, "height": 844}
    ).new_page()
    page.home = site.url
    sign_in_with_password(page, email, "/me/security")
    page.get_by_role("button", name="Set up an app").click()
    expect(page.get_by_text("The letters", exact=True)).to_be_visible()
    for path in ("/me/security", "/me/sessions", "/me/privacy", "/sign-in/confirm", "/sign-in"):
        page.goto(path)
        found = Axe().run(page).response
        assert len(found["passes"]) > 10 and found["violations"] == [], (path, found["violations"])
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), path


def test_a_device_that_is_not_unlocked_opens_nothing(browser: Browser, site, email: str) -> None:
    page = new_page(browser, site)
    cdp, device = add_device(page)
    sign_in_with_password(page, email, "/me/security")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_text("Not used yet")).to_be_visible()
    page.goto("/me")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{page.home}/")
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Your device did not confirm it.")).to_be_visible()


def test_without_a_script_a_code_confirms_what_a_passkey_would(browser: Browser, site) -> None:
    with site.app.app_context():
        member = create_user("member@example.org", now=NOW, name="Ana", password=PASSWORD)
        passkey = Passkey(
            user_id=member.id, credential_id=b"far away", public_key=b"k", name="Phone", created_at=NOW
        )
        with transaction() as session:
            session.add(passkey)
    page = new_page(browser, site, java_script_enabled=False)
    sign_in_with_password(page, "member@example.org", "/me/security")
    page.get_by_role("link", name="Confirm that it is me").click()
    expect(page.get_by_role("button", name="Use your passkey")).to_be_hidden()
    page.get_by_role("button", name="Send me a code").click()
    with site.app.app_context():
        [letter] = db.session.scalars(
            select(MailMessage.text).where(MailMessage.kind == "sign_in_code")
        ).all()
    page.get_by_label("Code").fill(re.search(r"^\s+(\d{8})$", letter, re.MULTILINE)[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{page.home}/me/security")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_an_answer_counts_once_and_only_unaltered(browser: Browser, site, email: str) -> None:
    page = new_page(browser, site)
    add_device(page)
    sign_in_with_password(page, email, "/me/security")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_text("Not used yet")).to_be_visible()
    page.goto("/me")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{page.home}/")

    page.goto("/sign-in")
    sent = []
    page.on("request", lambda asked: asked.url.endswith("/sign-in/passkey") and sent.append(asked.post_data))
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{page.home}/")
    [body] = sent
    page.goto("/me")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{page.home}/")
    page.goto("/sign-in")
    token = page.locator("input[name=csrf_token]").first.input_value()
    form = {**dict(parse_qsl(body)), "csrf_token": token}
    again = page.request.post("/sign-in/passkey", form=form)
    assert again.status == 422 and "That passkey does not fit" in again.text(), "the same answer once more"
    page.request.post("/sign-in/passkey/question", form={"csrf_token": token})
    answer = page.request.post("/sign-in/passkey", form=form)
    assert answer.status == 422, "the answer to another question"
    assert page.request.get("/me", max_redirects=0).status == 302
