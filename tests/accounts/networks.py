"""Small servers that stand for networks in tests: every parameter, scope and header of ours is looked at."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.stub_server import Asked, StubServer, open_stub, say

TOKEN = "an access token"


@dataclass
class Network:
    """An OAuth 2 server: `pages` are answers by path, a function of the request or plain facts."""

    server: StubServer
    client_id: str = "our id"
    secret: str = "our secret"
    auth: str = "client_secret_post"
    pages: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)  # the authorization request that was consented to
    problems: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url

    def consent(self, address: str) -> dict[str, str]:
        """What the browser brings back after its owner said yes at `address`."""
        self.asked = dict(parse_qsl(urlsplit(address).query))
        return {"code": "the code", "state": self.asked["state"]}

    def answer(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        path = urlsplit(asked.path).path
        page = self.pages.get(path, self._trade if path == "/token" else None)
        facts = page(asked) if callable(page) else page
        if facts is None:
            say("{}", 404, "application/json")(handler, asked)
            return
        is_bad = isinstance(facts, dict) and "error" in facts
        say(json.dumps(facts), 400 if is_bad else 200, "application/json")(handler, asked)

    def guarded(self, facts: Any) -> Any:
        """A page of the API: these facts, for whoever has the token."""

        def page(asked: Asked) -> Any:
            if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.problems.append("no token")
                return {"error": "unauthorized"}
            return facts

        return page

    def _trade(self, asked: Asked) -> dict[str, Any]:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        checks = {
            "method": asked.method == "POST",
            "grant": form.get("grant_type") == "authorization_code" and form.get("code") == "the code",
            "address": form.get("redirect_uri") == self.asked.get("redirect_uri"),
            "verifier": challenge == self.asked.get("code_challenge"),
            "client": self._is_ours(asked, form),
        }
        wrong = [name for name, is_right in checks.items() if not is_right]
        if wrong:
            self.problems += wrong
            return {"error": "invalid_grant"}
        return {"access_token": TOKEN, "token_type": "bearer"}

    def _is_ours(self, asked: Asked, form: dict[str, str]) -> bool:
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        by_header = asked.headers.get("Authorization") == f"Basic {basic}"
        by_form = form.get("client_id") == self.client_id and form.get("client_secret") == self.secret
        return by_header if self.auth == "client_secret_basic" else by_form


@contextmanager
def open_network(**values: Any) -> Iterator[Network]:
    with open_stub(say("not yet")) as server:
        network = Network(server, **values)
        server.answer = network.answer
        yield network
