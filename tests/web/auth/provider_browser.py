"""A browser that goes to a provider and comes back, and a site where one is on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity
from quilt.app import create_app
from quilt.config import Settings
from quilt.database import db
from tests.conftest import Browser as Client
from tests.conftest import do_not_wait_for_the_disk
from tests.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.web.auth.conftest import Browser
from tests.web.site.browsing import PERSON


@contextmanager
def open_app(settings: Settings, **values: object) -> Iterator[Flask]:
    """A second application on the same database, with these settings; one for all tests that want the same."""
    application = _make_app(settings, tuple(sorted(values.items())))
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


@lru_cache(maxsize=8)
def _make_app(settings: Settings, values: tuple[tuple[str, object], ...]) -> Flask:
    application = create_app(replace(settings, **dict(values)))
    application.config["TESTING"] = False
    application.test_client_class = Client
    do_not_wait_for_the_disk(application)
    return application


def sign_in_settings(issuer: Issuer) -> dict[str, object]:
    return {
        "oidc_issuer": issuer.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "The valley's login",
    }  # fmt: skip


class Traveller(Browser):
    """A person's browser, on its way to the issuer and back."""

    def leave(self, name: str = "oidc", page: str = "/sign-in", **fields: object) -> str:
        """Press the provider's button and return the address that the page goes on to."""
        return destination_of(self.send(f"/sign-in/with/{name}", page=page, **fields))

    def come_back(self, arguments: dict[str, str], name: str = "oidc") -> TestResponse:
        return self.client.get(f"/sign-in/with/{name}/callback", query_string=arguments, headers=PERSON)

    def is_signed_in(self) -> bool:
        return "You are signed in as" in self.client.get("/sign-in").text

    def travel(self, issuer: Issuer, subject: str = "sub-1", **account: object) -> TestResponse:
        return self.come_back(issuer.consent(self.leave(), subject, **account))

    def vote_with(self, entry: object, provider: str = "oidc") -> TestResponse:
        """Press the provider's button in the vote box of the entry's page."""
        page = self.client.get(f"/entries/{entry.id}-{entry.slug}", headers=PERSON).text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]
        assert f'name="provider" value="{provider}"' in page
        fields = {"ticket": ticket, "via": "", "c": "", "provider": provider}
        return self.client.post(f"/entries/{entry.id}/vote", data=fields, headers=PERSON)


def destination_of(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    seconds, _, address = answer.headers["Refresh"].partition("; url=")
    assert seconds == "0" and address.replace("&", "&amp;") in answer.text
    return address


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def assert_nobody_came_in(traveller: Traveller) -> None:
    assert not traveller.is_signed_in()
    assert (count(User), count(Identity)) == (0, 0)
