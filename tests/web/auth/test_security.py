"""The page about what guards an account: passwords, another address, sessions; rows A15, A17, A24, A25, A27, A29."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from quilt.accounts.models import EmailCode, User
from quilt.accounts.models_security import Authenticator, EmailChange, Passkey, UserSession
from quilt.accounts.service import create_user, sign_in_with_password
from quilt.database import db, transaction
from quilt.mail import MailMessage
from quilt.votes.models import Vote
from quilt.web import clock, signing_in
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save
from tests.web.auth.conftest import Browser
from tests.web.site.browsing import make_open_contest

PASSWORD = "forty needles"
AGENT = "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0"
SECURITY = "/me/security"


@pytest.fixture
def ana(app: Flask) -> User:
    return create_user("ana@example.org", now=NOW, name="Ana", password=PASSWORD)


@pytest.fixture
def signed_in(browser: Browser, ana: User) -> Browser:
    return enter(browser)


def test_while_the_database_is_away_everybody_is_told_so(
    signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the server is away"))

    monkeypatch.setattr(signing_in, "find_signed_in", be_away)
    for path in ("/", "/me", SECURITY):
        answer = signed_in.get(path)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "2")
        assert "out of breath" in answer.text
    assert signed_in.get("/no-such-page").status_code == 404


def enter(browser: Browser, email: str = "ana@example.org", password: str = PASSWORD) -> Browser:
    answer = browser.send("/sign-in/password", email=email, password=password)
    assert answer.status_code == 302
    return browser


def enter_by_code(
    browser: Browser, mailed_code: Callable[[], str], email: str = "ana@example.org"
) -> Browser:
    browser.send("/sign-in", email=email)
    assert browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code()).status_code == 302
    return browser


def age(browser: Browser, minutes: int) -> None:
    """Let the proofs of this session be so old."""
    with browser.client.session_transaction() as session:
        for name in ("proved_at", "fresh_at", "factor_at"):
            if name in session:
                session[name] = int((clock.now() - timedelta(minutes=minutes)).timestamp())


def reread(user: User) -> User:
    return db.session.get(User, user.id, populate_existing=True)


def kinds() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(MailMessage.kind).order_by(MailMessage.id)))


def last_link(recipient: str) -> str:
    db.session.rollback()
    statement = select(MailMessage).where(MailMessage.recipient == recipient).order_by(MailMessage.id.desc())
    return re.search(r"http://localhost(/\S+)", db.session.scalars(statement).first().text)[1]


# Passwords


@pytest.mark.parametrize(
    ("password", "words"),
    [
        pytest.param("short77", "Choose a longer password", id="A15-short"),
        pytest.param("password1", "lists of stolen passwords", id="A15-common"),
        pytest.param("ana@example.org", "your own address", id="A15-address"),
        pytest.param("x" * 257, "Use at most 256 characters.", id="A17"),
    ],
)
def test_a_password_that_will_not_do(signed_in: Browser, ana: User, password: str, words: str) -> None:
    answer = signed_in.send(f"{SECURITY}/password", page=SECURITY, current=PASSWORD, password=password)
    assert answer.status_code == 422 and words in answer.text and f'value="{password}"' not in answer.text
    assert sign_in_with_password("ana@example.org", PASSWORD).id == ana.id


def test_a_changed_password_ends_the_other_sessions(app: Flask, signed_in: Browser) -> None:
    other = enter(Browser(app.test_client()))
    answer = signed_in.send(
        f"{SECURITY}/password", page=SECURITY, current=PASSWORD, password="sixty thimbles"
    )
    assert answer.location == f"{SECURITY}#password"
    assert "signed out on your other devices" in signed_in.get(SECURITY).text
    assert not other.is_signed_in() and signed_in.is_signed_in()
    assert kinds() == ["password_changed"]


def test_the_old_password_is_asked_for(signed_in: Browser) -> None:
    age(signed_in, 31)
    assert 'name="current"' in signed_in.get(SECURITY).text
    answer = signed_in.send(
        f"{SECURITY}/password", page=SECURITY, current="wrong needle", password="sixty thimbles"
    )
    assert answer.status_code == 422 and "That is not your password until now." in answer.text


def test_a_fresh_code_stands_in_for_it(browser: Browser, ana: User, mailed_code: Callable[[], str]) -> None:
    enter_by_code(browser, mailed_code)
    assert 'name="current"' not in browser.get(SECURITY).text
    browser.send(f"{SECURITY}/password", page=SECURITY, password="sixty thimbles")
    assert sign_in_with_password("ana@example.org", "sixty thimbles").id == ana.id


def test_without_a_password_a_fresh_code_comes_first(
    browser: Browser, mailed_code: Callable[[], str]
) -> None:
    enter_by_code(browser, mailed_code, "bea@example.org")
    age(browser, 31)
    page = browser.get(SECURITY).text
    assert "Send me a fresh code" in page and 'name="password"' not in page
    assert browser.send(f"{SECURITY}/password", page="/me", password="sixty thimbles").status_code == 422


# Sessions


def test_a_session_is_a_row_with_two_words_about_the_device(app: Flask, ana: User) -> None:
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = AGENT
    browser = enter(Browser(client))
    row = db.session.scalars(select(UserSession)).one()
    assert (row.user_id, row.device, row.way) == (ana.id, "Firefox on Android", "password")
    assert "Firefox on Android" in browser.get("/me/sessions").text
    columns = [str(value) for value in vars(row).values()]
    assert not any("Gecko" in value or "127.0.0.1" in value for value in columns)


def test_a_copied_cookie_opens_nothing_after_signing_out(app: Flask, signed_in: Browser) -> None:
    with signed_in.client.session_transaction() as session:
        kept = dict(session)
    thief = app.test_client()
    with thief.session_transaction() as session:
        session.update(kept)
    assert thief.get("/me").status_code == 200
    signed_in.send("/sign-out", page="/me")
    assert thief.get("/me").status_code == 302
    assert db.session.scalars(select(UserSession)).all() == []


def test_one_session_is_ended_and_the_others_go_on(app: Flask, signed_in: Browser, ana: User) -> None:
    phone, desk = (enter(Browser(app.test_client())) for _ in range(2))
    of_phone = db.session.scalars(select(UserSession.id).order_by(UserSession.id)).all()[1]
    before = reread(ana).session_epoch
    assert signed_in.send(f"/me/sessions/{of_phone}/end", page="/me/sessions").status_code == 302
    assert not phone.is_signed_in() and desk.is_signed_in() and signed_in.is_signed_in()
    assert reread(ana).session_epoch == before + 1, (
        "a vote with the ended session's cookie is refused by this"
    )
    with desk.client.session_transaction() as session:
        assert session["_user_id"] == reread(ana).get_id(), "the other cookies learn it at their next page"


def test_an_ended_session_votes_no_more_and_the_others_still_do(app: Flask, signed_in: Browser) -> None:
    phone = enter(Browser(app.test_client()))
    entries = [make_entry(make_open_contest(f"contest-{number}")) for number in range(2)]
    tickets = [
        re.search(r'data-ticket="([^"]+)"', phone.get(f"/entries/{entry.id}-{entry.slug}").text)[1]
        for entry in entries
    ]
    of_phone = db.session.scalars(select(UserSession.id).order_by(UserSession.id)).all()[1]
    signed_in.send(f"/me/sessions/{of_phone}/end", page="/me/sessions")

    def vote(browser: Browser, number: int) -> int:
        path = f"/entries/{entries[number].id}/vote"
        return browser.client.post(path, data={"ticket": tickets[number], "via": "", "c": ""}).status_code

    assert vote(phone, 0) == 403 and db.session.scalars(select(Vote)).all() == []
    assert vote(signed_in, 1) == 303, (
        "the page's ticket is the person's, and this cookie's epoch is an old one"
    )
    assert len(db.session.scalars(select(Vote)).all()) == 1


def test_nobody_ends_somebody_else_s_session(app: Flask, signed_in: Browser) -> None:
    create_user("bea@example.org", now=NOW, password=PASSWORD)
    bea = enter(Browser(app.test_client()), "bea@example.org")
    of_bea = db.session.scalars(select(UserSession.id).order_by(UserSession.id.desc())).first()
    assert signed_in.send(f"/me/sessions/{of_bea}/end", page="/me/sessions").status_code == 404
    assert bea.is_signed_in()


def test_everywhere_else(app: Flask, signed_in: Browser) -> None:
    other = enter(Browser(app.test_client()))
    assert signed_in.send("/me/sessions/end", page="/me/sessions").location == "/me/sessions"
    assert signed_in.is_signed_in() and not other.is_signed_in()


@pytest.mark.parametrize("limit", ["idle_until", "ends_at"])
def test_a_session_that_is_over_opens_nothing(signed_in: Browser, limit: str) -> None:
    with transaction() as session:
        session.execute(update(UserSession).values({limit: clock.now() - timedelta(seconds=1)}))
    assert not signed_in.is_signed_in()


def test_a_visit_puts_the_idle_limit_off(signed_in: Browser) -> None:
    seen_at = clock.now() - timedelta(days=3)
    with transaction() as session:
        session.execute(
            update(UserSession).values(seen_at=seen_at, idle_until=clock.now() + timedelta(days=1))
        )
    assert signed_in.is_signed_in()
    row = db.session.scalars(select(UserSession)).one()
    assert row.idle_until > clock.now() + timedelta(days=13) and row.seen_at > seen_at


def test_signing_in_gives_another_key_each_time(signed_in: Browser) -> None:
    keys = []
    for _ in range(2):
        with signed_in.client.session_transaction() as session:
            keys.append(session["key"])
        enter(signed_in)
    assert len(set(keys)) == 2 and len(db.session.scalars(select(UserSession)).all()) == 1


# Links


def test_a_scanner_that_opens_the_link_confirms_nothing(app: Flask, browser: Browser) -> None:  # A27
    browser.send("/sign-in", email="ana@example.org", next="/me")
    link, elsewhere = last_link("ana@example.org"), Browser(app.test_client())
    for _ in range(3):
        page = elsewhere.get(link)
        assert page.status_code == 200 and "Press to confirm" in page.text and "ana@example.org" in page.text
    assert not elsewhere.is_signed_in() and db.session.scalars(select(EmailCode)).one().used_at is None
    answer = elsewhere.send(link, page=link)
    assert (answer.status_code, answer.location) == (302, "/me")
    assert elsewhere.is_signed_in() and not browser.is_signed_in()


def test_a_link_works_once(app: Flask, browser: Browser, mailed_code: Callable[[], str]) -> None:  # A24
    browser.send("/sign-in", email="ana@example.org")
    link, code = last_link("ana@example.org"), mailed_code()
    token = browser.token(link)
    assert browser.client.post(link, data={"csrf_token": token}).status_code == 302
    again = Browser(app.test_client())
    answer = again.client.post(link, data={"csrf_token": again.token()})
    assert answer.status_code == 410 and "Ask for a new one." in answer.text
    assert again.get(link).status_code == 410
    assert code and not again.is_signed_in()


@pytest.mark.parametrize("is_late", [False, True])
def test_links_sent_before_a_password_was_changed_are_over(  # A25
    app: Flask, signed_in: Browser, ana: User, is_late: bool
) -> None:
    """Also that of a letter which left late, and would be good for longer therefore."""
    other = Browser(app.test_client())
    other.send("/sign-in", email="ana@example.org")
    link = last_link("ana@example.org")
    if is_late:
        earlier = timedelta(minutes=12)
        code = db.session.scalars(select(EmailCode).order_by(EmailCode.id.desc())).first()
        code.created_at, code.expires_at = code.created_at - earlier, code.expires_at - earlier
        mail = db.session.get_one(MailMessage, code.mail_id)
        mail.state, mail.sent_at = "sent", clock.now() - timedelta(minutes=5)
        db.session.commit()
        assert "ana@example.org" in other.get(link).text
    signed_in.send(f"{SECURITY}/password", page=SECURITY, current=PASSWORD, password="sixty thimbles")
    answer = other.client.post(link, data={"csrf_token": other.token()})
    assert answer.status_code == 410 and "This link has expired." in answer.text


def test_a_link_that_nobody_sent(browser: Browser) -> None:
    for path in ("/sign-in/link/x", "/sign-in/link/" + "A" * 22, "/sign-in/link/%F0%9F%A7%B5"):
        assert browser.get(path).status_code == 410


# The first proof takes an account over


def test_what_stood_on_an_unproven_account_is_gone(  # A29
    app: Flask, browser: Browser, mailed_code: Callable[[], str]
) -> None:
    squatter = create_user("ana@example.org", now=NOW, name="Eve", password=PASSWORD)
    with transaction() as session:
        session.execute(update(User).where(User.id == squatter.id).values(is_proven=False))
    eve = enter(Browser(app.test_client()))
    assert eve.send(f"{SECURITY}/email", page=SECURITY, email="eve@example.org").status_code == 302
    enter_by_code(browser, mailed_code)
    assert "removed what was there before" in browser.get("/me").text
    assert not eve.is_signed_in()
    assert reread(squatter).password_hash is None and reread(squatter).is_proven
    assert db.session.get(EmailChange, squatter.id) is None
    assert Browser(app.test_client()).send(
        "/sign-in/password", email="ana@example.org", password=PASSWORD
    ).status_code == 401  # fmt: skip


# Another address


def ask_for(browser: Browser, email: str = "ana@new.example") -> None:
    answer = browser.send(f"{SECURITY}/email", page=SECURITY, email=email)
    assert answer.status_code == 302, answer.text


def test_both_mailboxes_agree(app: Flask, signed_in: Browser, ana: User) -> None:
    ask_for(signed_in)
    old, new = last_link("ana@example.org"), last_link("ana@new.example")
    elsewhere = Browser(app.test_client())
    for link in (old, new):
        assert "press" not in elsewhere.get(link).text.lower() or reread(ana).email == "ana@example.org"
    assert "You agreed here" in elsewhere.send(new, page=new).text
    assert reread(ana).email == "ana@example.org" and signed_in.is_signed_in()
    assert "both mailboxes agreed" in elsewhere.send(old, page=old).text
    assert (reread(ana).email, reread(ana).email_key) == ("ana@new.example", "ana@new.example")
    assert not signed_in.is_signed_in()
    recipients = db.session.scalars(
        select(MailMessage.recipient).where(MailMessage.kind == "security_changed")
    ).all()
    assert set(recipients) == {"ana@example.org", "ana@new.example"}
    assert elsewhere.get(old).status_code == 410


def test_the_old_mailbox_stops_it(app: Flask, signed_in: Browser, ana: User) -> None:
    ask_for(signed_in)
    old, new = last_link("ana@example.org"), last_link("ana@new.example")
    elsewhere = Browser(app.test_client())
    token = elsewhere.token()
    assert elsewhere.client.post(f"{new}/stop", data={"csrf_token": token}).status_code == 410
    assert elsewhere.client.post(f"{old}/stop", data={"csrf_token": token}).status_code == 200
    assert elsewhere.client.post(new, data={"csrf_token": token}).status_code == 410
    assert reread(ana).email == "ana@example.org" and not signed_in.is_signed_in()


def test_an_address_that_is_taken_is_asked_and_never_told(signed_in: Browser, ana: User) -> None:
    make_user("bea@example.org")
    pages = []
    for email in ("bea@example.org", "nobody@example.org"):
        ask_for(signed_in, email)
        pages.append(
            re.sub(r'(csrf_token" value|nonce)="[^"]+"', "", signed_in.get(SECURITY).text).replace(email, "…")
        )
    assert pages[0] == pages[1]
    assert kinds() == ["email_change_old", "email_change_taken", "email_change_old", "email_change_new"]


def test_an_address_taken_meanwhile_stays_its_owner_s(app: Flask, signed_in: Browser, ana: User) -> None:
    ask_for(signed_in)
    old, new = last_link("ana@example.org"), last_link("ana@new.example")
    bea = make_user("ana@new.example")
    elsewhere = Browser(app.test_client())
    token = elsewhere.token()
    elsewhere.client.post(old, data={"csrf_token": token})
    assert elsewhere.client.post(new, data={"csrf_token": token}).status_code == 410
    assert reread(ana).email == "ana@example.org" and reread(bea).email == "ana@new.example"


def test_a_wish_is_forgotten_after_a_day(app: Flask, signed_in: Browser, ana: User) -> None:
    ask_for(signed_in)
    with transaction() as session:
        session.execute(update(EmailChange).values(created_at=clock.now() - timedelta(days=1, seconds=1)))
    assert Browser(app.test_client()).get(last_link("ana@new.example")).status_code == 410


@pytest.mark.parametrize(
    ("email", "words"),
    [("ana@EXAMPLE.org", "your address already"), ("plain", "does not look like"), ("", "Enter")],
)
def test_an_address_that_will_not_do(signed_in: Browser, email: str, words: str) -> None:
    answer = signed_in.send(f"{SECURITY}/email", page=SECURITY, email=email)
    assert answer.status_code == 422 and words in answer.text and kinds() == []


def test_what_is_sensitive_asks_for_a_fresh_proof(signed_in: Browser, ana: User) -> None:
    age(signed_in, 31)
    page = signed_in.get(SECURITY).text
    assert "confirm first that it is you" in page and 'name="email"' not in page
    for path in ("email", "passkeys", "passkeys/question", "app", "codes"):
        answer = signed_in.send(f"{SECURITY}/{path}", page=SECURITY, email="eve@example.org")
        assert answer.status_code == 302 and answer.location.startswith("/sign-in/confirm"), path
    assert kinds() == []
    assert "Confirm that it is you" in signed_in.get("/sign-in/confirm?next=/me/security").text
    confirm = {"page": "/sign-in/confirm", "next": SECURITY}
    assert signed_in.send("/sign-in/confirm/password", password="wrong needle", **confirm).status_code == 422
    answer = signed_in.send("/sign-in/confirm/password", password=PASSWORD, **confirm)
    assert (answer.status_code, answer.location) == (302, SECURITY)
    ask_for(signed_in)


def test_the_way_back_from_confirming_stays_here(signed_in: Browser) -> None:
    answer = signed_in.send(
        "/sign-in/confirm/password", page="/sign-in/confirm", password=PASSWORD, next="//evil.example"
    )
    assert answer.location == "/"


# Only a passkey


def give_passkey(user: User) -> None:
    save(
        Passkey(user_id=user.id, credential_id=b"a device", public_key=b"k", name="My phone", created_at=NOW)
    )


def test_a_code_stands_in_for_a_passkey_that_is_not_at_hand(
    signed_in: Browser, ana: User, mailed_code: Callable[[], str]
) -> None:
    give_passkey(ana)
    page = signed_in.get("/sign-in/confirm?next=/me/security").text
    assert (
        "Your device is not at hand?" in page and "Lost them all?" not in page and "your password" not in page
    )
    answer = signed_in.send(f"{SECURITY}/passkeys/1/remove", page="/me")
    assert answer.location.startswith("/sign-in/confirm")
    signed_in.send("/sign-in/confirm/password", page="/me", password=PASSWORD)
    assert "confirm first that it is you" in signed_in.get(SECURITY).text, "a password is not enough"
    signed_in.send("/sign-in", page="/sign-in/confirm", email=ana.email, next=SECURITY)
    answer = signed_in.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert answer.location == SECURITY and "confirm first" not in signed_in.get(SECURITY).text
    ask_for(signed_in)
    age(signed_in, 31)
    assert "confirm first that it is you" in signed_in.get(SECURITY).text, "for half an hour"


def test_a_code_does_not_stand_in_for_an_app(
    signed_in: Browser, ana: User, mailed_code: Callable[[], str]
) -> None:
    save(Authenticator(user_id=ana.id, secret=b"s", last_step=0, created_at=NOW, confirmed_at=NOW))
    give_passkey(ana)
    assert "not at hand" not in signed_in.get("/sign-in/confirm").text
    enter_by_code(signed_in, mailed_code)
    assert "confirm first that it is you" in signed_in.get(SECURITY).text


def test_nor_for_the_passkey_of_those_who_decide_about_others(
    browser: Browser, mailed_code: Callable[[], str]
) -> None:
    mo = create_user("mo@example.org", now=NOW, name="Mo", role="moderator", password=PASSWORD)
    give_passkey(mo)
    enter_by_code(browser, mailed_code, "mo@example.org")
    assert "not at hand" not in browser.get("/sign-in/confirm").text
    assert "confirm first that it is you" in browser.get(SECURITY).text
