"""By whose link somebody came: the parent of a new arrival, and the channel it came through."""

import re
from dataclasses import dataclass
from enum import Enum

MAX_CHANNEL_LENGTH = 16


class LinkKind(Enum):
    """Whose link a code belongs to."""

    ARRIVAL = "arrival"
    NAMED = "named"
    EMBED = "embed"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class FollowedLink:
    """The link in the address a visitor opened, as far as its code was known.

    `arrival_id` and `depth` belong to the arrival who shared it (kind ARRIVAL). `is_excluded` is true when
    that arrival itself is excluded from the figures; who stands above it is not asked. `name` is what the
    entrant called a named link.
    """

    kind: LinkKind
    entry_id: int
    arrival_id: int | None = None
    depth: int = 0
    is_excluded: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Parent:
    """Where a new arrival hangs in the tree: below `parent_id`, or below the entry itself when None.

    `depth` is the new arrival's own generation (the entry is 0) and `channel` a short tag or "".
    """

    parent_id: int | None
    channel: str
    depth: int


def find_parent(link: FollowedLink | None, entry_id: int, tag: str = "", referrer_host: str = "") -> Parent:
    """Return the parent and the channel of somebody who arrives at `entry_id` for the first time.

    `link` is None when the address had no code or an unknown one. A code of another entry or of an
    excluded arrival leads to the entry itself: the page answers, nobody is credited. The channel is the
    link's own for named links and embeds, else the `tag` of the address, else what the referring host is
    known for (leave the host empty when it is our own).
    """
    channel = clean_channel(tag) or find_channel(referrer_host)
    if link is None or link.entry_id != entry_id:
        return Parent(None, channel, 1)
    if _is_credited(link):
        return Parent(link.arrival_id, channel, link.depth + 1)
    return Parent(None, _channel_of(link) or channel, 1)


def clean_channel(text: str) -> str:
    """Return a channel tag as it is stored: a known short tag, or at most 16 of a-z, 0-9 and "-", or ""."""
    # A tag is short; whatever somebody pastes behind ?c= is cut before any work is done on it.
    plain = re.sub(r"[^a-z0-9]+", "-", text[:200].lower()).strip("-")
    return CHANNEL_ALIASES.get(plain, plain[:MAX_CHANNEL_LENGTH].rstrip("-"))


def find_channel(referrer_host: str) -> str:
    """Return the channel that a referring host stands for, "web" for any other host, "" for none."""
    host = referrer_host.strip().lower().rstrip(".")
    if not host:
        return ""
    labels = host.split(".")
    for start in range(len(labels) - 1):
        channel = CHANNEL_HOSTS.get(".".join(labels[start:]))
        if channel:
            return channel
    return "web"


def _is_credited(link: FollowedLink) -> bool:
    is_sharer = link.kind is LinkKind.ARRIVAL and link.arrival_id is not None
    return is_sharer and not link.is_excluded


def _channel_of(link: FollowedLink) -> str:
    if link.kind is LinkKind.NAMED:
        return clean_channel(link.name)
    return "embed" if link.kind is LinkKind.EMBED else ""


CHANNELS: dict[str, str] = {
    "copy": "Copied link",
    "web": "Another website",
    "wa": "WhatsApp",
    "fb": "Facebook",
    "ig": "Instagram",
    "x": "X",
    "tg": "Telegram",
    "rd": "Reddit",
    "bs": "Bluesky",
    "th": "Threads",
    "ma": "Mastodon",
    "li": "LinkedIn",
    "tt": "TikTok",
    "yt": "YouTube",
    "mail": "E-mail",
    "sms": "Text message",
    "qr": "QR code",
    "share": "The phone’s share menu",
    "embed": "Embedded on a website",
}

CHANNEL_ALIASES: dict[str, str] = {
    "whatsapp": "wa",
    "facebook": "fb",
    "instagram": "ig",
    "twitter": "x",
    "telegram": "tg",
    "reddit": "rd",
    "bluesky": "bs",
    "bsky": "bs",
    "threads": "th",
    "mastodon": "ma",
    "linkedin": "li",
    "tiktok": "tt",
    "youtube": "yt",
    "email": "mail",
    "e-mail": "mail",
}

CHANNEL_HOSTS: dict[str, str] = {
    "bsky.app": "bs",
    "facebook.com": "fb",
    "fb.com": "fb",
    "fb.me": "fb",
    "messenger.com": "fb",
    "instagram.com": "ig",
    "linkedin.com": "li",
    "lnkd.in": "li",
    "mastodon.social": "ma",
    "mastodon.online": "ma",
    "com.google.android.gm": "mail",
    "mail.google.com": "mail",
    "mail.yahoo.com": "mail",
    "outlook.live.com": "mail",
    "outlook.office.com": "mail",
    "reddit.com": "rd",
    "redd.it": "rd",
    "com.reddit.frontpage": "rd",
    "t.me": "tg",
    "telegram.org": "tg",
    "org.telegram.messenger": "tg",
    "threads.net": "th",
    "threads.com": "th",
    "tiktok.com": "tt",
    "t.co": "x",
    "twitter.com": "x",
    "x.com": "x",
    "wa.me": "wa",
    "whatsapp.com": "wa",
    "youtube.com": "yt",
    "youtu.be": "yt",
}
