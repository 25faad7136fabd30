"""A real Bluesky server: connect with consent clicked in Chromium, post with facets and card, read it back, follow
its link, disconnect. Run by `make test-bluesky`, which installs the server first."""

import json
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from quilt.arrivals.models import Arrival
from quilt.database import db
from quilt.media.models import Video
from quilt.media.storage import results_of
from quilt.shares.models_posting import Connection, Post
from quilt.shares.sealing import new_key, unseal
from tests.browser.chromium import make_agent, open_chromium
from tests.factories import make_contest, make_entry, make_user
from tests.live import open_site, sign_cookie

HERE = Path(__file__).parent
SOON = 30_000
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (HERE / "node_modules").exists(), reason="`make test-bluesky` installs the server"
    ),
]


@contextmanager
def open_server():
    """The server of server.mjs: its addresses and its one account."""
    server = subprocess.Popen(
        ["node", str(HERE / "server.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield json.loads(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()


def say_yes(page: Page, facts: dict) -> None:
    """Sign in there and allow what we ask for."""
    page.wait_for_url(lambda address: address.startswith(facts["url"]), timeout=SOON)
    password = page.locator('input[type="password"]')
    password.wait_for(timeout=SOON)
    handle = page.locator('input[name="username"]')
    if handle.count() and handle.is_editable():
        handle.fill(facts["handle"])
    password.fill(facts["password"])
    page.get_by_role("button", name="Sign in").last.click()
    page.get_by_role("button", name="Authorize").or_(page.get_by_role("button", name="Accept")).first.click(
        timeout=SOON
    )


def read_posts(facts: dict) -> list[dict]:
    """The account's posts as anybody may read them."""
    query = f"repo={facts['did']}&collection=app.bsky.feed.post"
    with urlopen(f"{facts['url']}/xrpc/com.atproto.repo.listRecords?{query}", timeout=20) as answer:
        return [row["value"] for row in json.load(answer)["records"]]


def prepare(site):
    """An open contest with one entry that has a card, and somebody who is signed in: (entry, cookie)."""
    moment = datetime.now(UTC)
    contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
    entry = make_entry(contest, title="Der Bücherbus 🧵")
    key = f"cd/cd{'1' * 30}.jpg"
    card = results_of(site.settings).path(key)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_bytes((HERE / "card.jpg").read_bytes())
    db.session.execute(update(Video).where(Video.id == entry.video_id).values(card_key=key))
    db.session.commit()
    name, _, value = sign_cookie(site.app, make_user(name="Ana").id).partition("=")
    return entry.id, entry.slug, {"name": name, "value": value, "url": site.url}


def test_connect_post_follow_disconnect(tmp_path):
    keys = new_key()
    with open_server() as facts, open_chromium() as browser:
        extra = {
            "QUILT_POST_TO": "bluesky", "QUILT_TOKEN_KEYS": keys, "QUILT_BLUESKY_RESOLVER": facts["url"],
            "QUILT_BLUESKY_DIRECTORY": facts["directory"],
        }  # fmt: skip
        with open_site(tmp_path / "site", workers=1, has_worker=True, extra=extra) as site:
            with site.app.app_context():
                entry_id, slug, cookie = prepare(site)
            context = browser.new_context(base_url=site.url, user_agent=make_agent(1))
            context.add_cookies([cookie])
            page = context.new_page()
            page.set_default_timeout(SOON)
            page.goto(f"/entries/{entry_id}-{slug}")
            expect(page.locator("html[data-counted=yes]")).to_be_attached(timeout=SOON)
            page.goto(f"/entries/{entry_id}/share")
            page.get_by_text("Connect an account of yours").click()
            page.get_by_label("Your handle").fill(facts["handle"])
            page.get_by_role("button", name="Connect Bluesky").click()
            say_yes(page, facts)
            page.wait_for_url(f"{site.url}/entries/{entry_id}/share", timeout=SOON)
            tokens = read_tokens(site, keys)
            page.get_by_role("link", name="Bluesky @ana.test").click()
            page.get_by_label("Your words").fill("Für alle, die lesen 🧵")
            page.get_by_role("button", name="See it first").click()
            page.get_by_role("button", name="Post this to Bluesky").click()
            expect(page.get_by_role("heading", name="Posted")).to_be_visible(timeout=60_000)
            link = check_post(facts, site, entry_id)
            follow(browser, site, link)
            page.goto("/me/connections")
            page.get_by_role("button", name="Disconnect").click()
            expect(page.get_by_text("has forgotten our key, and so have we")).to_be_visible()
            with site.app.app_context():
                assert db.session.scalars(select(Connection)).all() == []
            assert not is_renewed(facts, site, tokens)


def read_tokens(site, keys: str) -> dict[str, str]:
    with site.app.app_context():
        row = db.session.scalars(select(Connection)).one()
        assert row.handle == "@ana.test"
        return unseal(row.sealed, (keys,))


def check_post(facts: dict, site, entry_id: int) -> str:
    """What stands there is what was confirmed; returns the link in it."""
    (post,) = read_posts(facts)
    with site.app.app_context():
        kept = db.session.scalars(select(Post)).one()
        assert kept.remote_url.startswith(f"https://bsky.app/profile/{facts['did']}/post/")
        link = kept.link
        card = db.session.scalars(select(Video.card_key)).one()  # the worker may have drawn it anew by now
        picture = results_of(site.settings).path(card).read_bytes()
    assert post["text"] == f"Für alle, die lesen 🧵\n\n{link}" and link.endswith("?c=bs")
    (facet,) = post["facets"]
    index, raw = facet["index"], post["text"].encode()
    assert raw[index["byteStart"] : index["byteEnd"]].decode() == link == facet["features"][0]["uri"]
    external = post["embed"]["external"]
    assert external["uri"] == link and external["title"] == "Der Bücherbus 🧵"
    thumb = external["thumb"]
    assert thumb["mimeType"] == "image/jpeg" and thumb["size"] == len(picture)
    query = f"did={quote(facts['did'])}&cid={thumb['ref']['$link']}"
    with urlopen(f"{facts['url']}/xrpc/com.atproto.sync.getBlob?{query}", timeout=20) as answer:
        assert answer.read() == picture
    return link


def follow(browser, site, link: str) -> None:
    """Somebody else opens the post's link: a child in the tree, by the channel bs."""
    page = browser.new_context(user_agent=make_agent(2)).new_page()
    page.goto(link)
    expect(page.locator("html[data-counted=yes]")).to_be_attached(timeout=SOON)
    with site.app.app_context():
        author, child = db.session.scalars(select(Arrival).order_by(Arrival.id)).all()
        assert (child.parent_id, child.channel, child.depth) == (author.id, "bs", 2)


def is_renewed(facts: dict, site, tokens: dict[str, str]) -> bool:
    """Whether the server still gives new tokens for the old ones."""
    import dataclasses

    from quilt.accounts.proofs import Interrupted
    from quilt.shares.connectors.table import CONNECTORS
    from quilt.shares.granting import PostTrip, renew

    settings = dataclasses.replace(site.settings, bluesky_directory=facts["directory"])
    connector = CONNECTORS["bluesky"]
    time.sleep(0.1)
    try:
        renew(PostTrip(connector.provider, settings, datetime.now(UTC), connector), "", tokens)
    except Interrupted:
        return False
    return True
