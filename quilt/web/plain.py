"""Requests and answers without Flask's comfort, for what a crowd sends at once: a tenth of the price."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Request, Response
from werkzeug.http import parse_cookie


class PlainRequest:
    """A request as Flask's own shows it, as far as the answers in front of Flask look at it."""

    __slots__ = ("_body", "_cookies", "environ")

    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        self.environ = environ
        self._body = body
        self._cookies: Any = None

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def host(self) -> str:
        return str(self.environ.get("HTTP_HOST") or "")

    @property
    def remote_addr(self) -> str:
        return str(self.environ.get("REMOTE_ADDR") or "")

    @property
    def mimetype(self) -> str:
        return str(self.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        return self.mimetype == "application/json"

    @property
    def headers(self) -> "PlainRequest":
        return self

    @property
    def cookies(self) -> Any:
        if self._cookies is None:
            text = self.environ.get("HTTP_COOKIE")
            self._cookies = parse_cookie(text) if text else {}
        return self._cookies

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header."""
        return self.environ.get("HTTP_" + name.upper().replace("-", "_"), default)

    def get_data(self, cache: bool = True) -> bytes:
        """The whole body."""
        return self._body


AnyRequest = Request | PlainRequest


@dataclass(slots=True)
class Answer:
    """What goes back: for one person's eyes, so nobody keeps it."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def as_response(self) -> Response:
        """The same as Flask's views give it."""
        return Response(self.body, self.status, self.headers)


def tell_json(facts: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Answer(status, orjson.dumps(facts), headers)
