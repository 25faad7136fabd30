"""Signing in with Bluesky against a small server that checks pushed requests, proofs of possession and nonces."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey

from quilt.accounts import bluesky
from quilt.accounts.flows import finish_sign_in, start_sign_in
from quilt.accounts.proofs import Interrupted, Proof, ProviderSilent, ServerUnknown
from quilt.accounts.providers import PROVIDERS, callback_url
from quilt.config import Settings
from quilt.web.clock import entropy, now
from tests.stub_server import Asked, StubServer, open_stub, say

DID = "did:plc:" + "a" * 24
NONCE = "the server's nonce"
ROW = PROVIDERS["bluesky"]


@dataclass
class Server:
    """Directory, resolver, data server and authorization server in one; `pages` replaces what it publishes."""

    server: StubServer
    pages: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    pushed: dict[str, str] = field(default_factory=dict)
    thumbprints: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url

    def publish(self) -> dict[str, Any]:
        own = {
            "/xrpc/com.atproto.identity.resolveHandle": {"did": DID},
            f"/{DID}": {
                "id": DID, "alsoKnownAs": ["at://ana.example.org"],
                "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.url}],
            },
            "/.well-known/oauth-protected-resource": {"authorization_servers": [self.url]},
            "/.well-known/oauth-authorization-server": {
                "issuer": self.url, "authorization_endpoint": f"{self.url}/oauth/authorize",
                "token_endpoint": f"{self.url}/oauth/token",
                "pushed_authorization_request_endpoint": f"{self.url}/oauth/par",
                "authorization_response_iss_parameter_supported": True,
            },
        }  # fmt: skip
        return own | self.pages

    def answer(self, handler: Any, asked: Asked) -> None:
        path = urlsplit(asked.path).path
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if path in ("/oauth/par", "/oauth/token"):
            if self._prove(asked, path) != NONCE:
                words = json.dumps({"error": "use_dpop_nonce"})
                say(words, 400, "application/json", DPoP_Nonce=NONCE)(handler, asked)
                return
            facts = self._push(form) if path == "/oauth/par" else self._trade(form)
        else:
            facts = self.publish().get(path)
        status = 404 if facts is None else 400 if "error" in facts else 201 if path == "/oauth/par" else 200
        say(json.dumps(facts or {}), status, "application/json")(handler, asked)

    def _prove(self, asked: Asked, path: str) -> str:
        """The nonce in a proof of possession that is otherwise right (RFC 9449)."""
        proof = asked.headers["DPoP"]
        header = json.loads(base64.urlsafe_b64decode(proof.split(".")[0] + "=="))
        key = ECKey.import_key(header["jwk"])
        claims = json.loads(jws.deserialize_compact(proof, key, algorithms=["ES256"]).payload)
        assert header["typ"] == "dpop+jwt" and "d" not in header["jwk"]
        assert claims["htm"] == "POST" and claims["htu"] == self.url + path and claims["jti"]
        self.thumbprints.add(key.thumbprint())
        return str(claims.get("nonce", ""))

    def _push(self, form: dict[str, str]) -> dict[str, Any]:
        self.pushed = form
        return {"request_uri": "urn:ietf:params:oauth:request_uri:1", "expires_in": 60}

    def _trade(self, form: dict[str, str]) -> dict[str, Any]:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        same = ("client_id", "redirect_uri")
        if challenge != self.pushed["code_challenge"] or any(form.get(it) != self.pushed[it] for it in same):
            self.problems.append("another request's code")
            return {"error": "invalid_grant"}
        return {
            "access_token": "a",
            "token_type": "DPoP",
            "sub": DID,
            "scope": "atproto",
            "expires_in": 60,
        } | self.token


@pytest.fixture
def server() -> Iterator[Server]:
    with open_stub(say("not yet")) as stub:
        server = Server(stub)
        stub.answer = server.answer
        yield server


@pytest.fixture
def mine(app: Flask, settings: Settings, server: Server) -> Settings:
    return replace(
        settings, bluesky_on=True, bluesky_resolver=server.url, bluesky_directory=server.url,
        base_url="http://127.0.0.1:8000",
    )  # fmt: skip


def leave(settings: Settings, where: str = "@Ana.example.org") -> str:
    return start_sign_in(
        ROW, settings=settings, browser="mine", next_path="/me", now=now(), entropy=entropy, where=where
    )


def finish(settings: Settings, server: Server, **arguments: str) -> Proof:
    answer = {"code": "the code", "state": server.pushed["state"], "iss": server.url} | arguments
    return finish_sign_in(
        ROW, {name: value for name, value in answer.items() if value}, settings=settings, browser="mine", now=now()
    ).proof  # fmt: skip


def test_from_a_handle_to_its_owner(mine: Settings, server: Server) -> None:
    address = leave(mine)
    asked = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith(f"{server.url}/oauth/authorize?") and set(asked) == {"client_id", "request_uri"}
    assert asked["client_id"] == server.pushed["client_id"]
    assert server.pushed["scope"] == "atproto" and server.pushed["login_hint"] == "ana.example.org"
    assert server.pushed["redirect_uri"] == callback_url(ROW, mine)
    assert server.pushed["code_challenge_method"] == "S256" and server.pushed["response_type"] == "code"
    proof = finish(mine, server)
    assert proof == Proof("bluesky", "https://bsky.app", DID, "@ana.example.org")
    assert len(server.thumbprints) == 1, "one key for the request and its token"
    assert server.problems == []


@pytest.mark.parametrize(
    "pages",
    [
        {"/xrpc/com.atproto.identity.resolveHandle": {"did": "did:key:zzz"}},
        {"/xrpc/com.atproto.identity.resolveHandle": None},
        {f"/{DID}": {"id": "did:plc:" + "b" * 24}},
        {f"/{DID}": {"id": DID, "alsoKnownAs": ["at://somebody.else.org"], "service": []}},
        {f"/{DID}": {"id": DID, "alsoKnownAs": ["at://ana.example.org"], "service": []}},
        {"/.well-known/oauth-protected-resource": {"authorization_servers": []}},
        {"/.well-known/oauth-protected-resource": {"authorization_servers": ["http://10.0.0.1", "x"]}},
    ],
)
def test_a_handle_that_leads_nowhere(mine: Settings, server: Server, pages: dict[str, Any]) -> None:
    server.pages = pages
    with pytest.raises(ServerUnknown):
        leave(mine)
    assert server.pushed == {}


@pytest.mark.parametrize(
    "where", ["ana", "ana@example.org", "https://ana.example.org", "..", "a" * 300, "did:web:10.0.0.1"]
)
def test_what_is_no_handle(mine: Settings, server: Server, where: str) -> None:
    with pytest.raises(ServerUnknown):
        leave(mine, where)


def test_a_server_that_signs_in_whom_it_does_not_keep(mine: Settings, server: Server) -> None:
    """Any server could name any DID: the DID's own document decides."""
    leave(mine)
    server.pages = {
        "/.well-known/oauth-protected-resource": {"authorization_servers": ["https://another.example"]}
    }
    with pytest.raises(Interrupted):
        finish(mine, server)


@pytest.mark.parametrize(
    "token", [{"sub": "did:plc:" + "b" * 24}, {"sub": None}, {"sub": "ana"}, {"token_type": "x"}]
)
def test_another_account_s_token(mine: Settings, server: Server, token: dict[str, Any]) -> None:
    leave(mine)
    server.token = token
    with pytest.raises(Interrupted):
        finish(mine, server)


@pytest.mark.parametrize("iss", ["", "https://evil.example"])
def test_the_answer_must_name_its_issuer(mine: Settings, server: Server, iss: str) -> None:
    leave(mine)
    with pytest.raises(Interrupted):
        finish(mine, server, iss=iss)


def test_a_server_without_pushed_requests(mine: Settings, server: Server) -> None:
    facts = server.publish()["/.well-known/oauth-authorization-server"]
    facts.pop("pushed_authorization_request_endpoint")
    server.pages = {"/.well-known/oauth-authorization-server": facts}
    with pytest.raises(ProviderSilent):
        leave(mine)


def test_who_we_are(settings: Settings) -> None:
    public = replace(settings, base_url="https://vote.example.org")
    facts = bluesky.describe_client(public, [callback_url(ROW, public)], "atproto")
    assert (
        facts["client_id"]
        == bluesky.client_id(public, "", "")
        == "https://vote.example.org/sign-in/with/bluesky/client.json"
    )
    assert facts["redirect_uris"] == ["https://vote.example.org/sign-in/with/bluesky/callback"]
    assert facts["dpop_bound_access_tokens"] is True and facts["token_endpoint_auth_method"] == "none"
