"""An issuer that misbehaves in every way we could think of: refused, in words that say what to do, with the vote kept."""

import gzip
import json
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity, PendingAct
from quilt.config import Settings
from quilt.votes.models import Vote
from tests.factories import make_entry
from tests.issuer import CLIENT_ID, Issuer
from tests.stub_server import Asked, open_stub, say
from tests.web.auth.provider_browser import (
    Traveller,
    count,
    destination_of,
    open_app,
    sign_in_settings,
)
from tests.web.site.browsing import make_open_contest

Change = Callable[[Issuer], None]
INTERRUPTED, SILENT = 400, 503
HURRIED = {"provider_seconds": 0.8}
WORDS = {
    INTERRUPTED: "Sign-in was interrupted. Start again.",
    SILENT: "The valley&#39;s login is not answering. Use e-mail instead.",
}


def put(**values: object) -> Change:
    """Change attributes of the issuer; dictionaries are replaced."""
    return lambda issuer: [setattr(issuer, name, value) for name, value in values.items()] and None


def at(path: str, answer: object) -> Change:
    return lambda issuer: issuer.answers.update({path: answer})


def claim(**claims: object) -> Change:
    return put(claims=claims)


def tell(facts: object) -> object:
    return say(json.dumps(facts), 200, "application/json")


def stall(handler: object, _asked: Asked) -> None:
    time.sleep(20)


def drip(handler: object, _asked: Asked) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def lead_inside(handler: object, asked: Asked) -> None:
    say(status=302, Location="http://127.0.0.1:9/secrets")(handler, asked)


def hour(offset: int) -> int:
    return int(time.time()) + offset


SOON_AFTER = {
    "wrong-nonce": (claim(nonce="another"), INTERRUPTED),
    "no-nonce": (claim(nonce=None), INTERRUPTED),
    "wrong-issuer": (claim(iss="https://evil.example"), INTERRUPTED),
    "no-issuer": (claim(iss=None), INTERRUPTED),
    "issuer-with-slash": (lambda it: it.claims.update(iss=it.url + "/"), INTERRUPTED),
    "wrong-audience": (claim(aud="another client"), INTERRUPTED),
    "no-audience": (claim(aud=None), INTERRUPTED),
    "two-audiences": (claim(aud=[CLIENT_ID, "another"]), INTERRUPTED),
    "another-party": (claim(aud=[CLIENT_ID, "another"], azp="another"), INTERRUPTED),
    "expired": (claim(exp=hour(-3600)), INTERRUPTED),
    "no-end": (claim(exp=None), INTERRUPTED),
    "end-in-words": (claim(exp="tomorrow"), INTERRUPTED),
    "from-tomorrow": (claim(iat=hour(86_400)), INTERRUPTED),
    "not-yet": (claim(nbf=hour(86_400)), INTERRUPTED),
    "no-subject": (claim(sub=None), INTERRUPTED),
    "empty-subject": (claim(sub=""), INTERRUPTED),
    "subject-is-a-list": (claim(sub=["a"]), INTERRUPTED),
    "subject-without-end": (claim(sub="x" * 300), SILENT),
    "token-of-another": (claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), INTERRUPTED),
    "alg-none": (put(algorithm="none"), INTERRUPTED),
    "alg-of-the-public-key": (put(algorithm="HS256"), INTERRUPTED),
    "foreign-key": (put(key_name="somebody else's"), INTERRUPTED),
    "foreign-key-named": (put(key_name="somebody else's", header={"kid": "unknown"}), INTERRUPTED),
    "no-id-token": (put(token={"id_token": None}), INTERRUPTED),
    "id-token-is-a-list": (put(token={"id_token": ["a"]}), INTERRUPTED),
    "id-token-garbage": (put(token={"id_token": "a.b.c"}), INTERRUPTED),
    "id-token-without-end": (put(token={"id_token": "a" * 100_000}), INTERRUPTED),
    "no-access-token": (put(token={"access_token": None}), SILENT),
    "access-token-is-a-number": (put(token={"access_token": 7}), SILENT),
    "token-of-another-kind": (put(token={"token_type": "mac"}), SILENT),
    "token-500": (at("/token", say("oh", 500)), SILENT),
    "token-html": (at("/token", say("<html>sorry</html>", 200, "text/html")), SILENT),
    "token-list": (at("/token", tell([1, 2])), SILENT),
    "token-deep": (at("/token", say("[" * 100_000, 200, "application/json")), SILENT),
    "token-not-utf8": (at("/token", say(b"\xff\xfe\x00", 200, "application/json")), SILENT),
    "token-zipped": (at("/token", say(gzip.compress(b"{}"), Content_Encoding="gzip")), SILENT),
    "token-5-megabytes": (at("/token", say(b'{"a":"' + b"x" * 5_000_000 + b'"}')), SILENT),
    "token-leads-inside": (at("/token", lead_inside), SILENT),
    "token-cut": (at("/token", say("{}", Content_Length=100)), SILENT),
    "keys-html": (at("/jwks", say("<html>")), SILENT),
    "keys-none": (at("/jwks", tell({"keys": []})), SILENT),
    "keys-of-another-kind": (at("/jwks", tell({"keys": [{"kty": "oct", "k": "AAAA"}]})), SILENT),
    "account-of-another": (
        lambda it: it.account.update(email=None) or at("/account", tell({"sub": "sub-2", "email": "b@example.org"}))(it),
        INTERRUPTED,
    ),
    "account-html": (
        lambda it: it.account.update(email=None) or at("/account", say("<html>"))(it),
        SILENT,
    ),
}  # fmt: skip


@pytest.fixture
def site(app: Flask, settings: Settings, issuer: Issuer, request: pytest.FixtureRequest) -> Iterator[Flask]:
    with open_app(settings, **sign_in_settings(issuer), **getattr(request, "param", {})) as site:
        yield site


@pytest.fixture
def entry(site: Flask) -> object:
    return make_entry(make_open_contest())


@pytest.fixture
def browser(site: Flask) -> Traveller:
    return Traveller(site.test_client())


def assert_refused(browser: Traveller, page: object, status: int, entry: object) -> None:
    """The right status and words, nobody came in, and the vote is still there to be cast another way."""
    assert page.status_code == status, page.text
    assert WORDS[status] in page.text
    assert "is kept" in page.text and "Sign in by e-mail" in page.text
    assert "evil.example" not in page.text and "alert(1)" not in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert not browser.is_signed_in()
    assert (count(User), count(Identity), count(Vote)) == (1, 0, 0), "the entrant is there already"
    assert count(PendingAct) == 1


def test_the_issuer_behaves_when_nobody_tells_it_otherwise(
    browser: Traveller, issuer: Issuer, entry: object
) -> None:
    done = browser.come_back(issuer.consent(destination_of(browser.vote_with(entry))))
    assert done.status_code == 303 and count(Vote) == 1


@pytest.mark.parametrize("name", SOON_AFTER)
def test_misbehaviour_after_consent(browser: Traveller, issuer: Issuer, entry: object, name: str) -> None:
    change, status = SOON_AFTER[name]
    answer = issuer.consent(destination_of(browser.vote_with(entry)))
    change(issuer)
    assert_refused(browser, browser.come_back(answer), status, entry)


@pytest.mark.parametrize(
    ("iss", "is_let_in"), [("", False), ("https://evil.example", False), ("its own", True)]
)
def test_an_answer_names_its_issuer_where_the_issuer_says_so(
    browser: Traveller, issuer: Issuer, entry: object, iss: str, is_let_in: bool
) -> None:
    """RFC 9207: without it an answer may be another provider's."""
    issuer.metadata["authorization_response_iss_parameter_supported"] = True
    answer = issuer.consent(destination_of(browser.vote_with(entry)))
    named = {"iss": issuer.url if iss == "its own" else iss} if iss else {}
    done = browser.come_back({name: text for name, text in answer.items() if name != "iss"} | named)
    if is_let_in:
        assert done.status_code == 303 and count(Vote) == 1
    else:
        assert_refused(browser, done, INTERRUPTED, entry)


def test_there_are_enough_of_them() -> None:
    assert len(SOON_AFTER) > 40


def test_nobody_waits_for_five_seconds() -> None:
    assert Settings().provider_seconds < 5


@pytest.mark.parametrize("site", [HURRIED], indirect=True, ids=["hurried"])
@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("how", [stall, drip])
def test_a_provider_that_is_slow(  # F16
    browser: Traveller, issuer: Issuer, entry: object, path: str, how: object
) -> None:
    answer = issuer.consent(destination_of(browser.vote_with(entry)))
    issuer.answers[path] = how
    began = time.monotonic()
    page = browser.come_back(answer)
    assert HURRIED["provider_seconds"] <= time.monotonic() - began < 1.5 + HURRIED["provider_seconds"]
    assert_refused(browser, page, SILENT, entry)


@pytest.mark.parametrize(
    "arguments",
    [
        {"error": "server_error", "error_description": "<script>alert(1)</script>"},
        {"error": ""},
        {"code": ""},
        {"code": "x" * 5_000},
        {"code": "a\nb"},
        {"code": "made up"},
        {"iss": "https://evil.example"},
    ],
    ids=lambda it: "-".join(it),
)
def test_misbehaviour_in_the_answer_itself(
    browser: Traveller, issuer: Issuer, entry: object, arguments: dict[str, str]
) -> None:
    answer = issuer.consent(destination_of(browser.vote_with(entry))) | arguments
    if "error" in arguments:
        answer.pop("code")
    assert_refused(browser, browser.come_back(answer), INTERRUPTED, entry)


def test_a_parameter_that_stands_there_twice(browser: Traveller, issuer: Issuer, entry: object) -> None:
    answer = issuer.consent(destination_of(browser.vote_with(entry)))
    query = [("code", answer["code"]), ("code", "another"), ("state", answer["state"])]
    page = browser.client.get("/sign-in/with/oidc/callback", query_string=query)
    assert_refused(browser, page, INTERRUPTED, entry)


def test_the_same_answer_again_after_it_failed(browser: Traveller, issuer: Issuer, entry: object) -> None:
    answer = issuer.consent(destination_of(browser.vote_with(entry)))
    issuer.claims = {"nonce": "another"}
    browser.come_back(answer)
    issuer.claims = {}
    assert_refused(browser, browser.come_back(answer), INTERRUPTED, entry)


@pytest.mark.parametrize("site", [HURRIED], indirect=True, ids=["hurried"])
@pytest.mark.parametrize(
    ("metadata", "answer"),
    [
        ({"issuer": "https://evil.example"}, None),
        ({"authorization_endpoint": "javascript:alert(1)"}, None),
        ({"authorization_endpoint": "http://evil.example/authorize"}, None),
        ({"token_endpoint": "https://10.0.0.1:22/token"}, None),
        ({"token_endpoint": None}, None),
        ({"jwks_uri": 7}, None),
        ({}, say("<html>", 200, "text/html")),
        ({}, say("{}", 404)),
        ({}, lead_inside),
        ({}, tell([])),
        ({}, stall),
    ],
    ids=lambda it: "-".join(it) if isinstance(it, dict) else "",
)
def test_misbehaviour_before_one_leaves(
    browser: Traveller, issuer: Issuer, entry: object, metadata: dict[str, object], answer: object
) -> None:
    """The vote's own page says so, and takes the address instead."""
    issuer.metadata = metadata
    if answer is not None:
        issuer.answers["/.well-known/openid-configuration"] = answer
    page = browser.vote_with(entry)
    assert page.status_code == SILENT and WORDS[SILENT] in page.text and "Refresh" not in page.headers
    assert 'name="email"' in page.text and count(Vote) == 0
    page = browser.send("/sign-in/with/oidc")
    assert page.status_code == SILENT and "Sign in by e-mail" in page.text and "is kept" in page.text


def test_keys_inside_our_own_network_are_not_asked_for(
    app: Flask, settings: Settings, issuer: Issuer
) -> None:
    """A site in production asks nobody on this machine: not the issuer itself, nor whom it names."""
    values = {**sign_in_settings(issuer), "environment": "demo"}
    with open_stub(say("secret")), open_app(settings, **values) as site:
        page = Traveller(site.test_client()).send("/sign-in/with/oidc")
        assert page.status_code == SILENT and issuer.server.asked == []
