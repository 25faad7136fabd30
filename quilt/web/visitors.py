"""The last place that knows the request: who visits, as far as the spread may know."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from flask import Response

from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import get_salt
from quilt.spread.attribution import clean_channel
from quilt.spread.codes import is_code
from quilt.spread.counting import visitor_key
from quilt.web.clock import entropy, now
from quilt.web.plain import Answer, AnyRequest
from quilt.web.settings import get_settings

MOST_CODES = 30
MOST_TEXT = 3_000  # of the cookie: thirty codes and their signatures
MOST_AGENT = 512  # characters of a browser's name that are looked at
COOKIE_AGE = 7 * 86_400


@dataclass(frozen=True)
class Visitor:
    """What the counting needs: the address and agent die with the request, the codes are the visitor's own."""

    address: str
    user_agent: str
    codes: dict[int, str] = field(default_factory=dict)  # entry id → own code


def describe_visitor(request: AnyRequest) -> Visitor:
    """The visitor behind this request."""
    return Visitor(
        address=request.remote_addr or "",
        user_agent=request.headers.get("User-Agent", "")[:MOST_AGENT],
        codes=read_codes(request.cookies.get(cookie_name(), ""), get_settings().secret_key),
    )


def build_visit(visitor: Visitor, entry_id: int, via: str, channel: str, referrer_host: str = "") -> Visit:
    """The visit as the spread may know it: the address and the agent become the day's pseudonym here."""
    salt = get_salt(now(), entropy)
    key = visitor_key(salt, entry_id, visitor.address, visitor.user_agent)
    own_code = visitor.codes.get(entry_id, "")
    followed = via if is_code(via) else ""
    return Visit(entry_id, key, followed, own_code, clean_channel(channel), referrer_host[:200])


def cookie_name() -> str:
    """The visitor cookie's name: bound to this host where the site runs under https."""
    return "__Host-quilt_codes" if get_settings().is_https else "quilt_codes"


def read_codes(text: str, secret: str) -> dict[int, str]:
    """`12.Abc.sig~13.Def.sig` → {12: 'Abc', 13: 'Def'}; whatever we did not sign is passed over.

    A code stands in every link that its owner passes on: only the signature makes it the owner's cookie.
    """
    codes: dict[int, str] = {}
    for part in text[:MOST_TEXT].split("~"):
        entry, _, rest = part.partition(".")
        code, _, signature = rest.partition(".")
        if not (entry.isascii() and entry.isdigit() and len(entry) < 19 and is_code(code)):
            continue
        if hmac.compare_digest(signature.encode(), sign_code(int(entry), code, secret).encode()):
            codes[int(entry)] = code
    return codes


def sign_code(entry_id: int, code: str, secret: str) -> str:
    """Eleven URL-safe characters (64 bits) that only this site can write."""
    digest = hashlib.blake2b(f"{entry_id}.{code}".encode(), key=_make_key(secret), digest_size=8).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@lru_cache(maxsize=8)
def _make_key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"visitor code").digest()


def remember_code(response: Response | Answer, visitor: Visitor, entry_id: int, code: str) -> None:
    """Put the visitor's own code for this entry into the cookie: codes and nothing else, for seven days."""
    codes = {**visitor.codes}
    codes.pop(entry_id, None)
    newest = [(entry_id, code), *reversed(codes.items())][:MOST_CODES]
    settings = get_settings()
    parts = [f"{entry}.{own}.{sign_code(entry, own, settings.secret_key)}" for entry, own in reversed(newest)]
    value = "~".join(parts)  # no letter in it needs quoting
    secure = "; Secure" if settings.is_https else ""
    kept = f"{cookie_name()}={value}; Max-Age={COOKIE_AGE}; Path=/; HttpOnly; SameSite=Lax{secure}"
    if isinstance(response, Answer):
        response.headers.append(("Set-Cookie", kept))
    else:
        response.headers.add("Set-Cookie", kept)
