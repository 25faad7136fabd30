"""Codes, passwords and sessions, on the real databases."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import extract_parameters
from flask import Flask
from sqlalchemy import func, select

from quilt.accounts import service, sessions
from quilt.accounts.models import EmailCode, User
from quilt.accounts.rules import (
    CodeExpired,
    CodeUsed,
    NotAnAddress,
    PasswordTooCommon,
    PasswordTooLong,
    ProofTooOld,
    TooManyCodes,
    TooManyTries,
    UnknownCode,
    WrongCode,
    WrongPassword,
)
from quilt.accounts.service import Redeemed
from quilt.config import Settings
from quilt.database import db
from quilt.letters import Compose, composer
from quilt.mail import MailMessage, deliver
from tests.conftest import NOW
from tests.factories import make_entry, make_user

SECRET = "a secret of these tests"
PASSWORD = "forty needles"


@pytest.fixture
def compose(settings: Settings) -> Compose:
    return composer(settings)


@pytest.fixture
def ask(app: Flask, compose: Compose) -> Callable[..., str]:
    """Ask for a code and return the token."""
    chance = iter(range(1, 1_000))

    def entropy(size: int) -> bytes:
        return next(chance).to_bytes(size, "big")

    def ask_for(email: str = "ana@example.org", purpose: str = "sign-in", **values: object) -> str:
        values = {"now": NOW, **values}
        return service.request_code(email, purpose, compose=compose, secret=SECRET, entropy=entropy, **values)

    return ask_for


def last_mail() -> MailMessage:
    db.session.rollback()
    return db.session.scalars(select(MailMessage).order_by(MailMessage.id.desc())).first()


def mailed_code() -> str:
    return re.search(r"^\s+(\d{8})$", last_mail().text, re.MULTILINE)[1]


def redeem(token: str, code: str, minutes: float = 1) -> Redeemed:
    return service.redeem_code(token, code, secret=SECRET, now=NOW + timedelta(minutes=minutes))


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_code_opens_a_new_account(ask: Callable[..., str]) -> None:
    token = ask(" Ana@Example.ORG ", next_path="/submit")
    assert count(User) == 0 and last_mail().recipient == "Ana@example.org"
    redeemed = redeem(token, mailed_code())
    assert redeemed.is_new and redeemed.user.email == "Ana@example.org"
    assert (redeemed.purpose, redeemed.entry_id, redeemed.next_path) == ("sign-in", None, "/submit")


def test_a_code_opens_the_account_that_is_there(ask: Callable[..., str]) -> None:
    ana = make_user("ana@example.org")
    redeemed = redeem(ask("ANA@example.org"), mailed_code())
    assert redeemed.user.id == ana.id and not redeemed.is_new and count(User) == 1


def test_the_code_of_a_known_person_goes_to_the_address_they_proved(ask: Callable[..., str]) -> None:
    service.create_user("strasse@example.org", now=NOW)
    ask("straße@example.org")
    assert last_mail().recipient == "strasse@example.org"


def test_a_code_for_a_vote_remembers_the_entry(ask: Callable[..., str]) -> None:
    entry = make_entry()
    token = ask(purpose="vote", entry_id=entry.id, title="Mateo's first\nsteps", next_path="/entries/7")
    assert last_mail().kind == "vote_code" and "“Mateo's first steps”" in last_mail().subject
    redeemed = redeem(token, mailed_code())
    assert (redeemed.purpose, redeemed.entry_id) == ("vote", entry.id)


def test_a_code_works_once(ask: Callable[..., str]) -> None:
    token, code = ask(), mailed_code()
    redeem(token, code)
    with pytest.raises(CodeUsed):
        redeem(token, code)


def test_a_code_works_for_ten_minutes(ask: Callable[..., str]) -> None:
    token, code = ask(), mailed_code()
    deliver(last_mail().id, None, "Quilt <quilt@example.org>", NOW + timedelta(hours=2))
    with pytest.raises(CodeExpired):
        redeem(token, code, minutes=130)
    redeem(token, code, minutes=129.9)


def test_a_code_whose_letter_waits_waits_too(ask: Callable[..., str]) -> None:
    token, code = ask(), mailed_code()
    redeem(token, code, minutes=600)


def test_a_code_works_in_the_browser_that_asked(ask: Callable[..., str]) -> None:
    ask()
    code = mailed_code()
    with pytest.raises(UnknownCode):
        redeem("somebody else's token", code)
    with pytest.raises(WrongCode):
        redeem(ask(), code)


def test_six_wrong_tries_end_a_code(ask: Callable[..., str]) -> None:
    token, code = ask(), mailed_code()
    left = []
    for _ in range(6):
        with pytest.raises(WrongCode) as refusal:
            redeem(token, "99999999")
        left.append(refusal.value.tries_left)
    assert left == [5, 4, 3, 2, 1, 0]
    with pytest.raises(TooManyTries):
        redeem(token, code)
    assert count(User) == 0


def test_thirty_tries_at_once_are_six_tries(app: Flask, ask: Callable[..., str]) -> None:
    token = ask()

    def attempt(number: int) -> str:
        with app.app_context():
            try:
                redeem(token, f"{99_000_000 + number:08}")
            except (WrongCode, TooManyTries) as refusal:
                return type(refusal).__name__
            return "opened"

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(attempt, range(30)))
    assert outcomes.count("WrongCode") == 6 and outcomes.count("TooManyTries") == 24


def test_a_right_code_sent_ten_times_at_once_opens_once(app: Flask, ask: Callable[..., str]) -> None:
    token, code = ask(), mailed_code()

    def attempt(_: int) -> str:
        with app.app_context():
            try:
                redeem(token, code)
            except CodeUsed:
                return "used"
            return "opened"

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(attempt, range(10)))
    assert outcomes.count("opened") == 1 and count(User) == 1


def test_two_codes_redeemed_at_once_make_one_account(app: Flask, ask: Callable[..., str]) -> None:
    pairs = [(ask(), mailed_code()) for _ in range(4)]

    def attempt(pair: tuple[str, str]) -> int:
        with app.app_context():
            return redeem(*pair).user.id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(attempt, pairs))) == 1
    assert count(User) == 1


def test_an_address_gets_five_unused_codes_an_hour(ask: Callable[..., str]) -> None:
    for minute in range(5):
        ask(now=NOW + timedelta(minutes=minute))
    with pytest.raises(TooManyCodes) as refusal:
        ask("ANA@example.org", now=NOW + timedelta(minutes=5))
    assert refusal.value.next_at == NOW + timedelta(hours=1)
    assert count(MailMessage) == 5
    ask("somebody@example.org", now=NOW + timedelta(minutes=5))
    ask(now=NOW + timedelta(minutes=61))


def test_codes_that_were_used_do_not_count(ask: Callable[..., str]) -> None:
    for _ in range(7):
        redeem(ask(), mailed_code())
    assert count(EmailCode) == 7


def test_no_address_no_row_no_mail(ask: Callable[..., str]) -> None:
    with pytest.raises(NotAnAddress):
        ask("victim@x.example\r\nBcc: all@x.example")
    assert (count(EmailCode), count(MailMessage)) == (0, 0)


def test_neither_code_nor_secret_stand_in_the_code_table(ask: Callable[..., str]) -> None:
    token = ask()
    row = db.session.scalars(select(EmailCode)).one()
    assert row.token == token and mailed_code() not in row.code_hash and len(row.code_hash) == 64


def test_old_codes_are_forgotten(ask: Callable[..., str]) -> None:
    ask()
    ask("new@example.org", now=NOW + timedelta(hours=20))
    assert service.forget_old_codes(NOW + timedelta(hours=25)) == 1
    assert count(EmailCode) == 1


def make_ana(password: str | None = PASSWORD) -> User:
    return service.create_user("ana@example.org", now=NOW, name="Ana", password=password)


def test_a_password_signs_in(app: Flask) -> None:
    ana = make_ana()
    assert ana.password_hash.startswith("$argon2id$")
    assert service.sign_in_with_password("ANA@example.org ", PASSWORD).id == ana.id


@pytest.mark.parametrize(
    ("email", "password"),
    [
        pytest.param("ana@example.org", "fifty needles", id="A18"),
        pytest.param("nobody@example.org", PASSWORD, id="A19"),
        pytest.param("code@example.org", PASSWORD, id="no password set"),
        pytest.param("no address", PASSWORD, id="no address"),
        pytest.param("ana@example.org", "", id="empty"),
        pytest.param("ana@example.org", "lone \ud800 surrogate", id="surrogate"),
    ],
)
def test_whatever_is_wrong_costs_one_hash(app: Flask, email: str, password: str) -> None:
    make_ana()
    service.create_user("code@example.org", now=NOW)
    costs = []

    def verify(password_hash: str, password: str) -> bool:
        costs.append(extract_parameters(password_hash))
        return service.verify_password(password_hash, password)

    with pytest.raises(WrongPassword):
        service.sign_in_with_password(email, password, verify)
    ana = db.session.scalars(select(User).where(User.name == "Ana")).one()
    assert costs == [extract_parameters(ana.password_hash)]


def test_a_megabyte_of_password_is_not_hashed(app: Flask) -> None:
    with pytest.raises(PasswordTooLong):
        service.sign_in_with_password("ana@example.org", "x" * 1_000_000)


def change(user: User, compose: Compose, password: str = "sixty thimbles", **values: object) -> User:
    values = {"current": "", "proved_at": None, "now": NOW, **values}
    return service.set_password(user.id, password, compose=compose, **values)


def test_a_new_password_ends_the_other_sessions_and_is_told_by_mail(app: Flask, compose: Compose) -> None:
    ana = make_ana()
    before = ana.get_id()
    after = change(ana, compose, current=PASSWORD)
    assert after.get_id() != before and last_mail().kind == "password_changed"
    assert service.sign_in_with_password("ana@example.org", "sixty thimbles").id == ana.id
    with pytest.raises(WrongPassword):
        service.sign_in_with_password("ana@example.org", PASSWORD)


def test_who_proved_the_address_just_now_needs_no_old_password(app: Flask, compose: Compose) -> None:
    change(make_ana(), compose, proved_at=NOW - timedelta(minutes=5))
    assert service.sign_in_with_password("ana@example.org", "sixty thimbles").name == "Ana"


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"current": "fifty needles"}, WrongPassword),
        ({"current": "x" * 1_000_000}, WrongPassword),
        ({"proved_at": NOW - timedelta(hours=1)}, WrongPassword),
        ({"current": PASSWORD, "password": "password1"}, PasswordTooCommon),
        ({"current": PASSWORD, "password": "ana@example.org"}, PasswordTooCommon),
    ],
)
def test_a_password_that_is_not_changed(
    app: Flask, compose: Compose, values: dict[str, object], refusal: type[Exception]
) -> None:
    ana = make_ana()
    with pytest.raises(refusal):
        change(ana, compose, **values)
    assert count(MailMessage) == 0
    assert service.sign_in_with_password("ana@example.org", PASSWORD).get_id() == ana.get_id()


def test_a_first_password_needs_a_fresh_proof(app: Flask, compose: Compose) -> None:
    ana = make_ana(password=None)
    with pytest.raises(ProofTooOld):
        change(ana, compose)
    assert change(ana, compose, proved_at=NOW).password_hash is not None


def test_a_name_is_changed(app: Flask) -> None:
    assert service.rename(make_ana().id, " Ana López ").name == "Ana López"


def test_sessions_are_ended_everywhere(app: Flask) -> None:
    ana = make_ana()
    before = ana.get_id()
    assert sessions.end_sessions(ana.id).get_id() != before


def test_an_account_is_created_once(app: Flask) -> None:
    ana = make_ana()
    again = service.create_user("ANA@example.org", now=NOW, name="Another", role="admin")
    assert (again.id, again.name, again.role) == (ana.id, "Ana", "member")


def test_a_role_is_given_and_ends_sessions(app: Flask) -> None:
    before = make_ana().get_id()
    ana = service.set_role("Ana@example.org", "moderator")
    assert ana.is_staff and ana.get_id() != before
    with pytest.raises(ValueError):
        service.set_role("ana@example.org", "emperor")
    with pytest.raises(LookupError):
        service.set_role("nobody@example.org", "admin")


def test_a_mailbox_gets_five_codes_an_hour_however_it_is_written(ask: Callable[..., str]) -> None:
    for email in (
        "ana.b@gmail.com",
        "anab@gmail.com",
        "a.n.a.b@gmail.com",
        "anab+1@gmail.com",
        "ANAB@googlemail.com",
    ):
        ask(email)
    with pytest.raises(TooManyCodes):
        ask("an.ab+one_mailbox@gmail.com")
    assert ask("anac@gmail.com") and count(MailMessage) == 6
