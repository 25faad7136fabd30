"""The desk's page of providers: what is on, what is missing, what to register, and the test button."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from quilt.accounts.providers import PROVIDERS
from quilt.config import Settings
from tests.factories import make_user
from tests.issuer import Issuer
from tests.web.auth.provider_browser import Traveller, open_app, sign_in_settings
from tests.web.site.browsing import sign_in


@pytest.fixture
def desk(app: Flask, settings: Settings, issuer: Issuer) -> Iterator[Traveller]:
    values = sign_in_settings(issuer) | {"github_client_id": "our id"}
    with open_app(settings, **values) as site:
        browser = Traveller(site.test_client())
        sign_in(browser.client, make_user(role="admin"))
        yield browser


def test_every_provider_with_what_it_needs(desk: Traveller) -> None:
    page = desk.get("/admin/connections").text
    assert page.count('class="item connection"') == len(PROVIDERS) == 10
    for name in PROVIDERS:
        assert f"<code>http://localhost/sign-in/with/{name}/callback</code>" in page
    rows = dict(re.findall(r'id="(\w+)">(.*?)</li>', page, re.DOTALL))
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


def test_members_do_not_find_it(desk: Traveller) -> None:
    sign_in(desk.client, make_user())
    assert desk.get("/admin/connections").status_code == 404
