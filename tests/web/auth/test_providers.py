"""Signing in through a provider: rows F01 to F17 of docs/bad_inputs.md."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity, SignInFlow
from quilt.accounts.models_security import Authenticator, Passkey
from quilt.config import Settings
from quilt.database import db
from quilt.mail import MailMessage
from quilt.votes.models import Vote
from quilt.web.clock import now
from tests.factories import make_entry, make_user, save
from tests.issuer import Issuer
from tests.web.auth.provider_browser import (
    Traveller,
    count,
    destination_of,
    open_app,
    sign_in_settings,
)
from tests.web.site.browsing import make_open_contest, sign_in


@pytest.fixture
def site(app: Flask, settings: Settings, issuer: Issuer) -> Iterator[Flask]:
    values = {"mastodon_on": True, "github_client_id": "x", "github_client_secret": "y"}
    with open_app(settings, **sign_in_settings(issuer), **values) as site:
        yield site


@pytest.fixture
def browser(site: Flask) -> Traveller:
    return Traveller(site.test_client())


def find_identity() -> Identity:
    db.session.rollback()
    return db.session.scalars(select(Identity)).one()


def find_person(user_id: int) -> User:
    db.session.rollback()
    return db.session.get_one(User, user_id)


def test_the_whole_way(browser: Traveller, issuer: Issuer) -> None:
    page = browser.get("/sign-in?next=/me").text
    assert "The valley&#39;s login" in page and "GitHub" in page and "Facebook" not in page
    address = browser.leave(next="/me")
    answer = browser.come_back(issuer.consent(address))
    assert (answer.status_code, answer.location) == (302, "/me")
    assert browser.is_signed_in()
    identity = find_identity()
    assert (identity.issuer, identity.subject, identity.provider) == (issuer.url, "sub-1", "oidc")
    again = Traveller(browser.client.application.test_client())
    assert again.travel(issuer, email="another@example.org").status_code == 302
    assert count(User) == count(Identity) == 1 and issuer.refusals == []


def test_the_addresses_are_exact(browser: Traveller, issuer: Issuer) -> None:
    address = browser.leave()
    assert "redirect_uri=http%3A%2F%2Flocalhost%2Fsign-in%2Fwith%2Foidc%2Fcallback&" in address + "&"


def test_nobody_takes_an_address_because_a_provider_says_so(browser: Traveller, issuer: Issuer) -> None:
    browser.travel(issuer)
    person = find_person(find_identity().user_id)
    assert not person.is_proven and not person.has_address and person.email.endswith("@oidc.invalid")
    assert "You are signed in as Oidc." in browser.get("/sign-in").text


def test_an_issuer_that_is_trusted_in_this_gives_the_address(
    app: Flask, settings: Settings, issuer: Issuer
) -> None:
    values = sign_in_settings(issuer) | {"oidc_trusts_email": True}
    with open_app(settings, **values) as site:
        Traveller(site.test_client()).travel(issuer, email="Ana@example.org")
        person = find_person(find_identity().user_id)
        assert (person.email, person.is_proven) == ("Ana@example.org", False)
        Traveller(site.test_client()).travel(issuer, "sub-2", email="b@example.org", email_verified=False)
        assert {row.has_address for row in db.session.scalars(select(User))} == {True, False}


@pytest.mark.parametrize(
    ("arguments", "is_other_browser"),
    [
        pytest.param({"state": ""}, False, id="F01-empty"),
        pytest.param({"state": "made up"}, False, id="F01-unknown"),
        pytest.param({}, True, id="F01-another-browser"),
    ],
)
def test_an_answer_that_this_browser_did_not_ask_for(
    site: Flask, browser: Traveller, issuer: Issuer, arguments: dict[str, str], is_other_browser: bool
) -> None:
    member = make_user()
    sign_in(browser.client, member)
    answer = issuer.consent(browser.leave()) | arguments
    victim = Traveller(site.test_client()) if is_other_browser else browser
    if is_other_browser:
        sign_in(victim.client, member)
    page = victim.come_back(answer)
    assert page.status_code == 400 and "Sign-in was interrupted. Start again." in page.text
    assert victim.is_signed_in(), "whoever was signed in still is"
    assert (count(User), count(Identity)) == (1, 0)


def test_F03_an_answer_after_ten_minutes(browser: Traveller, issuer: Issuer) -> None:
    answer = issuer.consent(browser.leave(next="/submit"))
    db.session.execute(update(SignInFlow).values(created_at=now() - timedelta(minutes=10, seconds=1)))
    db.session.commit()
    page = browser.come_back(answer)
    assert page.status_code == 400 and "interrupted" in page.text and "next=/submit" in page.text
    assert count(SignInFlow) == count(User) == 0


def test_an_address_that_is_here_already_keeps_the_way_on(
    app: Flask, settings: Settings, issuer: Issuer
) -> None:
    make_user("ana@example.org")
    with open_app(settings, **sign_in_settings(issuer)) as site:
        browser = Traveller(site.test_client())
        page = browser.come_back(issuer.consent(browser.leave(next="/submit"), email="ana@example.org"))
    assert 'href="/sign-in?next=/submit"' in page.text
    assert (count(User), count(Identity)) == (1, 0)


@pytest.fixture
def entry(site: Flask) -> object:
    return make_entry(make_open_contest())


def test_a_vote_goes_along_and_is_counted_once(browser: Traveller, issuer: Issuer, entry: object) -> None:
    answer = issuer.consent(destination_of(browser.vote_with(entry)))
    done = browser.come_back(answer)
    assert (done.status_code, done.location) == (303, f"/entries/{entry.id}/share?voted=1")
    assert "Your vote is sewn in" in browser.get(done.location).text
    assert browser.come_back(answer).status_code == 400
    assert count(Vote) == 1
    assert db.session.scalars(select(Vote.tier)).one() == "oauth"
    again = Traveller(browser.client.application.test_client())
    page = again.come_back(issuer.consent(destination_of(again.vote_with(entry))))
    assert "You voted for this entry" in page.text and count(Vote) == 1


def test_F04_no_permission_keeps_the_vote_and_a_code_casts_it(
    browser: Traveller, issuer: Issuer, entry: object, mailed_code: Callable[[], str]
) -> None:
    state = issuer.consent(destination_of(browser.vote_with(entry)))["state"]
    page = browser.come_back({"error": "access_denied", "state": state})
    assert page.status_code == 200 and "You did not give permission. Use e-mail instead." in page.text
    assert f"Your vote for “{entry.title}”" in page.text.replace("&#39;", "'") and count(Vote) == 0
    browser.send("/sign-in", email="ana@example.org", next=f"/entries/{entry.id}")
    done = browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
    assert done.location == f"/entries/{entry.id}/share?voted=1" and count(Vote) == 1
    assert db.session.scalars(select(Vote.tier)).one() == "email"


def test_F05_what_a_provider_says_of_an_error_is_not_shown(browser: Traveller, issuer: Issuer) -> None:
    state = issuer.consent(browser.leave())["state"]
    words = {"error": "access_denied", "error_description": "<script>alert(1)</script>", "state": state}
    page = browser.come_back(words).text
    assert "alert(1)" not in page


def test_F06_a_code_that_was_used_or_is_another_client_s(
    site: Flask, browser: Traveller, issuer: Issuer
) -> None:
    first = issuer.consent(browser.leave())
    browser.come_back(first)
    other = Traveller(site.test_client())
    injected = issuer.consent(other.leave()) | {"code": first["code"]}
    page = other.come_back(injected)
    assert page.status_code == 400 and "interrupted" in page.text
    mine, theirs = Traveller(site.test_client()), Traveller(site.test_client())
    stolen = issuer.consent(mine.leave(), "victim")["code"]
    page = theirs.come_back(issuer.consent(theirs.leave()) | {"code": stolen})
    assert page.status_code == 400 and issuer.refusals == ["an unknown code", "another verifier"]
    assert not theirs.is_signed_in() and count(User) == 1


@pytest.mark.parametrize("iss", ["https://evil.example", "", "https://accounts.google.com"])
def test_an_answer_that_names_another_issuer(browser: Traveller, issuer: Issuer, iss: str) -> None:  # F07
    answer = issuer.consent(browser.leave()) | {"iss": iss}
    assert browser.come_back(answer).status_code == 400 and count(User) == 0


def test_F07_an_answer_at_another_provider_s_address(browser: Traveller, issuer: Issuer) -> None:
    answer = issuer.consent(browser.leave())
    assert browser.come_back(answer, "github").status_code == 400 and count(User) == 0
    assert browser.come_back(answer, "google").status_code == 404


def test_F09_no_address_at_all(browser: Traveller, issuer: Issuer) -> None:
    assert browser.travel(issuer, email=None, email_verified=None).status_code == 302
    assert browser.is_signed_in() and count(MailMessage) == 0
    assert not find_person(find_identity().user_id).has_address


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"email_verified": False}, id="F10"),
        pytest.param({"email_verified": None}, id="F10-absent"),
        pytest.param({"email_verified": True}, id="F10-verified"),
        pytest.param({"email": "ANA@EXAMPLE.ORG"}, id="F10-spelling"),
    ],
)
def test_the_address_of_somebody_who_is_here(
    browser: Traveller, issuer: Issuer, claims: dict[str, object]
) -> None:
    make_user("ana@example.org")
    page = browser.travel(issuer, **{"email": "ana@example.org"} | claims)
    assert page.status_code == 409 and "Sign in to that account first, then connect" in page.text
    assert not browser.is_signed_in() and (count(User), count(Identity)) == (1, 0)


def test_F11_another_number_at_the_same_provider(site: Flask, issuer: Issuer) -> None:
    ana = make_user("ana@example.org")
    connect(Traveller(site.test_client()), ana, issuer, "ana-1")
    thief = Traveller(site.test_client())
    page = thief.travel(issuer, "ana-2", email="ana@example.org")
    assert page.status_code == 409 and "Sign in to that account first" in page.text
    assert find_identity().subject == "ana-1" and not thief.is_signed_in()


def test_F12_another_address_than_last_time(site: Flask, issuer: Issuer) -> None:
    ana = make_user("ana@example.org")
    connect(Traveller(site.test_client()), ana, issuer, "ana-1")
    browser = Traveller(site.test_client())
    assert browser.travel(issuer, "ana-1", email="new@example.org").status_code == 302
    assert find_person(ana.id).email == "ana@example.org" and count(User) == 1


def connect(browser: Traveller, user: User, issuer: Issuer, subject: str, **account: object):
    """Sign in, and connect the account at the issuer."""
    sign_in_freshly(browser, user)
    address = browser.leave(page="/sign-in", connect="1")
    return browser.come_back(issuer.consent(address, subject, **account))


def sign_in_freshly(browser: Traveller, user: User) -> None:
    sign_in(browser.client, user)
    with browser.client.session_transaction() as session:
        session["fresh_at"] = int(now().timestamp())


def test_connecting_while_signed_in(site: Flask, issuer: Issuer) -> None:
    ana = make_user("ana@example.org")
    browser = Traveller(site.test_client())
    answer = connect(browser, ana, issuer, "ana-1", email="ana@example.org")
    assert answer.location == "/me/ways-in"
    assert (find_identity().user_id, count(User)) == (ana.id, 1)
    letter = db.session.scalars(select(MailMessage)).one()
    assert letter.recipient == "ana@example.org" and "The valley" not in letter.subject
    other = Traveller(site.test_client())
    other.travel(issuer, "ana-1")
    assert other.is_signed_in() and "ana@example.org" in other.get("/sign-in").text


def test_connecting_needs_fresh_proof(site: Flask, browser: Traveller, issuer: Issuer) -> None:
    sign_in(browser.client, make_user())
    answer = browser.send("/sign-in/with/oidc", connect="1")
    assert answer.status_code == 403 and "Confirm first that it is you" in answer.text
    assert count(SignInFlow) == 0


def test_whoever_comes_back_to_another_session_connects_nothing(site: Flask, issuer: Issuer) -> None:
    ana, bea, browser = make_user(), make_user(), Traveller(site.test_client())
    sign_in_freshly(browser, ana)
    answer = issuer.consent(browser.leave(connect="1"))
    sign_in_freshly(browser, bea)
    assert browser.come_back(answer).status_code == 403 and count(Identity) == 0


def test_F13_connected_with_somebody_else(site: Flask, issuer: Issuer) -> None:
    ana, bea = make_user(), make_user()
    connect(Traveller(site.test_client()), ana, issuer, "one")
    page = connect(Traveller(site.test_client()), bea, issuer, "one")
    assert page.status_code == 409 and "is connected to another profile." in page.text
    assert find_identity().user_id == ana.id


def test_one_identity_for_each_provider(site: Flask, issuer: Issuer) -> None:
    ana, browser = make_user(), Traveller(site.test_client())
    connect(browser, ana, issuer, "one")
    page = connect(browser, ana, issuer, "two")
    assert page.status_code == 409 and "Disconnect it first" in page.text
    assert connect(browser, ana, issuer, "one").status_code == 302 and count(Identity) == 1


def test_F15_the_last_way_in_stays(site: Flask, browser: Traveller, issuer: Issuer) -> None:
    browser.travel(issuer)
    path = f"/me/ways-in/{find_identity().id}/remove"
    page = browser.send(path)
    assert page.status_code == 409 and "another sign-in first" in page.text and count(Identity) == 1


def test_taking_a_way_in_away(site: Flask, browser: Traveller, issuer: Issuer) -> None:
    ana = make_user("ana@example.org")
    connect(browser, ana, issuer, "ana-1")
    path = f"/me/ways-in/{find_identity().id}/remove"
    thief = Traveller(site.test_client())
    sign_in_freshly(thief, make_user())
    assert thief.send(path).status_code == 404 and count(Identity) == 1
    assert browser.send(path).location == "/me/ways-in" and count(Identity) == 0
    assert count(MailMessage) == 2


def test_F17_the_address_to_come_back_to_is_ours_alone(browser: Traveller, issuer: Issuer) -> None:
    for wish in ("https://evil.example/", "http://localhost/sign-in/with/oidc/callback/more",
                 "http://localhost/sign-in/with/oidc/callback?x=y"):  # fmt: skip
        answer = browser.send("/sign-in/with/oidc", redirect_uri=wish)
        assert answer.status_code == 400 and "Refresh" not in answer.headers
    assert issuer.server.asked == [] and count(SignInFlow) == 0
    assert browser.get("/sign-in/with/oidc/callback/more").status_code == 404


def test_the_first_proof_of_an_address_takes_over(
    app: Flask, settings: Settings, issuer: Issuer, mailed_code: Callable[[], str]
) -> None:
    """Somebody sat in the account with an identity whose provider had verified nothing."""
    with open_app(settings, **sign_in_settings(issuer)) as site:
        squatter = Traveller(site.test_client())
        squatter.travel(issuer)
        identity = find_identity()
        db.session.execute(
            update(User)
            .where(User.id == identity.user_id)
            .values(email="ana@example.org", email_key="ana@example.org")
        )
        db.session.commit()
        owner = Traveller(site.test_client())
        owner.send("/sign-in", email="ana@example.org")
        owner.send("/sign-in/code", page="/sign-in/code", code=mailed_code())
        assert owner.is_signed_in() and not squatter.is_signed_in()
        assert count(Identity) == 0 and count(User) == 1
        squatter.travel(issuer, email=None)
        assert count(User) == 2, "the identity opens another account now"


def test_F18_no_code_no_token_and_no_state_is_told(
    browser: Traveller, issuer: Issuer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = issuer.consent(browser.leave())
    issuer.claims = {"nonce": "wrong"}
    page = browser.come_back(answer)
    written = page.text + str(page.headers) + "".join(capfd.readouterr()) + caplog.text
    for secret in (answer["code"], answer["state"], "an access token", "quilt-here"):
        assert secret not in written
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_buttons_are_forms_and_no_get_leaves(browser: Traveller, issuer: Issuer) -> None:
    page = browser.get("/sign-in/with/oidc")
    assert page.status_code == 200 and "Refresh" not in page.headers and count(SignInFlow) == 0
    assert browser.client.post("/sign-in/with/oidc").status_code == 403, "a form of ours has its token"
    assert re.search(r"/sign-in/with/oidc/callback", browser.leave().replace("%2F", "/"))


def grow_old(browser: Traveller) -> None:
    """Let more than half an hour pass since this session began."""
    with browser.client.session_transaction() as session:
        for name in ("fresh_at", "provider_at"):
            session[name] = session.get(name, 0) - 3_600


def give_passkey(user_id: int) -> None:
    save(Passkey(user_id=user_id, credential_id=b"far away", public_key=b"k", name="Phone", created_at=now()))


def test_who_has_a_passkey_and_no_address_confirms_by_their_provider(
    browser: Traveller, issuer: Issuer
) -> None:
    browser.travel(issuer)
    person = find_person(find_identity().user_id)
    assert not person.has_address
    give_passkey(person.id)
    assert 'name="email"' in browser.get("/me/security").text, "just signed in by the only other way there is"
    grow_old(browser)
    assert 'name="email"' not in browser.get("/me/security").text
    page = browser.get("/sign-in/confirm?next=/me/security").text
    assert "data-passkey-missing" in page and "Use the other way below." in page
    assert "/sign-in/with/oidc" in page and "/sign-in/with/github" not in page, "their own provider alone"
    browser.travel(issuer)
    assert 'name="email"' in browser.get("/me/security").text


def test_a_provider_is_not_enough_where_a_code_would_not_be(browser: Traveller, issuer: Issuer) -> None:
    browser.travel(issuer)
    person_id = find_identity().user_id
    give_passkey(person_id)
    save(Authenticator(user_id=person_id, secret=b"sealed", confirmed_at=now(), created_at=now()))
    assert 'name="email"' not in browser.get("/me/security").text
    page = browser.get("/sign-in/confirm").text
    assert "/sign-in/with/oidc" not in page and "Lost them all?" in page


def test_who_has_nothing_but_a_passkey_is_told_what_to_do_without_a_script(
    browser: Traveller, issuer: Issuer
) -> None:
    browser.travel(issuer)
    identity = find_identity()
    give_passkey(identity.user_id)
    db.session.delete(db.session.merge(identity))
    db.session.commit()
    grow_old(browser)
    page = browser.get("/sign-in/confirm").text
    assert "Turn JavaScript on and load this page again" in page and "Lost them all?" in page
