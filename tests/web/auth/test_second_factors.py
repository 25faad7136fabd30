"""The second factor of those who decide about others: set up, asked for, replaced by a code on paper, taken off."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from quilt.accounts.models import User
from quilt.accounts.models_security import Authenticator, RecoveryCode
from quilt.accounts.second_factors import find_factors, reset_factors
from quilt.accounts.service import create_user, set_role
from quilt.accounts.totp import STEP_SECONDS, digits_at
from quilt.app import create_app
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.mail import MailMessage
from quilt.web import clock
from tests.conftest import NOW
from tests.conftest import Browser as Client
from tests.web.auth.conftest import Browser

PASSWORD = "forty needles"
SECURITY, CONFIRM = "/me/security", "/sign-in/confirm"


@pytest.fixture
def strict(settings: Settings, app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """A second application on the same database that asks staff for their second factor, with limits."""
    application = create_app(replace(settings, require_second_factor=True, are_limits_on=True, data=tmp_path))
    application.test_client_class = Client
    yield application
    limiter.reset()
    limiter.enabled = settings.are_limits_on
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def mo(app: Flask) -> User:
    return create_user("mo@example.org", now=NOW, name="Mo", role="moderator", password=PASSWORD)


def enter(app: Flask) -> Browser:
    browser = Browser(app.test_client())
    assert browser.send("/sign-in/password", email="mo@example.org", password=PASSWORD).status_code == 302
    return browser


def read_secret(browser: Browser) -> str:
    return re.search(r"<code>([A-Z2-7 ]{39})</code>", browser.get(SECURITY).text)[1].replace(" ", "")


def show_digits(secret: str, steps: int = 0) -> str:
    return digits_at(secret, int(clock.now().timestamp()) // STEP_SECONDS + steps)


def set_up(browser: Browser) -> tuple[str, list[str]]:
    """Set an app up; its secret and the codes on paper."""
    browser.send(f"{SECURITY}/app", page=SECURITY, next="/admin")
    secret = read_secret(browser)
    answer = browser.send(f"{SECURITY}/app/confirm", page=SECURITY, digits=show_digits(secret), next="/admin")
    assert answer.status_code == 200 and 'href="/admin"' in answer.text
    return secret, re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", answer.text)


def test_staff_without_a_second_factor_are_led_to_one(strict: Flask, mo: User) -> None:
    browser = enter(strict)
    assert 'href="/admin"' in browser.get("/me").text
    assert browser.get("/admin").location == f"{CONFIRM}?next=/admin"
    led = browser.get(f"{CONFIRM}?next=/admin").location
    assert led == f"{SECURITY}?next=/admin#second-factor"
    assert "needs a second factor" in browser.get(led).text
    _, codes = set_up(browser)
    assert len(set(codes)) == 10 and browser.get("/admin").status_code == 200
    assert db.session.scalars(select(MailMessage.subject)).all() == [
        "Your authenticator app is set up at Quilt"
    ]


def test_until_then_their_role_sleeps(strict: Flask, mo: User) -> None:
    browser = enter(strict)
    assert browser.send("/comments/1/hide", page="/me").location == f"{CONFIRM}?next=/comments/1/hide"
    assert browser.get("/me").status_code == 200


def test_a_new_session_is_asked_for_digits(strict: Flask, mo: User) -> None:
    secret, _ = set_up(enter(strict))
    browser = enter(strict)
    assert browser.get("/admin").status_code == 302
    assert "second factor" in browser.get(f"{CONFIRM}?next=/admin").text
    sent = {"page": CONFIRM, "next": "/admin"}
    assert browser.send(CONFIRM, digits="000000", **sent).status_code == 422
    digits = show_digits(secret, 1)
    answer = browser.send(CONFIRM, digits=f" {digits} ", **sent)
    assert (answer.status_code, answer.location) == (302, "/admin")
    assert browser.get("/admin").status_code == 200
    with transaction() as session:
        assert session.get(Authenticator, mo.id).last_step > 0
    assert enter(strict).send(CONFIRM, digits=digits, **sent).status_code == 422, "digits work once"


def test_a_password_alone_opens_no_desk(strict: Flask, mo: User) -> None:
    set_up(enter(strict))
    browser = enter(strict)
    browser.send(f"{CONFIRM}/password", page=CONFIRM, password=PASSWORD, next="/admin")
    assert browser.get("/admin").status_code == 302
    answer = browser.send(f"{SECURITY}/app/remove", page="/me")
    assert answer.location.startswith(CONFIRM) and db.session.get(Authenticator, mo.id) is not None


def test_a_code_on_paper_opens_it_once(strict: Flask, mo: User) -> None:
    _, codes = set_up(enter(strict))
    sent = {"page": CONFIRM, "next": "/admin", "digits": codes[3].upper()}
    browser = enter(strict)
    assert browser.send(CONFIRM, **sent).location == "/admin"
    assert enter(strict).send(CONFIRM, **sent).status_code == 422
    assert (
        "9 are left" in db.session.scalars(select(MailMessage.text).order_by(MailMessage.id.desc())).first()
    )
    kept = db.session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(kept) == 10 and not any(code.replace("-", "") in "".join(kept) for code in codes)
    assert "9 recovery codes left" in browser.get(SECURITY).text


def test_five_wrong_tries_in_five_minutes(strict: Flask, mo: User) -> None:
    secret, _ = set_up(enter(strict))
    browser = enter(strict)
    sent = {"page": CONFIRM, "next": "/admin"}
    statuses = [browser.send(CONFIRM, digits="000000", **sent).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    elsewhere = enter(strict)
    answer = elsewhere.send(CONFIRM, digits=show_digits(secret, 1), **sent)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0


def test_without_the_setting_a_factor_that_is_there_is_still_asked_for(app: Flask, mo: User) -> None:
    plain = enter(app)
    assert plain.get("/admin").status_code == 200
    set_up(plain)
    assert enter(app).get("/admin").status_code == 302


def test_new_codes_end_the_old_ones(app: Flask, mo: User) -> None:
    browser = enter(app)
    _, before = set_up(browser)
    after = re.findall(r"<code>([a-z2-7-]{11})</code>", browser.send(f"{SECURITY}/codes", page=SECURITY).text)
    assert len(after) == 10 and not set(before) & set(after)
    assert enter(app).send(CONFIRM, page=CONFIRM, digits=before[0]).status_code == 422
    assert enter(app).send(CONFIRM, page=CONFIRM, digits=after[0]).status_code == 302


def test_the_app_is_taken_off(app: Flask, mo: User) -> None:
    browser = enter(app)
    set_up(browser)
    assert browser.send(f"{SECURITY}/app/remove", page=SECURITY).status_code == 302
    assert db.session.get(Authenticator, mo.id) is None
    assert db.session.scalars(select(RecoveryCode)).all() == []
    assert enter(app).get("/admin").status_code == 200


def test_the_secret_is_kept_encrypted_and_shown_no_more(app: Flask, mo: User, settings: Settings) -> None:
    browser = enter(app)
    secret, _ = set_up(browser)
    row = db.session.get(Authenticator, mo.id)
    assert secret.encode() not in row.secret
    assert secret not in browser.get(SECURITY).text.replace(" ", "")
    assert find_factors(mo.id, "another secret of the site").new_secret is None


def test_who_lost_everything_is_helped_by_the_operator(app: Flask, mo: User, settings: Settings) -> None:
    browser = enter(app)
    set_up(browser)
    reset_factors("MO@example.org", compose=composer(settings), now=clock.now())
    assert not browser.is_signed_in() and enter(app).get("/admin").status_code == 200
    with pytest.raises(LookupError):
        reset_factors("nobody@example.org", compose=composer(settings), now=clock.now())


def test_a_changed_role_ends_every_session(app: Flask, mo: User) -> None:
    browser = enter(app)
    set_role("mo@example.org", "member")
    assert not browser.is_signed_in()


def test_staff_are_signed_out_after_half_a_day(app: Flask, mo: User, mailed_code: Callable[[], str]) -> None:
    from quilt.accounts.models_security import UserSession

    enter(app)
    row = db.session.scalars(select(UserSession)).one()
    assert row.idle_until - row.seen_at == timedelta(hours=12) and row.ends_at - row.started_at == timedelta(
        days=7
    )
    with transaction() as session:
        session.execute(update(User).values(role="member"))
    enter(app)
    row = db.session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    assert row.idle_until - row.seen_at == timedelta(days=14) and row.ends_at - row.started_at == timedelta(
        days=30
    )
