"""axe-core finds nothing on the main pages, on a phone by day and on a desk by night."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from tests.browser.chromium import add_cookie, make_agent
from tests.factories import make_contest, make_entry, make_user
from tests.live import sign_cookie
from tests.spreads import STATES, plant

SHAPES = ("five", "star", "chain", "mixed")
FAST = {"resultTypes": ["violations"]}  # the nodes that are fine are not gathered
pytestmark = pytest.mark.browser
LOOKS = {"a phone by day": (390, 844, "light"), "a desk by night": (1280, 900, "dark")}
PAGES = {
    "home": ("/", ""),
    "stories": ("/contests/ten?view=grid", ""),
    "quilt": ("/contests/ten?view=quilt", ""),
    "standings": ("/contests/ten?view=standings", ""),
    "rules": ("/contests/ten/rules", ""),
    "contest spread": ("/contests/ten/spread", ""),
    "entry": ("/entries/{entry}", ""),
    "spread": ("/entries/{entry}/spread", ""),
    "young spread": ("/entries/{young}/spread", ""),
    "spread of five": ("/entries/{five}/spread", ""),
    "spread of a star": ("/entries/{star}/spread", ""),
    "spread of a chain": ("/entries/{chain}/spread?scale=log", ""),
    "spread of a mixture": ("/entries/{mixed}/spread", ""),
    "spread as it was": ("/entries/{mixed}/spread?at=60", ""),
    "share": ("/entries/{entry}/share", ""),
    "sign in": ("/sign-in", ""),
    "outbox": ("/outbox", ""),
    "not found": ("/nowhere", ""),
    "embed": ("/embed/{entry}", ""),
    "enter": ("/submit", "member"),
    "me": ("/me", "member"),
    "queue": ("/admin", "moderator"),
    "review": ("/admin/entries/{waiting}", "moderator"),
    "log": ("/admin/log", "moderator"),
}


@pytest.fixture(scope="module")
def scene(site):
    """A contest with a spread to look at, something to decide, and people to look as."""
    moment = datetime.now(UTC)
    with site.app.app_context():
        contest = make_contest("ten", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entry, young = make_entry(contest).id, make_entry(contest, title="Seeds for Nyeri").id
        waiting = make_entry(contest, state="submitted", title="Ada codes").id
        codes = [""]
        for person in range(24):
            visit = Visit(
                entry, person.to_bytes(8), via=codes[person // 2], channel=("wa", "copy")[person % 2]
            )
            codes.append(record_arrival(visit, None, now=moment, entropy=secrets.token_bytes).code)
        fold_waiting(moment)
        shapes = {shape: make_entry(contest, title=f"A {shape}").id for shape in SHAPES}
        for shape, shaped in shapes.items():
            plant(shaped, STATES[shape](), moment)
        cookies = {role: sign_cookie(site.app, make_user(role=role).id) for role in ("member", "moderator")}
    return {"entry": entry, "young": young, "waiting": waiting, **shapes}, cookies


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(browser, site, scene, look):
    ids, cookies = scene
    width, height, scheme = LOOKS[look]
    found, looked_at = {}, 0
    context = browser.new_context(
        base_url=site.url,
        user_agent=make_agent(900),
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        bypass_csp=True,
    )
    page = context.new_page()
    for name, (path, role) in PAGES.items():
        context.clear_cookies()  # nobody has been here before
        if role:
            add_cookie(context, site.url, cookies[role])
        page.goto(path.format(**ids))
        results = Axe().run(page, options=FAST)
        looked_at += len(results.response["passes"])
        is_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        problems = [
            f"{violation['id']}: {violation['nodes'][0]['html'][:160]}"
            for violation in results.response["violations"]
        ]
        problems += ["scrolls sideways"] * is_wide
        if problems:
            found[name] = problems
    context.close()
    assert looked_at > 10 * len(PAGES)
    assert found == {}
