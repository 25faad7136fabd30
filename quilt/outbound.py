"""Requests to other people's servers: one deadline for all of it, a size limit, and never into our own network."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

USER_AGENT = "Quilt (video contests for causes)"
DEADLINE_SECONDS = 5.0
MOST_BYTES = 256 * 1024
MOST_URL_CHARACTERS = 2_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Ranges that the standard library calls global although they lead inside, stand for an IPv4 address (RFC 2765,
# 3068) or are no addresses of hosts (RFC 9602, 9637): IANA's registries of special-purpose addresses.
_DISGUISES = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",
            "192.88.99.0/24",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "2002::/16",
            "2001::/32",
            "::/96",
            "::ffff:0:0:0/96",
            "fec0::/10",
            "3fff::/20",
            "5f00::/16",
        ),
    )
)


class OutboundFailed(Exception):
    """No answer that we would use; the message says why, in words for a log."""


class AddressRefused(OutboundFailed):
    """Not an https address on the open internet: nothing was sent."""


class Unanswered(OutboundFailed):
    """Nobody there, no valid certificate, no HTTP, or not within the deadline. Something may have been sent."""


class AnswerTooLarge(OutboundFailed):
    """More bytes than were asked for, or bytes that are compressed although nobody asked for that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; a redirect is an answer like any other and is never followed."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    body: bytes = b"",
    deadline_seconds: float = DEADLINE_SECONDS,
    most_bytes: int = MOST_BYTES,
    allow_loopback: bool = False,
) -> Answer:
    """Send one request and return its answer, all within `deadline_seconds` and at most `most_bytes` of body.

    https only, to addresses of the open internet: the name is looked up once, every address it has must be
    allowed, and the one that was checked is connected to. With `allow_loopback` (development and tests) this
    machine itself may be asked too, in plain http. Raises AddressRefused, Unanswered or AnswerTooLarge.
    """
    request = _Request(method, _split(url, allow_loopback), headers, body, deadline_seconds, most_bytes)
    # A look-up of a name has no time limit and a drip of bytes renews one: so another thread waits for them.
    thread = threading.Thread(target=request.run, args=(allow_loopback,), name="quilt-outbound", daemon=True)
    thread.start()
    thread.join(deadline_seconds)
    return request.finish()


def is_public_address(address: Address) -> bool:
    """Whether an address belongs to the open internet, looked at through every disguise we know."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_public_address(address.ipv4_mapped)
    if any(address in network for network in _DISGUISES if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def check_url(url: str, *, allow_loopback: bool = False) -> None:
    """Raise AddressRefused for what `fetch` would not even look up: to be asked when an address is typed in."""
    _split(url, allow_loopback)


def _split(url: str, allow_loopback: bool) -> SplitResult:
    if (
        len(url) > MOST_URL_CHARACTERS
        or not url.isascii()
        or not url.isprintable()
        or " " in url
        or "\\" in url
    ):
        raise AddressRefused("the address is too long or has characters that do not belong there")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("the address cannot be read") from None
    if parts.username is not None or parts.password is not None or not parts.hostname:
        raise AddressRefused("the address has no host, or a name and password in it")
    if parts.scheme != "https" and not (
        allow_loopback and parts.scheme == "http" and _is_here(parts.hostname)
    ):
        raise AddressRefused("only https addresses are asked")
    if port not in (None, 443) and (port or 0) < 1024:
        raise AddressRefused("the port belongs to another service")
    return parts


def _is_here(host: str) -> bool:
    """Whether a host's name says that it is this machine: the only one that is asked without encryption."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Request:
    """One request, given up from outside when its time is over."""

    def __init__(
        self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes, seconds: float, most: int
    ) -> None:  # fmt: skip
        self.method, self.parts, self.headers, self.body = method, parts, headers, body
        self.seconds, self.most_bytes = seconds, most
        self.answer: Answer | None = None
        self.failure: OutboundFailed | None = None
        self.is_over = threading.Event()
        self.socket: socket.socket | None = None

    def run(self, allow_loopback: bool) -> None:
        try:
            self.answer = self._ask(allow_loopback)
        except OutboundFailed as failure:
            self.failure = failure
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failure = Unanswered(type(error).__name__)

    def finish(self) -> Answer:
        self.is_over.set()
        answer, failure, connection = self.answer, self.failure, self.socket
        if answer is not None:
            return answer
        if connection is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself in this very moment
                connection.shutdown(socket.SHUT_RDWR)
        raise failure or Unanswered(f"no answer within {self.seconds:g} seconds")

    def _ask(self, allow_loopback: bool) -> Answer:
        host = self.parts.hostname or ""
        port = self.parts.port or (443 if self.parts.scheme == "https" else 80)
        connection = http.client.HTTPConnection(host, port, timeout=self.seconds)
        connection.sock = self._connect(host, port, allow_loopback)
        if self.parts.scheme == "https" and port == 443:
            connection.port = connection.default_port  # the Host header then names no port, as clients do
        path = f"{self.parts.path or '/'}?{self.parts.query}" if self.parts.query else self.parts.path or "/"
        own = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        try:
            connection.request(self.method, path, self.body or None, {**self.headers, **own})
            with connection.getresponse() as response:
                return self._read(response)
        finally:
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        if response.getheader("Content-Encoding", "identity") != "identity":
            raise AnswerTooLarge("the answer is compressed")
        body = response.read(self.most_bytes + 1)
        if len(body) > self.most_bytes:
            raise AnswerTooLarge(f"the answer has more than {self.most_bytes} bytes")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def _connect(self, host: str, port: int, allow_loopback: bool) -> socket.socket:
        addresses = self._look_up(host, port, allow_loopback)
        failure: OSError = OSError("no address")
        for address in addresses:
            if self.is_over.is_set():
                raise TimeoutError
            try:
                self.socket = socket.create_connection((address, port), timeout=self.seconds)
                break
            except OSError as error:
                failure = error
        else:
            raise failure
        if self.parts.scheme == "https":
            self.socket = _encrypt(self.socket, host)
        if self.is_over.is_set():  # given up meanwhile: nothing may be sent any more
            self.socket.close()
            raise TimeoutError
        return self.socket

    def _look_up(self, host: str, port: int, allow_loopback: bool) -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        is_plain = self.parts.scheme == "http"
        for address in addresses:
            is_here = allow_loopback and address.is_loopback
            if not is_here and (is_plain or not is_public_address(address)):
                raise AddressRefused(f"{host} is not on the open internet")
        return [str(address) for address in addresses]


def _encrypt(plain: socket.socket, host: str) -> socket.socket:
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise
