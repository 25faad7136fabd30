"""Signing in with a password: rows A15 to A21 of docs/bad_inputs.md."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import parse
from werkzeug.test import TestResponse

from quilt.accounts.service import create_user
from quilt.app import create_app
from quilt.config import Settings
from quilt.database import db
from quilt.extensions import limiter
from tests.conftest import NOW
from tests.web.auth.conftest import Browser

PASSWORD = "forty needles"


@pytest.fixture(autouse=True)
def ana(app: Flask) -> None:
    create_user("ana@example.org", now=NOW, name="Ana", password=PASSWORD)


def try_password(
    browser: Browser, email: str = "ana@example.org", password: str = PASSWORD, **fields: str
) -> TestResponse:
    return browser.send("/sign-in/password", email=email, password=password, **fields)


def test_the_right_password(browser: Browser) -> None:
    answer = try_password(browser, email=" ANA@example.org", next="/me")
    assert (answer.status_code, answer.location) == (302, "/me")
    assert browser.is_signed_in()


def test_without_an_address_nothing_is_said_to_be_kept(browser: Browser) -> None:
    assert "Your address is still here" in try_password(browser, password="wrong").text
    answer = try_password(browser, email="")
    assert answer.status_code == 401 and "Your address is still here" not in answer.text


def test_the_way_back_stays_on_this_site(browser: Browser) -> None:
    assert try_password(browser, next="//evil.example").location == "/"


def test_wrong_password_and_unknown_address_get_the_same_bytes(browser: Browser) -> None:  # A18, A19
    token, pages = browser.token(), set()
    for email in ("ana@example.org", "bea@example.org", "no address"):
        fields = {"csrf_token": token, "email": email, "password": "forty noodles"}
        answer = browser.client.post("/sign-in/password", data=fields)
        assert answer.status_code == 401 and "E-mail or password is wrong." in answer.text
        assert " open>" in answer.text and "noodles" not in answer.text, "a password is never shown again"
        pages.add(re.sub(r'(name="csrf_token" value|nonce)="[^"]+"', "", answer.text).replace(email, "…"))
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("size", "statuses"), [pytest.param(1_000_000, (413, 422), id="A17"), pytest.param(257, (422,), id="A17-257")]
)  # fmt: skip
def test_a_huge_password_is_refused_before_it_is_hashed(
    browser: Browser, size: int, statuses: tuple[int, ...]
) -> None:
    answer = try_password(browser, password="x" * size)
    assert answer.status_code in statuses and len(answer.data) <= 64 * 1024
    if answer.status_code == 422:
        assert "Use at most 256 characters." in answer.text


@pytest.fixture
def limited(settings: Settings, app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """A second application on the same database, with its limits on."""
    application = create_app(replace(settings, are_limits_on=True, data=tmp_path))
    yield application
    limiter.reset()
    limiter.enabled = settings.are_limits_on  # one limiter serves every application of a process
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


def fail(client: FlaskClient, address: str, email: str, password: str = "wrong needle") -> int:
    where = {"REMOTE_ADDR": address}
    page = client.get("/sign-in", environ_base=where).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    fields = {"csrf_token": token, "email": email, "password": password}
    return client.post("/sign-in/password", data=fields, environ_base=where).status_code


def test_ten_failures_for_one_account_from_anywhere(limited: Flask) -> None:  # A20
    owner = limited.test_client()
    assert fail(owner, "10.9.9.9", "ana@example.org", PASSWORD) == 302
    client = limited.test_client()
    statuses = [fail(client, f"10.0.0.{number}", "Ana@example.org") for number in range(11)]
    assert statuses == [401] * 10 + [429]
    where = {"REMOTE_ADDR": "10.0.1.1"}
    fields = {"csrf_token": Browser(client).token(), "email": "ana@example.org", "password": PASSWORD}
    answer = client.post("/sign-in/password", data=fields, environ_base=where)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert "Wait 5 minutes" in answer.text
    assert owner.get("/me").status_code == 200, "the owner stays signed in"
    assert fail(client, "10.0.2.1", "bea@example.org") == 401, "others may try"


def test_ten_failures_from_one_place(limited: Flask) -> None:
    client = limited.test_client()
    statuses = [fail(client, "10.0.0.1", f"person{number}@example.org") for number in range(11)]
    assert statuses == [401] * 10 + [429]
    assert fail(client, "10.0.0.2", "ana@example.org", PASSWORD) == 302


def test_a_code_is_still_to_be_had_when_passwords_are_limited(limited: Flask) -> None:
    client = limited.test_client()
    for number in range(11):
        fail(client, f"10.0.0.{number}", "ana@example.org")
    fields = {"csrf_token": Browser(client).token(), "email": "ana@example.org"}
    assert client.post("/sign-in", data=fields).location == "/sign-in/code"


def test_a_thousand_failures_everywhere_slow_passwords_down_and_nothing_else(limited: Flask) -> None:  # A21
    owner, stranger = limited.test_client(), limited.test_client()
    assert fail(owner, "10.9.9.9", "ana@example.org", PASSWORD) == 302
    everywhere = parse("1000 per 5 minutes")
    limiter.limiter.hit(everywhere, "all", "auth.sign_in_with_password", cost=999)
    assert fail(stranger, "10.0.0.1", "bea@example.org") == 401
    where = {"REMOTE_ADDR": "10.0.0.2"}
    fields = {"csrf_token": Browser(stranger).token(), "email": "ana@example.org", "password": PASSWORD}
    answer = stranger.post("/sign-in/password", data=fields, environ_base=where)
    assert answer.status_code == 429 and "Sign-in is busy" in answer.text and "Retry-After" in answer.headers
    assert owner.get("/me").status_code == 200
    assert stranger.post("/sign-in", data=fields).location == "/sign-in/code"
