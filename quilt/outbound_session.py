"""The guarded requests of `quilt.outbound` behind the interface that OAuth libraries speak."""

import time
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from quilt.outbound import DEADLINE_SECONDS, Unanswered, fetch

_OURS = frozenset(("connection", "accept-encoding", "user-agent", "content-length"))  # set by `fetch` itself


class GuardedAdapter(BaseAdapter):  # type: ignore[misc]
    """Sends through `fetch`: all requests of a session share one deadline, and a redirect is a failure."""

    def __init__(
        self, seconds: float = DEADLINE_SECONDS, *, allow_loopback: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        super().__init__()
        self.allow_loopback, self.clock = allow_loopback, clock
        self.ends_at = clock() + seconds

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        """One request and its answer; raises an OutboundFailed."""
        left = self.ends_at - self.clock()
        if left <= 0:
            raise Unanswered("no time is left")
        body = request.body or b""
        answer = fetch(
            request.method,
            request.url,
            headers={name: value for name, value in request.headers.items() if name.lower() not in _OURS},
            body=body.encode() if isinstance(body, str) else body,
            deadline_seconds=left,
            allow_loopback=self.allow_loopback,
        )
        if 300 <= answer.status < 400:
            raise Unanswered("a redirect, which we do not follow")
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, request.url, request
        response.headers, response.encoding = CaseInsensitiveDict(answer.headers), "utf-8"
        response._content = answer.body
        return response

    def close(self) -> None:
        """Nothing is kept open."""


def guard(session: requests.Session, adapter: GuardedAdapter) -> None:
    """Let this session speak through the adapter alone: no proxy, no password file, no cookie of before."""
    session.trust_env = False
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
