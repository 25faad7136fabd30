"""What counts as a visit: the facts of a request in, a verdict out, and the pseudonym of a visitor."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

MIN_DWELL_MS = 1000
MIN_SALT_BYTES = 16
VISITOR_KEY_BYTES = 8
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address written as IPv6

# What "a person" means wherever a number of people is shown: one definition, in one sentence.
DAILY_VISITOR = "a daily unique visitor of this film: somebody whose page was in view for at least a second, counted once."

RobotTest = Callable[[str], object]
"""Takes a user agent and returns something truthy when it belongs to a robot."""


class NonceState(Enum):
    """What became of the single-use token that the page gave its beacon."""

    FRESH = "fresh"
    MISSING = "missing"
    FORGED = "forged"
    USED = "used"
    EXPIRED = "expired"


class NotCounted(Enum):
    """Why a visit adds no person to the tree. The values are stored and shown by day and reason."""

    METHOD = "method"
    EMPTY_AGENT = "empty_agent"
    PREVIEW = "preview"
    ROBOT = "robot"
    PREFETCH = "prefetch"
    FOREIGN_ORIGIN = "foreign_origin"
    PRERENDERED = "prerendered"
    HIDDEN = "hidden"
    TOO_QUICK = "too_quick"
    NONCE_MISSING = "nonce_missing"
    NONCE_FORGED = "nonce_forged"
    NONCE_USED = "nonce_used"
    NONCE_EXPIRED = "nonce_expired"


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What is known of one request that wants to be counted.

    `sec_purpose`, `purpose` and `x_moz` are the headers of those names. `is_form` says that the person
    pressed a button (vote or share without JavaScript): such a post proves itself by its own token, so
    visibility, dwell and nonce are not asked for.
    """

    method: str
    user_agent: str
    is_own_origin: bool
    sec_purpose: str = ""
    purpose: str = ""
    x_moz: str = ""
    is_form: bool = False
    is_visible: bool = False
    is_prerendering: bool = False
    dwell_ms: int | None = None
    nonce: NonceState = NonceState.MISSING


def find_objection(facts: VisitFacts, is_robot: RobotTest) -> NotCounted | None:
    """Return why the visit does not count, or None when it does.

    The reasons are asked in a fixed order, who first and how second, so that each refused visit is
    filed under the one that explains it best.
    """
    return _object_to_request(facts) or _object_to_agent(facts, is_robot) or _object_to_moment(facts)


@lru_cache(maxsize=4096)
def is_preview_fetcher(user_agent: str) -> bool:
    """Tell whether a user agent fetches pages to draw the preview of a link in a chat or a feed.

    Browsers inside apps (Instagram, Facebook, TikTok, LINE, ...) are people and answer False.
    """
    return _PREVIEW_FETCHER.search(user_agent[:512]) is not None


def visitor_key(salt: bytes, entry_id: int, ip: str, user_agent: str) -> bytes:
    """Return the 8-byte pseudonym of a visitor for one entry and one day (BLAKE2b keyed by the day's salt).

    The entry is part of it, so nobody can be followed from entry to entry; an IPv6 address is cut to its
    /64, which is what one household holds. Text that is no address is taken as it is. Raises ValueError
    for a salt shorter than 16 or longer than 64 bytes.
    """
    if len(salt) < MIN_SALT_BYTES:
        raise ValueError(f"the salt has {len(salt)} bytes, at least {MIN_SALT_BYTES} are needed")
    digest = blake2b(key=salt, digest_size=VISITOR_KEY_BYTES)
    for part in (str(entry_id), _cut_address(ip), user_agent):
        raw = part.encode("utf-8", "surrogatepass")
        # The length in front keeps "1" + "23" apart from "12" + "3".
        digest.update(len(raw).to_bytes(8) + raw)
    return digest.digest()


def _object_to_request(facts: VisitFacts) -> NotCounted | None:
    if facts.method.upper() != "POST":
        return NotCounted.METHOD
    if _is_prefetch(facts):
        return NotCounted.PREFETCH
    return None


def _object_to_agent(facts: VisitFacts, is_robot: RobotTest) -> NotCounted | None:
    if not facts.user_agent.strip():
        return NotCounted.EMPTY_AGENT
    if is_preview_fetcher(facts.user_agent):
        return NotCounted.PREVIEW
    if is_robot(facts.user_agent):
        return NotCounted.ROBOT
    return None


def _object_to_moment(facts: VisitFacts) -> NotCounted | None:
    if not facts.is_own_origin:
        return NotCounted.FOREIGN_ORIGIN
    if facts.is_form:
        return None
    if facts.is_prerendering:
        return NotCounted.PRERENDERED
    if not facts.is_visible:
        return NotCounted.HIDDEN
    if facts.dwell_ms is None or facts.dwell_ms < MIN_DWELL_MS:
        return NotCounted.TOO_QUICK
    return _NONCE_OBJECTIONS.get(facts.nonce)


def _is_prefetch(facts: VisitFacts) -> bool:
    said = f"{facts.sec_purpose} {facts.purpose} {facts.x_moz}".lower()
    return any(word in said for word in ("prefetch", "prerender", "preview"))


def _cut_address(ip: str) -> str:
    text = ip.strip().partition("%")[0]
    try:
        raw = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        return ip
    if len(raw) == 4:
        return text  # there is one way only to write it
    if raw.startswith(_MAPPED):
        return inet_ntop(AF_INET, raw[len(_MAPPED) :])
    return inet_ntop(AF_INET6, raw[:8] + bytes(8)) + "/64"


_NONCE_OBJECTIONS = {
    NonceState.MISSING: NotCounted.NONCE_MISSING,
    NonceState.FORGED: NotCounted.NONCE_FORGED,
    NonceState.USED: NotCounted.NONCE_USED,
    NonceState.EXPIRED: NotCounted.NONCE_EXPIRED,
}

# Fetchers of link previews, including those that general lists of crawlers leave out. Each pattern names
# the fetcher alone: the same companies' apps put other marks (FBAN, [LinkedInApp], Line/, Snapchat/) into
# the user agents of people, and an app's bare name at the very start is a fetcher where it is anchored.
PREVIEW_FETCHERS: tuple[tuple[str, str], ...] = (
    ("Akkoma", r"^akkoma\b"),
    ("Apple", r"\bapplebot\b"),
    ("Bluesky", r"\bbluesky cardyb\b|\bcardyb/"),
    ("Discord", r"\bdiscordbot\b"),
    ("Embedly", r"\bembedly\b"),
    ("Facebook, iMessage, Instagram, Threads", r"\bfacebookexternalhit\b|\bfacebot\b|\bfacebookcatalog\b"),
    ("Flipboard", r"\bflipboardproxy\b"),
    ("Friendica", r"^friendica\b"),
    ("Google", r"\bgoogle-pagerenderer\b|\bgoogle web preview\b|\bgoogle \(\+https://developers"),
    ("Iframely", r"\biframely/"),
    ("KakaoTalk", r"\bkakaotalk-scrap\b"),
    ("Lemmy", r"^lemmy/"),
    ("LINE", r"\bline-poker\b|\blinespider\b"),
    ("LinkedIn", r"\blinkedinbot\b"),
    ("Mastodon", r"^http\.rb/.*\bmastodon/|^mastodon/|\bmastodon/\d[^ ]* \(http\.rb"),
    ("Matrix", r"^synapse\b|\bmatrix-media-repo\b|^conduit\b"),
    ("Meta", r"\bmeta-externalagent\b|\bmeta-externalfetcher\b"),
    ("Microsoft Teams, Skype", r"\bskypeuripreview\b|\bskype-url-preview\b|\bbingpreview\b"),
    ("Misskey", r"\bsummalybot\b|^misskey/|^sharkey/|^firefish/"),
    ("Nextcloud", r"^nextcloud server crawler\b|^nextcloud-link-preview\b"),
    ("OK", r"\bodklbot\b"),
    ("Pinterest", r"\bpinterestbot\b|^pinterest/\d"),
    ("Pleroma", r"^pleroma\b"),
    ("Quora", r"\bquora link preview\b"),
    ("Reddit", r"\bredditbot\b"),
    ("Rocket.Chat", r"^rocket\.chat\b|\brocketchat-oembed\b"),
    ("Signal, WhatsApp", r"^whatsapp(/|$)|^signal(/|$)|^whatsappbot\b"),
    ("Slack", r"\bslackbot\b|\bslack-imgproxy\b"),
    ("Snapchat", r"\bsnap url preview\b"),
    ("Telegram", r"\btelegrambot\b"),
    ("Tumblr", r"^tumblr/"),
    ("Viber", r"^viber(/|$)"),
    ("VK", r"\bvkshare\b"),
    ("X", r"\btwitterbot\b"),
    ("XING", r"\bxing-contenttabreceiver\b"),
    ("Yahoo", r"\byahoo link preview\b"),
    ("Zoom", r"\bzoombot\b"),
)

_PREVIEW_FETCHER = re.compile("|".join(f"(?:{pattern})" for _, pattern in PREVIEW_FETCHERS), re.IGNORECASE)
