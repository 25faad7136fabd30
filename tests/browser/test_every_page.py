"""axe-core finds nothing on any page of the site with everything on it opened, and none scrolls sideways.

The pages are those of the table of routes, so a new one is looked at without a word here: one on a phone by day, the
next on a desk by night. The main pages are looked at both ways in test_accessibility.py.
"""

import secrets
import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from quilt.accounts.models_security import Passkey
from quilt.database import db
from quilt.web.clock import now
from tests.browser.chromium import add_cookie, make_agent
from tests.browser.test_accessibility import FAST
from tests.factories import save
from tests.guards.routes import ROUTES, Who
from tests.guards.test_routes import list_paths, make_cast

pytestmark = pytest.mark.browser
ROLES = {
    Who.EVERYBODY: "", Who.SIGNED_IN: "member", Who.AUTHOR: "member", Who.JUDGE: "member", Who.ENTRANT: "entrant",
    Who.STAFF: "admin", Who.ADMIN: "admin", Who.NOBODY: "",
}  # fmt: skip
LEFT_OUT = {
    "site.show_letter",  # the HTML of somebody's mail as it was sent
    # looked at both ways in test_accessibility.py
    "site.show_home", "site.show_contest", "site.show_rules", "site.show_contest_spread", "site.show_entry",
    "site.show_spread", "site.show_share", "site.start_entry", "site.show_me", "auth.show_sign_in", "admin.show_queue",
    "admin.show_review", "admin.show_log", "widget.show_embed",
}  # fmt: skip
LEAST_PAGES = 25  # of each half
OPEN = "for (const part of document.querySelectorAll('details')) part.open = true"
IS_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def scenes(site):
    """For each state of an entry that a route wants: where its pages are, and whom they are shown to."""
    with site.app.app_context():
        casts = {
            state: make_cast(site.settings, state)
            for state in sorted({route.state for (_, method), route in ROUTES.items() if method == "GET"})
        }
        for cast in casts.values():
            member = cast.arguments["user_id"]
            save(
                Passkey(
                    user_id=member,
                    credential_id=secrets.token_bytes(8),
                    public_key=b"k",
                    name="Phone",
                    created_at=now(),
                )
            )
        pages = [
            (path, route.state, ROLES[route.who])
            for (endpoint, method), route in ROUTES.items()
            if method == "GET" and endpoint not in LEFT_OUT
            for path in list_paths(site.app, endpoint, casts[route.state])
        ]
        serializer = site.app.session_interface.get_signing_serializer(site.app)
        shown = {
            "fresh_at": int(time.time()),
            "factor_at": int(time.time()),
        }  # forms for who has shown who they are
        cookies = {
            (
                state,
                role,
            ): f"{site.app.config['SESSION_COOKIE_NAME']}={serializer.dumps({**session, **shown})}"
            for state, cast in casts.items()
            for role, session in cast.sessions.items()
        }
        db.session.remove()
    return pages, cookies


@pytest.mark.parametrize(
    ("width", "height", "scheme", "turn"),
    [(390, 844, "light", 0), (1280, 900, "dark", 1)],
    ids=["phone", "desk"],
)
def test_axe_finds_nothing_on_any_page(browser, site, scenes, width, height, scheme, turn):
    pages, cookies = scenes
    context = browser.new_context(
        base_url=site.url, user_agent=make_agent(901), viewport={"width": width, "height": height},
        color_scheme=scheme, reduced_motion="reduce", bypass_csp=True,
    )  # fmt: skip
    found, looked_at, asked = {}, 0, set()
    context.on("request", lambda request: asked.add(request.url))
    page = context.new_page()
    for path, state, role in pages[turn::2]:
        context.clear_cookies()
        if role:
            add_cookie(context, site.url, cookies[state, role])
        told = context.request.get(path, max_redirects=0)
        if told.status != 200 or not told.headers.get("content-type", "").startswith("text/html"):
            continue
        page.goto(path)
        page.evaluate(OPEN)
        looked_at += 1
        violations = Axe().run(page, options=FAST).response["violations"]
        problems = [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in violations]
        problems += ["scrolls sideways"] * page.evaluate(IS_WIDE)
        if problems:
            found[f"{path} as {role or 'nobody'}"] = problems
    context.close()
    assert looked_at >= LEAST_PAGES
    assert found == {}
    foreign = {url for url in asked if not url.startswith((f"{site.url}/", "data:", "blob:"))}
    assert len(asked) > LEAST_PAGES and foreign == set()
