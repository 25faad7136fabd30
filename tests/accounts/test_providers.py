"""Every row of the table: what switches it on, where it sends people, what it asks for, and whom it proves."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import select

from quilt.accounts.exchange import Trip, sign_secret
from quilt.accounts.flows import finish_sign_in, start_sign_in
from quilt.accounts.models_identity import InstanceClient
from quilt.accounts.proofs import Interrupted, Proof, ProviderSilent, ServerUnknown
from quilt.accounts.provider_check import CheckFailed, check_provider
from quilt.accounts.providers import (
    PROVIDERS,
    Auth,
    Kind,
    Provider,
    callback_url,
    complete,
    find_provider,
    list_missing,
    list_on,
)
from quilt.config import Settings, from_environment
from quilt.database import db
from quilt.web.clock import entropy, now
from tests.accounts.networks import Network, open_network
from tests.issuer import CLIENT_ID, CLIENT_SECRET, open_issuer

KEYS = {
    name: True if name.endswith("_on") else f"{name} here"
    for row in PROVIDERS.values()
    for name in row.needs
} | {"oidc_issuer": "https://login.example.org"}  # fmt: skip


def test_nothing_is_on_without_keys(settings: Settings) -> None:
    assert list_on(settings) == []
    for row in PROVIDERS.values():
        assert find_provider(row.name, settings) is None
        assert all(name.startswith("QUILT_") for name in list_missing(row, settings))


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_row_is_on_with_all_its_keys_and_off_without_one(settings: Settings, name: str) -> None:
    row = PROVIDERS[name]
    mine = {key: KEYS[key] for key in row.needs}
    assert [it.name for it in list_on(replace(settings, **mine))] == [name]
    for key in row.needs:
        assert list_on(replace(settings, **(mine | {key: type(mine[key])()}))) == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_row_is_complete(settings: Settings, name: str) -> None:
    row = complete(PROVIDERS[name], replace(settings, **KEYS))
    assert callback_url(row, settings) == f"http://localhost/sign-in/with/{name}/callback"
    assert row.label and row.costs and re.fullmatch("[a-z]+", row.name)
    endpoints = (row.authorization_endpoint, row.token_endpoint, row.account_endpoint)
    if row.kind is Kind.OAUTH:
        assert all(address.startswith("https://") for address in endpoints)
    if row.kind is Kind.OIDC:
        assert row.issuer.startswith("https://") and row.scopes[0] == "openid"
    assert not {"tweet.write", "w_member_social", "write:statuses"} & set(row.scopes), (
        "posting is asked later"
    )


def test_the_environment_switches_on() -> None:
    settings = from_environment(
        {"QUILT_ENV": "development", "QUILT_MASTODON": "on", "QUILT_BLUESKY": "off",
         "QUILT_GITHUB_CLIENT_ID": "a", "QUILT_GITHUB_CLIENT_SECRET": "unspeakable", "QUILT_X_CLIENT_ID": "half"}
    )  # fmt: skip
    assert [row.name for row in list_on(settings)] == ["github", "mastodon"]
    assert "unspeakable" not in repr(settings)


def test_microsoft_s_tenant(settings: Settings) -> None:
    row = PROVIDERS["microsoft"]
    assert complete(row, settings).issuer == "https://login.microsoftonline.com/common/v2.0"
    with pytest.raises(ValueError, match="QUILT_MICROSOFT_TENANT"):
        complete(row, replace(settings, microsoft_tenant="../evil"))


@pytest.fixture
def keyed(app: Flask, settings: Settings) -> Settings:
    ids = {f"{row}_client_id": "our id" for row in ("facebook", "x", "github")}
    secrets = {f"{row}_client_secret": "our secret" for row in ("facebook", "x", "github")}
    return replace(settings, mastodon_on=True, **ids, **secrets)


def leave(row: Provider, settings: Settings, **values: object) -> str:
    return start_sign_in(
        row, settings=settings, browser="mine", next_path="/me", now=now(), entropy=entropy, **values
    )


def finish(row: Provider, settings: Settings, arguments: dict[str, str]) -> Proof:
    return finish_sign_in(row, arguments, settings=settings, browser="mine", now=now()).proof


ANSWERS = {
    "facebook": (
        {"/account": {"id": "10158", "name": "Ana Ruiz", "email": "ana@example.org"}},
        Proof("facebook", "https://www.facebook.com", "10158", "Ana Ruiz", "ana@example.org", False),
    ),
    "x": (
        {"/account": {"data": {"id": "2244994945", "username": "ana"}}},
        Proof("x", "https://x.com", "2244994945", "ana"),
    ),
    "github": (
        {
            "/account": {"id": 583231, "login": "ana", "email": "shown@example.org"},
            "/emails": [
                {"email": "old@example.org", "primary": False, "verified": True},
                {"email": "ana@example.org", "primary": True, "verified": True},
            ],
        },
        Proof("github", "https://github.com/login/oauth", "583231", "ana", "ana@example.org", True),
    ),
}


def move(row: Provider, network: Network) -> Provider:
    """The same row at a server of ours."""
    return replace(
        row, authorization_endpoint=f"{network.url}/authorize", token_endpoint=f"{network.url}/token",
        account_endpoint=f"{network.url}/account",
        emails_endpoint=f"{network.url}/emails" if row.emails_endpoint else "",
    )  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_oauth_rows_prove_by_the_account(keyed: Settings, name: str) -> None:
    pages, proof = ANSWERS[name]
    with open_network(auth=PROVIDERS[name].auth.value) as network:
        row = move(PROVIDERS[name], network)
        network.pages = {path: network.guarded(facts) for path, facts in pages.items()}
        address = leave(row, keyed)
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["redirect_uri"] == callback_url(row, keyed) and asked["scope"] == " ".join(row.scopes)
        assert asked["code_challenge_method"] == "S256" and "nonce" not in asked
        assert finish(row, keyed, network.consent(address)) == proof
        assert network.problems == []


@pytest.mark.parametrize(
    "account", [{}, {"id": None}, {"id": ""}, {"id": True}, {"id": {"a": 1}}, {"id": "x" * 256}, []]
)
def test_an_account_without_a_number_proves_nobody(keyed: Settings, account: object) -> None:
    with open_network() as network:
        row = move(PROVIDERS["facebook"], network)
        network.pages = {"/account": network.guarded(account)}
        with pytest.raises(ProviderSilent):
            finish(row, keyed, network.consent(leave(row, keyed)))


def test_an_address_that_github_has_not_verified_is_not_vouched_for(keyed: Settings) -> None:
    with open_network() as network:
        row = move(PROVIDERS["github"], network)
        emails = [{"email": "ana@example.org", "primary": True, "verified": False}]
        network.pages = {
            "/account": network.guarded({"id": 1, "login": "ana"}),
            "/emails": network.guarded(emails),
        }
        proof = finish(row, keyed, network.consent(leave(row, keyed)))
        assert (proof.email, proof.is_vouched) == ("ana@example.org", False)


@pytest.mark.parametrize("name", [name for name, row in PROVIDERS.items() if row.kind is Kind.OIDC])
def test_openid_connect_rows_against_an_issuer(app: Flask, settings: Settings, name: str) -> None:
    """The row's own scopes, parameters and proof of who we are, at an issuer of ours."""
    key = ECKey.generate_key("P-256", private=True).as_pem(private=True).decode()
    values = {
        f"{name}_client_id": CLIENT_ID,
        "apple_team_id": "TEAM",
        "apple_key_id": "KEY",
        "apple_private_key": key,
    }
    if name != "apple":
        values[f"{name}_client_secret"] = CLIENT_SECRET
    mine = replace(settings, **values)
    with open_issuer() as issuer:
        row = replace(complete(PROVIDERS[name], mine), issuer=issuer.url)
        issuer.takes_any_client = True
        address = leave(row, mine)
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["scope"] == " ".join(row.scopes) and len(asked["nonce"]) >= 43
        assert dict(row.extra).items() <= asked.items()
        proof = finish(row, mine, issuer.consent(address, "sub-7", email="a@example.org"))
        assert (proof.issuer, proof.subject, proof.email) == (issuer.url, "sub-7", "a@example.org")
        assert proof.is_vouched is (name in ("google", "apple", "linkedin"))


def test_linkedin_echoes_no_nonce_and_google_does(app: Flask, settings: Settings) -> None:
    for name, is_taken in (("linkedin", True), ("google", False)):
        mine = replace(settings, **{f"{name}_client_id": CLIENT_ID, f"{name}_client_secret": CLIENT_SECRET})
        with open_issuer() as issuer:
            row = replace(PROVIDERS[name], issuer=issuer.url, auth=Auth.BASIC)
            issuer.claims = {"nonce": None}
            answer = issuer.consent(leave(row, mine))
            if is_taken:
                assert finish(row, mine, answer).subject == "sub-1"
            else:
                with pytest.raises(Interrupted):
                    finish(row, mine, answer)


def test_microsoft_s_issuer_is_the_tenant_s(app: Flask, settings: Settings) -> None:
    tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
    mine = replace(settings, microsoft_client_id=CLIENT_ID, microsoft_client_secret=CLIENT_SECRET)
    for told, is_good in ((tenant, True), ("another", False), (None, False)):
        with open_issuer() as issuer:
            row = replace(PROVIDERS["microsoft"], issuer=issuer.url, auth=Auth.BASIC)
            issuer.metadata = {"issuer": issuer.url + "/{tenantid}/v2.0"}
            issuer.claims = {"tid": told, "iss": f"{issuer.url}/{tenant}/v2.0"}
            answer = issuer.consent(leave(row, mine))
            answer.pop("iss")
            if is_good:
                assert finish(row, mine, answer).issuer == f"{issuer.url}/{tenant}/v2.0"
            else:
                with pytest.raises(Interrupted):
                    finish(row, mine, answer)


def test_apple_s_secret_is_signed_anew(settings: Settings) -> None:
    key = ECKey.generate_key("P-256", private=True)
    mine = replace(
        settings, apple_client_id="org.example.web", apple_team_id="TEAM", apple_key_id="KEY",
        apple_private_key=key.as_pem(private=True).decode(),
    )  # fmt: skip
    row, moment = PROVIDERS["apple"], now()
    token = jwt.decode(sign_secret(Trip(row, mine, moment), mine.apple_client_id), key, algorithms=["ES256"])
    assert token.header["kid"] == "KEY"
    assert token.claims["iss"] == "TEAM" and token.claims["sub"] == "org.example.web"
    assert token.claims["aud"] == "https://appleid.apple.com"
    assert 0 < token.claims["exp"] - moment.timestamp() <= 300
    with pytest.raises(ProviderSilent):
        sign_secret(Trip(row, replace(mine, apple_private_key="no key"), moment), "x")


@pytest.fixture
def mastodon() -> Iterator[Network]:
    with open_network(client_id="registered", secret="by itself") as network:
        register = {"client_id": "registered", "client_secret": "by itself"}
        network.pages = {
            "/api/v1/apps": lambda asked: register if asked.method == "POST" else None,
            "/oauth/token": network._trade,
            "/api/v1/accounts/verify_credentials": network.guarded({"id": "109", "acct": "ana"}),
        }
        yield network


def test_mastodon_registers_us_once_for_each_server(keyed: Settings, mastodon: Network) -> None:
    row = PROVIDERS["mastodon"]
    for _ in range(2):
        address = leave(row, keyed, where=mastodon.url)
        assert address.startswith(f"{mastodon.url}/oauth/authorize?")
        proof = finish(row, keyed, mastodon.consent(address))
        host = mastodon.url.removeprefix("http://")
        assert proof == Proof("mastodon", mastodon.url, "109", f"@ana@{host}")
    asked = [it for it in mastodon.server.asked if it.path == "/api/v1/apps"]
    assert len(asked) == 1 and mastodon.problems == []
    wish = dict(parse_qsl(asked[0].body.decode()))
    assert wish == {
        "client_name": "Quilt", "redirect_uris": callback_url(row, keyed), "scopes": "read:accounts",
        "website": "http://localhost",
    }  # fmt: skip
    kept = db.session.scalars(select(InstanceClient)).one()
    assert "by itself" not in kept.sealed_secret


def test_a_newer_mastodon_is_asked_for_the_profile_alone(keyed: Settings, mastodon: Network) -> None:
    mastodon.pages["/.well-known/oauth-authorization-server"] = {
        "issuer": mastodon.url, "authorization_endpoint": f"{mastodon.url}/oauth/authorize",
        "token_endpoint": f"{mastodon.url}/oauth/token", "app_registration_endpoint": f"{mastodon.url}/api/v1/apps",
        "scopes_supported": ["read", "profile", "write"],
    }  # fmt: skip
    address = leave(PROVIDERS["mastodon"], keyed, where=mastodon.url)
    assert "scope=profile&" in address + "&"


def test_a_registration_that_is_gone_there_is_made_again(keyed: Settings, mastodon: Network) -> None:
    row = PROVIDERS["mastodon"]
    answer = mastodon.consent(leave(row, keyed, where=mastodon.url))
    mastodon.secret = "renewed"
    with pytest.raises(Interrupted):
        finish(row, keyed, answer)
    mastodon.pages["/api/v1/apps"] = {"client_id": "registered", "client_secret": "renewed"}
    assert finish(row, keyed, mastodon.consent(leave(row, keyed, where=mastodon.url))).subject == "109"


@pytest.mark.parametrize(
    "where",
    ["", "  ", "@", "nonsense server", "javascript:alert(1)", "https://user:word@example.org", "example.org:22",
     "a" * 300 + ".org", "http://127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "xn--.", "example..org"],
)  # fmt: skip
def test_what_is_no_server(keyed: Settings, where: str) -> None:
    strict = replace(keyed, environment="demo")
    with pytest.raises(ServerUnknown):
        leave(PROVIDERS["mastodon"], strict, where=where)


@pytest.mark.parametrize("answer", [{"error": "no"}, {}, {"client_id": 7, "client_secret": "x"}, []])
def test_a_server_that_registers_nobody(keyed: Settings, mastodon: Network, answer: object) -> None:
    mastodon.pages["/api/v1/apps"] = answer
    with pytest.raises(ServerUnknown):
        leave(PROVIDERS["mastodon"], keyed, where=mastodon.url)


def test_the_desk_s_test_button(app: Flask, settings: Settings) -> None:
    row = PROVIDERS["oidc"]
    with pytest.raises(CheckFailed, match="QUILT_OIDC_ISSUER"):
        check_provider(row, settings, now())
    with open_issuer() as issuer:
        mine = replace(settings, oidc_issuer=issuer.url, oidc_client_id="a", oidc_client_secret="b")
        assert "publishes 1 keys" in check_provider(row, mine, now())
    gone = replace(mine, oidc_issuer="http://127.0.0.1:1999")
    with pytest.raises(CheckFailed, match="does not answer"):
        check_provider(row, gone, now())
