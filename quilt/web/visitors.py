"""The last place that knows the request: who visits, as far as the spread may know."""

from dataclasses import dataclass, field

from flask import Response

from quilt.spread.codes import is_code
from quilt.web.plain import Answer, AnyRequest
from quilt.web.settings import get_settings

MOST_CODES = 30
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
        user_agent=request.headers.get("User-Agent", ""),
        codes=read_codes(request.cookies.get(cookie_name(), "")),
    )


def cookie_name() -> str:
    """The visitor cookie's name: bound to this host where the site runs under https."""
    return "__Host-quilt_codes" if get_settings().is_https else "quilt_codes"


def read_codes(text: str) -> dict[int, str]:
    """`12.Abc~13.Def` → {12: 'Abc', 13: 'Def'}; whatever does not look like that is passed over."""
    codes: dict[int, str] = {}
    for part in text[:2000].split("~"):
        entry, _, code = part.partition(".")
        if entry.isascii() and entry.isdigit() and len(entry) < 19 and is_code(code):
            codes[int(entry)] = code
    return codes


def remember_code(response: Response | Answer, visitor: Visitor, entry_id: int, code: str) -> None:
    """Put the visitor's own code for this entry into the cookie: codes and nothing else, for seven days."""
    codes = {**visitor.codes}
    codes.pop(entry_id, None)
    newest = [(entry_id, code), *reversed(codes.items())][:MOST_CODES]
    value = "~".join(f"{entry}.{own}" for entry, own in reversed(newest))  # no letter in it needs quoting
    secure = "; Secure" if get_settings().is_https else ""
    kept = f"{cookie_name()}={value}; Max-Age={COOKIE_AGE}; Path=/; HttpOnly; SameSite=Lax{secure}"
    if isinstance(response, Answer):
        response.headers.append(("Set-Cookie", kept))
    else:
        response.headers.add("Set-Cookie", kept)
