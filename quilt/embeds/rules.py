"""What may stand in a brand's fields: names, web addresses of sites, who may do what. Facts in, verdict out."""

import ipaddress
import re
from enum import StrEnum
from urllib.parse import urlsplit

MOST_NAME = 80
MOST_LABEL = 60
MOST_SITES = 30
MOST_PLACEMENTS = 200
MOST_MEMBERS = 50
MOST_DISCLOSURE = 160
MOST_URL = 300

_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class Role(StrEnum):
    """What a member may do for an organisation: an owner everything, an editor all but people, a viewer look."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


RANKS = {Role.VIEWER: 0, Role.EDITOR: 1, Role.OWNER: 2}


class Method(StrEnum):
    """How a site can be shown to be the organisation's own."""

    DNS = "dns"
    FILE = "file"
    META = "meta"


class BrandRefused(Exception):
    """Something that cannot be done at the brand's desk; nothing was changed. `field` is what to mend."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field


class NameRefused(BrandRefused):
    """A name or label that is empty, too long or unreadable."""


class OriginRefused(BrandRefused):
    """Not the https origin of one site."""


class LinkRefused(BrandRefused):
    """Not an https address that people may be sent to."""


class LimitReached(BrandRefused):
    """There are as many as one organisation can have."""


class LastOwner(BrandRefused):
    """Somebody must stay who can invite others."""


class InvitationRefused(BrandRefused):
    """An invitation that does not open anything (any more)."""


def has_rank(role: str, least: Role) -> bool:
    """Whether a stored role may do what needs `least`."""
    return role in RANKS and RANKS[Role(role)] >= RANKS[least]


def clean_name(text: str, most: int = MOST_NAME, field: str = "name", must: bool = True) -> str:
    """A name in one line, trimmed. Raises NameRefused."""
    name = " ".join(text.split())
    if must and not name:
        raise NameRefused("Write a name.", field)
    if len(name) > most:
        raise NameRefused(f"Use at most {most} characters.", field)
    if not name.isprintable():
        raise NameRefused("Remove what cannot be seen: control characters and the like.", field)
    return name


def read_origins(text: str, allow_plain: bool = False) -> tuple[str, ...]:
    """The origins of a text field, one a line, each once, in their normal form: `https://blog.example.org`.

    All or nothing: raises OriginRefused for the first line that is no origin. `allow_plain` lets http pass
    for this machine itself (development).
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise OriginRefused("Enter one https origin per line, like https://www.example.org", "origins")
    return tuple(dict.fromkeys(read_origin(line, allow_plain) for line in lines))


def read_origin(text: str, allow_plain: bool = False) -> str:
    """One origin in its normal form: scheme, host in lower case, a port only where it is not the usual one.

    Raises OriginRefused for wildcards, paths, user names, other schemes, and whatever could end a header's word.
    """
    wrong = OriginRefused("Enter one https origin per line, like https://www.example.org", "origins")
    if len(text) > MOST_URL or not text.isascii() or not text.isprintable() or set(text) & set(" ;,'\"\\*%"):
        raise wrong
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    host = parts.hostname or ""
    is_bare = parts.path in ("", "/") and not any(
        (parts.query, parts.fragment, parts.username, parts.password)
    )
    if not is_bare or "@" in text or "?" in text or "#" in text:
        raise wrong
    is_here = allow_plain and (host == "localhost" or _is_loopback(host))
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
        raise wrong
    if not is_here and not _HOST.fullmatch(host):
        raise wrong
    usual = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def clean_link(text: str, field: str = "url") -> str:
    """A whole https address that people may be sent to. Raises LinkRefused."""
    wrong = LinkRefused("Enter a whole address that begins with https://", field)
    address = text.strip()
    if len(address) > MOST_URL or not address.isascii() or not address.isprintable() or " " in address:
        raise wrong
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme != "https" or "@" in parts.netloc or not _HOST.fullmatch(parts.hostname or ""):
        raise wrong
    if set(address) & set("\"'<>\\`"):
        raise wrong
    return address


def clean_path(text: str) -> str:
    """The path of a host page as it is counted: no query, no fragment, 120 characters; '' where none was told."""
    path = text.partition("?")[0].partition("#")[0][:120]
    return path if path.startswith("/") and path.isascii() and path.isprintable() else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
