"""Channels, and the reasons why a visit was no person's, in words."""

from collections import Counter
from collections.abc import Iterable, Mapping

from quilt.arrivals.overview import Channel
from quilt.spread.attribution import CHANNELS
from quilt.spread.counting import NotCounted as Reason

OTHER_LINKS = "Other links"
NO_CHANNEL = "A plain link"

REASONS: dict[Reason, str] = {
    Reason.ROBOT: "Robots",
    Reason.PREVIEW: "Previews that messengers and networks fetch",
    Reason.METHOD: "Other machines",
    Reason.EMPTY_AGENT: "Other machines",
    Reason.PREFETCH: "Pages loaded ahead and never looked at",
    Reason.PRERENDERED: "Pages loaded ahead and never looked at",
    Reason.HIDDEN: "Pages that were open but never in view",
    Reason.TOO_QUICK: "Gone within a second",
    Reason.FOREIGN_ORIGIN: "Sent by another website",
    Reason.NONCE_MISSING: "Sent without having opened the page",
    Reason.NONCE_FORGED: "Sent without having opened the page",
    Reason.NONCE_USED: "Sent twice",
    Reason.NONCE_EXPIRED: "Sent too late",
}


def name_channel(tag: str) -> str:
    """A channel in words. Anybody can invent a tag in an address, so unknown ones share a name."""
    return CHANNELS.get(tag, OTHER_LINKS) if tag else NO_CHANNEL


def name_channels(channels: Iterable[Channel]) -> list[tuple[str, int, int]]:
    """Channels by their words, the largest first: (words, people, votes)."""
    people, votes = Counter[str](), Counter[str]()
    for channel in channels:
        people[name_channel(channel.tag)] += channel.people
        votes[name_channel(channel.tag)] += channel.votes
    return [(name, count, votes[name]) for name, count in people.most_common() if count]


def name_reasons(visits: Mapping[str, int]) -> list[tuple[str, int]]:
    """Visits that were not counted, by reasons in words, the most frequent first."""
    words = {reason.value: name for reason, name in REASONS.items()}
    sums = Counter[str]()
    for reason, count in visits.items():
        sums[words.get(reason, "Other machines")] += count
    return sums.most_common()
