"""Title and picture of a linked video, asked of its provider's own fixed address and of nobody else."""

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from quilt.media.links import LinkedVideo
from quilt.outbound import Address, is_public_address

ENDPOINTS = {
    "youtube": "https://www.youtube.com/oembed?format=json&url=",
    "vimeo": "https://vimeo.com/api/oembed.json?url=",
}
PICTURE_HOSTS = ("i.ytimg.com", "img.youtube.com", "i.vimeocdn.com")
MAX_ANSWER_BYTES = 256 * 1024
MAX_PICTURE_BYTES = 2 * 1024**2
MAX_TITLE_LENGTH = 200
TOTAL_S = 5.0
USER_AGENT = "Quilt (video contest; asks for title and picture)"


@dataclass(frozen=True)
class OEmbed:
    """What a provider says of a video: plain text, and an https address at its own picture host or None."""

    title: str
    picture_url: str | None


def fetch_oembed(
    video: LinkedVideo,
    *,
    endpoint: str | None = None,
    is_allowed_address: Callable[[Address], bool] = is_public_address,
    total_s: float = TOTAL_S,
) -> OEmbed | None:
    """Title and picture of `video`, or None for any reason: no network, too slow, too large, not JSON.

    `endpoint` is the provider's address up to the video's own, which is put behind it.
    """
    address = (endpoint or ENDPOINTS[video.provider]) + quote(video.watch_url, safe="")
    answer = fetch_bytes(
        address, max_bytes=MAX_ANSWER_BYTES, total_s=total_s, is_allowed_address=is_allowed_address
    )
    return None if answer is None else _read_answer(answer)


def fetch_picture(
    oembed: OEmbed,
    *,
    is_allowed_address: Callable[[Address], bool] = is_public_address,
    total_s: float = TOTAL_S,
) -> bytes | None:
    """The bytes of the picture, unchecked and at most MAX_PICTURE_BYTES, or None."""
    if oembed.picture_url is None:
        return None
    return fetch_bytes(
        oembed.picture_url,
        max_bytes=MAX_PICTURE_BYTES,
        total_s=total_s,
        is_allowed_address=is_allowed_address,
    )


def fetch_bytes(
    address: str, *, max_bytes: int, total_s: float, is_allowed_address: Callable[[Address], bool]
) -> bytes | None:
    """The body of a 200 answer within `total_s` seconds in all, or None. No redirect, no compression.

    The name is looked up once, every address it has must be allowed, and the one checked is connected to.
    """
    fetch = _Fetch(address, max_bytes, total_s, is_allowed_address)
    # A name's look-up has no time limit and a drip of bytes renews one: so another thread waits for them.
    thread = threading.Thread(target=fetch.run, name="quilt-oembed", daemon=True)
    thread.start()
    thread.join(total_s)
    return fetch.finish()


class _Fetch:
    """One request, given up from outside when its time is over."""

    def __init__(
        self, address: str, max_bytes: int, total_s: float, is_allowed_address: Callable[[Address], bool]
    ) -> None:
        self.parts = urlsplit(address)
        self.max_bytes = max_bytes
        self.total_s = total_s
        self.is_allowed_address = is_allowed_address
        self.body: bytes | None = None
        self.is_over = threading.Event()
        self.connection: socket.socket | None = None

    def run(self) -> None:
        try:
            self.body = self._get()
        except (OSError, http.client.HTTPException, ValueError):
            self.body = None  # the caller asked for an answer or None, and the network is not always there

    def finish(self) -> bytes | None:
        self.is_over.set()
        body, connection = self.body, self.connection
        if body is None and connection is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself in this very moment
                connection.shutdown(socket.SHUT_RDWR)
        return body

    def _get(self) -> bytes | None:
        host = self.parts.hostname or ""
        port = self.parts.port or (443 if self.parts.scheme == "https" else 80)
        connection = http.client.HTTPConnection(host, port, timeout=self.total_s)
        connection.sock = self._connect(host, port)
        path = f"{self.parts.path or '/'}?{self.parts.query}" if self.parts.query else self.parts.path or "/"
        try:
            connection.request("GET", path, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
            answer = connection.getresponse()
            if answer.status != 200 or answer.getheader("Content-Encoding", "identity") != "identity":
                return None
            body = answer.read(self.max_bytes + 1)
            return body if len(body) <= self.max_bytes else None
        finally:
            connection.close()

    def _connect(self, host: str, port: int) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self.is_allowed_address(ipaddress.ip_address(it)) for it in addresses):
            raise OSError(f"{host} is not on the open internet")
        if self.is_over.is_set():
            raise TimeoutError
        self.connection = socket.create_connection((addresses[0], port), timeout=self.total_s)
        if self.parts.scheme == "https":
            self.connection = self._encrypt(self.connection, host)
        return self.connection

    def _encrypt(self, plain: socket.socket, host: str) -> socket.socket:
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise


def _read_answer(answer: bytes) -> OEmbed | None:
    """Title and picture alone are taken; the HTML that providers send along is not even looked at."""
    try:
        facts = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or not isinstance(facts.get("title"), str):
        return None
    title = " ".join("".join(sign if sign.isprintable() else " " for sign in facts["title"]).split())
    return OEmbed(title[:MAX_TITLE_LENGTH], _picture_address(facts.get("thumbnail_url")))


def _picture_address(address: object) -> str | None:
    if not isinstance(address, str) or len(address) > 1000 or not address.isascii():
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return (
        address
        if parts.scheme == "https" and parts.netloc in PICTURE_HOSTS and address.isprintable()
        else None
    )
