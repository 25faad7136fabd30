"""The desk's page of providers: what is on, what is missing, what to register, and the test button."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from quilt.accounts.providers import PROVIDERS
from quilt.config import Settings
from quilt.shares.connectors.table import CONNECTORS
from quilt.shares.sealing import new_key
from tests.factories import make_user
from tests.issuer import Issuer
from tests.shares.networks import ID, SECRET, Played, play_networks
from tests.web.auth.provider_browser import Traveller, open_app, sign_in_settings
from tests.web.site.browsing import sign_in


def posting_settings(address: str) -> dict[str, object]:
    return {
        "networks_at": address, "post_to": ("mastodon", "x"), "token_keys": (new_key(),), "x_client_id": ID,
        "x_client_secret": SECRET,
    }  # fmt: skip


@pytest.fixture
def played() -> Iterator[Played]:
    with play_networks() as server:
        yield server


@pytest.fixture
def posting_desk(app: Flask, settings: Settings, played: Played) -> Iterator[Traveller]:
    with open_app(settings, **posting_settings(played.address)) as site:
        browser = Traveller(site.test_client())
        sign_in(browser.client, make_user(role="admin"))
        yield browser


def list_rows(page: str) -> dict[str, str]:
    return dict(re.findall(r'class="item connection" id="([\w-]+)">(.*?)</li>', page, re.DOTALL))


@pytest.fixture
def desk(app: Flask, settings: Settings, issuer: Issuer) -> Iterator[Traveller]:
    values = sign_in_settings(issuer) | {"github_client_id": "our id"}
    with open_app(settings, **values) as site:
        browser = Traveller(site.test_client())
        sign_in(browser.client, make_user(role="admin"))
        yield browser


def test_every_provider_with_what_it_needs(desk: Traveller) -> None:
    page = desk.get("/admin/connections").text
    assert page.count('class="item connection"') == len(PROVIDERS) + len(CONNECTORS) == 10 + 6
    for name in PROVIDERS:
        assert f"<code>http://localhost/sign-in/with/{name}/callback</code>" in page
    rows = list_rows(page)
    assert "badge-good" in rows["oidc"] and "Not set" not in rows["oidc"]
    assert "badge-plain" in rows["github"] and "QUILT_GITHUB_CLIENT_SECRET" in rows["github"]
    assert "QUILT_GITHUB_CLIENT_ID" not in rows["github"] and "our id" not in page
    assert "a secret of the stub issuer" not in page


def test_the_test_button(desk: Traveller, issuer: Issuer) -> None:
    page = desk.send("/admin/connections/oidc/test").text
    assert "publishes 1 keys." in page and "notice-good" in page
    issuer.metadata = {"issuer": "https://evil.example"}
    assert "Not set: QUILT_GOOGLE_CLIENT_ID" in desk.send("/admin/connections/google/test").text
    assert desk.send("/admin/connections/nobody/test").status_code == 404


def test_every_network_one_can_post_to_with_what_it_needs(posting_desk: Traveller, desk: Traveller) -> None:
    rows, off = (
        list_rows(posting_desk.get("/admin/connections").text),
        list_rows(desk.get("/admin/connections").text),
    )
    for name, connector in CONNECTORS.items():
        assert f"<code>http://localhost/me/connections/{name}/back</code>" in rows[f"post-{name}"]
        assert connector.review in rows[f"post-{name}"].replace("&#39;", "'")
        assert f"QUILT_POST_TO={name}" in off[f"post-{name}"] and "badge-plain" in off[f"post-{name}"]
    assert [name for name in CONNECTORS if "badge-good" in rows[f"post-{name}"]] == ["mastodon", "x"]
    assert "QUILT_REDDIT_CLIENT_ID" in rows["post-reddit"] and "QUILT_X_CLIENT_ID" not in rows["post-x"]
    assert SECRET not in "".join(rows.values())


def test_the_test_button_of_a_network(posting_desk: Traveller, played: Played) -> None:
    page = posting_desk.send("/admin/connections/posting/x/test").text
    assert (
        "It answers: the token endpoint says" in list_rows(page)["post-x"] and page.count("notice-good") == 1
    )
    page = posting_desk.send("/admin/connections/posting/reddit/test").text
    assert "Not set: QUILT_POST_TO=reddit, QUILT_REDDIT_CLIENT_ID" in list_rows(page)["post-reddit"]
    assert "Each server is asked" in posting_desk.send("/admin/connections/posting/mastodon/test").text
    assert posting_desk.send("/admin/connections/posting/nobody/test").status_code == 404
    assert played.posts == [] and played.tokens == {}


def test_a_network_that_is_away_is_said_to_be(app: Flask, settings: Settings) -> None:
    nowhere = posting_settings("http://127.0.0.1:9")
    with open_app(settings, **nowhere) as site:
        browser = Traveller(site.test_client())
        sign_in(browser.client, make_user(role="admin"))
        page = browser.send("/admin/connections/posting/x/test").text
    assert "X does not answer" in list_rows(page)["post-x"] and "notice-bad" in page


def test_members_do_not_find_it(desk: Traveller) -> None:
    sign_in(desk.client, make_user())
    assert desk.get("/admin/connections").status_code == 404
