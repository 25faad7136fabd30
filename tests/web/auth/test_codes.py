"""Signing in by a mailed code: rows A01 to A14, A26 and E01 to E08 of docs/bad_inputs.md, and the good way."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from quilt.accounts.models import EmailCode, User
from quilt.accounts.service import expire_codes
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.mail import MailMessage
from tests.factories import make_user
from tests.web.auth.conftest import Browser

LONGEST_ANSWER = 64 * 1024


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def assert_nothing_happened() -> None:
    assert [count(model) for model in (User, EmailCode, MailMessage)] == [0, 0, 0]


def assert_plain_answer(answer: TestResponse) -> None:
    assert len(answer.data) <= LONGEST_ANSWER and "Traceback" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


def without_tokens(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"|nonce="[^"]+"', "", page)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("", "Enter an e-mail address.", id="A01"),
        pytest.param("plainaddress", "That does not look like an e-mail address.", id="A02"),
        pytest.param("a@" + "b" * 300_000 + ".com", "That address is too long.", id="A03"),
        pytest.param("victim@x.example\r\nBcc: all@x.example", "does not look like", id="A05"),
        pytest.param("a@x.example%0d%0aSubject:x", "does not look like", id="A06"),
        pytest.param('"quoted string"@x.example', "does not look like", id="A07"),
        pytest.param("user@[127.0.0.1]", "does not look like", id="A07-ip"),
        pytest.param("a..b@x.example", "does not look like", id="A07-dots"),
    ],
)
def test_an_address_that_is_none(browser: Browser, typed: str, words: str) -> None:
    token = browser.token()
    began = time.perf_counter()
    answer = browser.client.post("/sign-in", data={"csrf_token": token, "email": typed, "next": "/submit"})
    assert time.perf_counter() - began < 2
    assert answer.status_code == 422 and words in answer.text
    assert 'role="alert" tabindex="-1" autofocus' in answer.text and 'aria-invalid="true"' in answer.text
    assert 'name="next" type="hidden" value="/submit"' in answer.text
    assert_plain_answer(answer)
    assert_nothing_happened()


def test_an_empty_body(browser: Browser) -> None:
    token = browser.token()
    answer = browser.client.post("/sign-in", data={}, headers={"X-CSRFToken": token})
    assert answer.status_code == 422 and "Enter an e-mail address." in answer.text
    assert_nothing_happened()


def test_what_was_typed_is_still_there(browser: Browser) -> None:
    assert 'value="ana@x"' in browser.send("/sign-in", email="ana@x").text


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(b"email=a@x.example%00", id="A08"),
        pytest.param(b"email=a\x00@x.example", id="A08-raw"),
        pytest.param(b"email=%ed%a0%80@x.example", id="A08-surrogate"),
        pytest.param(b"email=%ff%fe@x.example", id="A08-bytes"),
        pytest.param(b"email=\xff\xfe@x.example", id="A08-raw-bytes"),
    ],
)
def test_what_cannot_be_read(browser: Browser, field: bytes) -> None:
    body = b"csrf_token=" + browser.token().encode() + b"&" + field
    answer = browser.client.post("/sign-in", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400 and "We could not read that request." in answer.text
    assert_nothing_happened()
    assert browser.send("/sign-in", email="ana@example.org").status_code == 302


@pytest.mark.parametrize("path", ["/sign-in?next=%00", "/sign-in%00", "/contests/a%00b"])
def test_a_zero_in_the_address_is_no_crash(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code in (400, 404)


def test_a_lookalike_address_is_an_identity_of_its_own(  # A09
    browser: Browser, mailed_code: Callable[[], str]
) -> None:
    admin = make_user("admin@example.com", role="admin")
    browser.send("/sign-in", email="аdmin@example.com")
    answer = browser.get("/sign-in/code")
    assert answer.status_code == 202 and "Check your inbox." in answer.text
    browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert browser.is_signed_in() and count(User) == 2
    newest = db.session.scalars(select(User).order_by(User.id.desc())).first()
    assert newest.id != admin.id and newest.role == "member"


def test_a_known_address_gets_the_same_answer_as_a_new_one(app: Flask) -> None:  # A14
    make_user("known@example.org")
    pages = []
    for address in ("known@example.org", "fresh@example.org"):
        browser = Browser(app.test_client())
        answer = browser.send("/sign-in", email=address)
        page = browser.get(answer.location)
        pages.append((answer.status_code, page.status_code, without_tokens(page.text).replace(address, "…")))
    assert pages[0] == pages[1] and pages[0][:2] == (302, 202)


def test_another_host_name_makes_no_letter(app: Flask, browser: Browser, settings: Settings) -> None:  # A26
    evil = {"Host": "evil.example"}
    page = browser.get("/sign-in", headers=evil).text  # its cookie is kept for that name
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    app.extensions["quilt_settings"] = replace(settings, environment="production")
    try:
        fields = {"csrf_token": token, "email": "ana@example.org"}
        answer = browser.client.post("/sign-in", data=fields, headers=evil)
    finally:
        app.extensions["quilt_settings"] = settings
    assert answer.status_code == 400
    assert_nothing_happened()


def test_a_letter_names_the_configured_address_alone(browser: Browser, settings: Settings) -> None:
    browser.send("/sign-in", email="ana@example.org")
    mail = db.session.scalars(select(MailMessage)).one()
    assert settings.base_url in mail.text and settings.base_url == "http://localhost"


def test_the_whole_way_in(browser: Browser, mailed_code: Callable[[], str]) -> None:
    assert browser.get("/me").location == "/sign-in?next=/me"
    answer = browser.send("/sign-in", page="/sign-in?next=/me", email="Ana@example.org", next="/me")
    assert answer.location == "/sign-in/code"
    page = browser.get("/sign-in/code")
    assert page.status_code == 202 and "Ana@example.org" in page.text
    assert 'inputmode="numeric"' in page.text and 'autocomplete="one-time-code"' in page.text
    code = mailed_code()
    answer = browser.send("/sign-in/code", page="/sign-in/code", code=f" {code[:4]} {code[4:]} ")
    assert (answer.status_code, answer.location) == (302, "/me")
    assert browser.is_signed_in()


@pytest.mark.parametrize(
    ("code", "words"),
    [("", "eight digits"), ("12345", "eight digits"), ("99999999", "not right"), ("<b>", "eight digits")],
)
def test_a_wrong_code_may_be_mended(
    browser: Browser, mailed_code: Callable[[], str], code: str, words: str
) -> None:
    browser.send("/sign-in", email="ana@example.org")
    answer = browser.send("/sign-in/code", page="/sign-in/code", code=code)
    assert (
        answer.status_code == 422
        and words in answer.text
        and "<b>" not in re.sub("<b>.*?</b>", "", answer.text)
    )
    assert_plain_answer(answer)
    assert browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code()).status_code == 302


def test_after_six_wrong_codes_one_asks_for_another(browser: Browser, mailed_code: Callable[[], str]) -> None:
    browser.send("/sign-in", email="ana@example.org")
    for _ in range(6):
        assert browser.send("/sign-in/code", page="/sign-in/code", code="99999999").status_code == 422
    answer = browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert answer.status_code == 429 and "Ask for a new code." in answer.text
    browser.send("/sign-in", email="ana@example.org")
    assert browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code()).status_code == 302


def test_a_code_works_once_and_in_its_own_browser(
    app: Flask, browser: Browser, mailed_code: Callable[[], str]
) -> None:
    other = Browser(app.test_client())
    browser.send("/sign-in", email="ana@example.org")
    code, token = mailed_code(), browser.token("/sign-in/code")
    with browser.client.session_transaction() as session:
        kept = dict(session)
    assert other.send("/sign-in/code", code=code).status_code == 410
    assert browser.client.post("/sign-in/code", data={"csrf_token": token, "code": code}).status_code == 302
    again = app.test_client()
    with again.session_transaction() as session:
        session.update(kept)
    answer = again.post("/sign-in/code", data={"csrf_token": token, "code": code})
    assert answer.status_code == 410 and "was used" in answer.text


def test_a_code_that_is_too_old_leads_to_a_new_one(browser: Browser, mailed_code: Callable[[], str]) -> None:
    browser.send("/sign-in", email="ana@example.org")
    with transaction() as session:
        expire_codes(session, "ana@example.org")
    answer = browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert answer.status_code == 422 and "older than ten minutes" in answer.text
    button = re.search(r"<button[^>]*>Send a new code", answer.text)
    assert button is not None and "button-primary" in button[0]


def test_the_code_page_without_a_code_asked_for(browser: Browser) -> None:
    assert browser.get("/sign-in/code").location == "/sign-in"


def test_a_sixth_code_within_the_hour(browser: Browser) -> None:
    for _ in range(5):
        assert browser.send("/sign-in", email="ana@example.org").status_code == 302
    answer = browser.send("/sign-in", email="ana@example.org")
    assert answer.status_code == 429 and "Use the newest" in answer.text and count(MailMessage) == 5


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param("//evil.example", id="E01"),
        pytest.param("/\\evil.example", id="E02"),
        pytest.param("/%5cevil.example", id="E02-encoded"),
        pytest.param("\\\\evil.example", id="E02-back"),
        pytest.param("/%09/evil.example", id="E03"),
        pytest.param("/\t/evil", id="E03-raw"),
        pytest.param("/\r\n/evil", id="E03-lines"),
        pytest.param("javascript:alert(1)", id="E05"),
        pytest.param("data:text/html,x", id="E05-data"),
        pytest.param("vbscript:x", id="E05-vb"),
        pytest.param("https://quilt.example@evil.example", id="E06"),
        pytest.param("https://quilt.example.evil.example", id="E06-suffix"),
        pytest.param("https://quilt.example%2f@evil", id="E06-encoded"),
        pytest.param("%01//evil.example", id="E07"),
        pytest.param(" /me", id="E07-space"),
        pytest.param("\ufeff/me", id="E07-mark"),
        pytest.param("/me\r\nSet-Cookie: a=b", id="E08"),
    ],
)
def test_the_way_back_stays_on_this_site(browser: Browser, mailed_code: Callable[[], str], wish: str) -> None:
    page = browser.client.get("/sign-in", query_string={"next": wish})
    assert "evil" not in page.text
    browser.send("/sign-in", email="ana@example.org", next=wish)
    answer = browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert (answer.status_code, answer.location) == (302, "/")
    assert "a=b" not in str(answer.headers)


def test_signing_in_begins_a_fresh_session(browser: Browser, mailed_code: Callable[[], str]) -> None:
    browser.send("/sign-in", email="ana@example.org")
    before = browser.token("/sign-in/code")
    with browser.client.session_transaction() as session:
        session["planted"] = "by somebody else"
    answer = browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Expires=" in cookie
    with browser.client.session_transaction() as session:
        assert "planted" not in session and "pending_sign_in" not in session
    assert browser.client.post("/sign-out", data={"csrf_token": before}).status_code == 403


def test_signing_out(browser: Browser, mailed_code: Callable[[], str]) -> None:
    browser.send("/sign-in", email="ana@example.org")
    browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert browser.client.get("/sign-out").status_code == 405
    assert browser.send("/sign-out", page="/me").location == "/"
    assert not browser.is_signed_in()


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-in/password", "/sign-out"])
def test_no_form_of_another_page_is_taken(browser: Browser, path: str) -> None:
    answer = browser.client.post(path, data={"email": "ana@example.org"})
    assert answer.status_code == 403 and "your text is kept" in answer.text
    foreign = {"Origin": "https://evil.example"}
    fields = {"csrf_token": browser.token(), "email": "ana@example.org"}
    assert browser.client.post(path, data=fields, headers=foreign).status_code == 403
    assert_nothing_happened()
