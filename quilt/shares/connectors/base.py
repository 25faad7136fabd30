"""What all connectors share: the row of a network, an errand there on somebody's behalf, and how it can fail."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from quilt.accounts.providers import Provider
from quilt.config import Settings
from quilt.outbound import AddressRefused, Answer, OutboundFailed, fetch
from quilt.shares.counting import Counting

SECONDS = 20.0  # for all that one errand asks: a worker waits, nobody else does
MOST_TOLD = 200  # characters of a network's own words that are shown


class NotPosted(Exception):
    """The network has not taken the post, for certain. The message is for its author."""


class KeyRefused(NotPosted):
    """The network no longer takes our token (401): it is of no use and is dropped."""


class Busy(NotPosted):
    """Not now: it may be tried again after so many seconds."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unsure(Exception):
    """Something was sent and no clear answer came: it must be looked for before anything is sent again."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be posted. `text` is whole: with the link in it where the network has it there.

    `key` is the post's own and never another's: where a network knows such keys, it takes the same one once.
    """

    words: str
    text: str
    link: str
    title: str
    description: str
    group: str
    key: str
    queued_at: datetime
    card: bytes = b""  # JPEG


@dataclass(frozen=True, slots=True)
class Published:
    """A post that is there: the network's name for it, and its address."""

    key: str
    url: str


@dataclass
class Errand:
    """One thing to do at a network on behalf of an account: with its tokens, within one deadline."""

    connector: "Connector"
    settings: Settings
    now: datetime
    host: str
    subject: str = ""
    handle: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    ends_at: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    @property
    def label(self) -> str:
        return self.connector.provider.label

    def ask(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json_body: object = None,
        headers: Mapping[str, str] | None = None,
        is_decisive: bool = False,
        accepts: tuple[int, ...] = (),
    ) -> Answer:
        """A request with the account's token; its good answer, or one whose status is in `accepts`.

        Raises NotPosted, KeyRefused or Busy where nothing was posted for certain. A request that is decisive is
        the one that posts: without a clear answer it raises Unsure; any other raises Busy then.
        """
        body, kind = _encode(form, json_body)
        sent = {"Accept": "application/json", **kind, **self._authorize(), **(headers or {})}
        answer = self.send(method, f"{url}?{urlencode(query)}" if query else url, sent, body, is_decisive)
        if answer.is_good or answer.status in accepts:
            return answer
        raise self.refuse(answer, is_decisive)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, is_decisive: bool
    ) -> Answer:
        """A request and whatever came back. Raises NotPosted, Busy or Unsure where nothing did."""
        left = max(0.05, self.ends_at - time.monotonic())
        try:
            return fetch(
                method,
                url,
                headers=headers,
                body=body,
                deadline_seconds=left,
                allow_loopback=self.settings.may_ask_loopback,
            )
        except AddressRefused as refusal:
            raise NotPosted(f"{self.label} cannot be reached: {refusal}.") from None
        except OutboundFailed:
            raise self.doubt(is_decisive) from None

    def doubt(self, is_decisive: bool) -> Exception:
        """What to raise where no clear answer came."""
        if is_decisive:
            return Unsure(f"{self.label} gave no clear answer")
        return Busy(f"{self.label} does not answer at the moment.", 60)

    def read(self, answer: Answer, *path: str, is_decisive: bool = False) -> str:
        """A text or number inside a JSON answer, found by its names. Raises Unsure or Busy where it is not there."""
        found: Any = read_json(answer)
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, bool) or not isinstance(found, str | int) or not str(found):
            raise self.doubt(is_decisive)
        return str(found)

    def _authorize(self) -> dict[str, str]:
        token = self.tokens.get("access_token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def refuse(self, answer: Answer, is_decisive: bool) -> Exception:
        if answer.status == 401:
            return KeyRefused(f"{self.label} no longer takes our key. Connect again, then press “Try again”.")
        if answer.status == 429:
            return Busy(f"{self.label} asks for a pause.", _read_pause(answer))
        if answer.status >= 500 or answer.status == 408:
            return self.doubt(is_decisive)
        told = tell_reason(answer)
        return NotPosted(f"{self.label} did not accept the post{f': {told}' if told else ''}.")


class Renewal(Enum):
    """How a token that ends soon becomes one that lasts."""

    REFRESH = "a refresh token buys a new pair"
    EXCHANGE = "the token itself is handed in for one that lasts longer"


@dataclass(frozen=True, slots=True)
class Connector:
    """A network that takes posts. `provider` has its endpoints, scopes and how we prove who we are.

    `channel` is its name in the spread; `permissions` are the scopes in plain words. `find` looks for a post that may have arrived and answers None
    where it is not there; a connector without it cannot look. `revoke` is '' where a network has no such endpoint:
    `farewell` then says where its owner ends it.
    """

    provider: Provider
    channel: str
    counting: Counting
    permissions: tuple[str, ...]
    publish: Callable[[Errand, Draft], Published]
    find: Callable[[Errand, Draft], Published | None] | None = None
    revoke: str = ""
    farewell: str = ""
    renewal: Renewal = Renewal.REFRESH
    scope_separator: str = " "
    handle_sign: str = ""  # what stands before a name there
    code_ending: str = ""  # what the network hangs on its codes
    group_label: str = ""  # where a post needs a place to go to
    costs: str = ""
    review: str = ""


def read_json(answer: Answer) -> Any:
    """The answer's JSON, None where it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def tell_reason(answer: Answer) -> str:
    """The network's own words about a refusal, in one short line; '' where it says nothing that can be read."""
    facts = read_json(answer)
    for name in ("detail", "message", "error_description", "error", "title"):
        told = facts.get(name) if isinstance(facts, dict) else None
        if isinstance(told, dict):
            told = told.get("message")
        if isinstance(told, str) and told.strip():
            line = " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())
            return line[:MOST_TOLD].rstrip(".")
    return ""


def _encode(form: Mapping[str, str] | None, json_body: object) -> tuple[bytes, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if json_body is not None:
        return json.dumps(json_body).encode(), {"Content-Type": "application/json"}
    return b"", {}


def _read_pause(answer: Answer) -> int:
    told = answer.headers.get("retry-after", "")
    return min(3_600, max(30, int(told))) if told.isdecimal() else 300
