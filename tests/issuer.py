"""An OpenID Connect issuer of our own on loopback, which can be told to misbehave in one way at a time."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from quilt.accounts import discovery
from tests.stub_server import Asked, StubServer, open_stub, say

CLIENT_ID, CLIENT_SECRET = "quilt-here", "a secret of the stub issuer, long enough for HS256"


@cache
def make_key(name: str) -> RSAKey:
    """One key for all tests of a process: making one takes long."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"}, private=True)


@dataclass
class Issuer:
    """What it says. `claims` are put over the ID token's own (None takes one away); `answers` replace the answer at
    a path; `algorithm` and `key` sign."""

    server: StubServer
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key_name: str = "published"
    takes_any_client: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, server: StubServer) -> Self:
        """A new one, which answers at this server from now on."""
        issuer = cls(server)
        server.answer = issuer.answer
        return issuer

    @property
    def url(self) -> str:
        return self.server.url

    def consent(self, address: str, subject: str = "sub-1", **account: Any) -> dict[str, str]:
        """What the browser brings back after its owner said yes at `address`."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.url}/authorize?"), address
        assert asked["client_id"] == CLIENT_ID and asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
        assert "openid" in asked["scope"].split() and len(asked["state"]) >= 43
        code = base64.urlsafe_b64encode(hashlib.sha256(asked["state"].encode()).digest()).decode()
        self.codes[code] = asked | {"sub": subject}
        self.account = {"email": f"{subject}@example.org", "email_verified": True} | account
        return {"code": code, "state": asked["state"], "iss": self.url}

    def answer(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        path = urlsplit(asked.path).path
        if path in self.answers:
            self.answers[path](handler, asked)
            return
        facts = {
            "/.well-known/openid-configuration": self._describe,
            "/jwks": lambda _: {"keys": [make_key("published").as_dict(private=False)]},
            "/token": self._trade,
            "/account": lambda _: {"sub": "sub-1", **self.account},
        }.get(path, lambda _: {"error": "not_found"})(asked)
        status = 400 if "error" in facts else 200
        say(json.dumps(facts), status, "application/json")(handler, asked)

    def _describe(self, _asked: Asked) -> dict[str, Any]:
        own = {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/account",
        }  # fmt: skip
        return own | self.metadata

    def _trade(self, asked: Asked) -> dict[str, Any]:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        kept = self.codes.pop(form.get("code", ""), None)
        problem = self._judge(asked, form, kept)
        if problem or kept is None:
            self.refusals.append(problem or "an unknown code")
            return {"error": "invalid_grant", "error_description": "<script>alert(1)</script>"}
        access = "an access token"
        facts = {
            "access_token": access, "token_type": "Bearer", "expires_in": 60,
            "id_token": self._sign(kept["sub"], kept.get("nonce"), access),
        } | self.token  # fmt: skip
        return {name: value for name, value in facts.items() if value is not None}

    def _judge(self, asked: Asked, form: dict[str, str], kept: dict[str, str] | None) -> str:
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if kept is None:
            return "an unknown code"
        if not self.takes_any_client and asked.headers.get("Authorization") != f"Basic {basic}":
            return "another client"
        if form.get("redirect_uri") != kept["redirect_uri"] or form.get("grant_type") != "authorization_code":
            return "another redirect address"
        return "" if challenge == kept["code_challenge"] else "another verifier"

    def _sign(self, subject: str, nonce: str | None, access: str) -> str:
        digest = hashlib.sha256(access.encode()).digest()[:16]
        seconds = int(time.time())
        claims = {
            "iss": self.url, "sub": subject, "aud": CLIENT_ID, "iat": seconds, "exp": seconds + 300, "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), **self.account,
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "published"} | self.header
        if self.algorithm == "none":
            return f"{_encode(header)}.{_encode(claims)}."
        if self.algorithm == "HS256":  # signed with what everybody can read: the public key
            text = f"{_encode(header)}.{_encode(claims)}"
            public = make_key("published").as_pem(private=False)
            mac = hmac.digest(public, text.encode(), "sha256")
            return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        return jwt.encode(header, claims, make_key(self.key_name), algorithms=[self.algorithm])


def _encode(facts: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).rstrip(b"=").decode()


@contextmanager
def open_issuer() -> Iterator[Issuer]:
    """An issuer that behaves until it is told otherwise."""
    forget_documents()
    with open_stub(say("not yet")) as server:
        yield Issuer.at(server)


def forget_documents() -> None:
    """Another issuer had the same port, with other documents."""
    discovery._kept.clear()
