"""The networks one can share on by a plain link: each is a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import Template
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Network:
    """A place to pass a link on; `key` is its channel, `address` a template over quoted url, text and title."""

    key: str
    label: str
    address: str


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A network's link for one entry and one person."""

    key: str
    label: str
    url: str


NETWORKS = (
    Network("wa", "WhatsApp", "https://wa.me/?text=$text%20$url"),
    Network("fb", "Facebook", "https://www.facebook.com/sharer/sharer.php?u=$url"),
    Network("mail", "E-mail", "mailto:?subject=$title&body=$text%0A%0A$url"),
    Network("x", "X", "https://x.com/intent/tweet?text=$text&url=$url"),
    Network("li", "LinkedIn", "https://www.linkedin.com/sharing/share-offsite/?url=$url"),
    Network("tg", "Telegram", "https://t.me/share/url?url=$url&text=$text"),
    Network("bs", "Bluesky", "https://bsky.app/intent/compose?text=$text%20$url"),
    Network("th", "Threads", "https://www.threads.net/intent/post?url=$url&text=$text"),
    Network("rd", "Reddit", "https://www.reddit.com/submit?url=$url&title=$title"),
    Network("sms", "SMS", "sms:?&body=$text%20$url"),
)
MASTODON = Network("ma", "Mastodon", "https://$instance/share?text=$text&url=$url")


def list_share_links(base_url: str, own_path: str, title: str, text: str) -> Iterator[ShareLink]:
    """Each network's plain link, carrying the person's own path and the network as its channel.

    `own_path` is quoted except for the control characters that mark a page's slot.
    """
    for network in NETWORKS:
        url = build_address(network, f"{base_url}/{own_path}", title, text)
        yield ShareLink(network.key, network.label, url)


def build_address(network: Network, link: str, title: str, text: str, instance: str = "") -> str:
    """The network's address for sharing `link`, which gets the network's channel tag."""
    quoted_link = quote(link, safe="\x02\x03") + quote(f"?c={network.key}", safe="")
    return Template(network.address).substitute(
        url=quoted_link, text=quote(text, safe=""), title=quote(title, safe=""), instance=instance
    )
