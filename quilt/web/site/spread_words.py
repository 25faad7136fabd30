"""Channels, and the reasons why a visit was no person's, in words."""

from collections import Counter
from collections.abc import Mapping

from quilt.spread.attribution import CHANNELS
from quilt.spread.counting import NotCounted as Reason
from quilt.spread.dial import Dial, Leaning

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


LEANINGS: dict[Leaning, str] = {
    Leaning.BROADCAST: "Nearly everybody came from one place: it was broadcast.",
    Leaning.FEW_SHARES: "Mostly from a few big shares.",
    Leaning.MIXED: "Partly by big shares, partly from one person to the next.",
    Leaning.CHAINS: "Mostly from one person to the next.",
}


def name_channel(tag: str) -> str:
    """A channel in words. Anybody can invent a tag in an address, so unknown ones share a name."""
    return CHANNELS.get(tag, OTHER_LINKS) if tag else NO_CHANNEL


def name_reasons(visits: Mapping[str, int]) -> list[tuple[str, int]]:
    """Visits that were not counted, by reasons in words, the most frequent first."""
    words = {reason.value: name for reason, name in REASONS.items()}
    sums = Counter[str]()
    for reason, count in visits.items():
        sums[words.get(reason, "Other machines")] += count
    return sums.most_common()


def name_leaning(dial: Dial, depth: int) -> str:
    """What the spread is like, in words, and its depth beside it."""
    return f"{LEANINGS[dial.leaning]} The longest chain is {depth:,} {'person' if depth == 1 else 'people'} long."


def list_dial_rows(dial: Dial, virality: float, depth: int) -> list[tuple[str, str]]:
    """The dial as rows of a table."""
    rows = [
        ("Structural virality", f"{virality:.2f}"),
        ("Place from one broadcast (0) to one long chain (100)", f"{100 * dial.place:.0f}"),
        ("People in the longest chain", f"{depth:,}"),
    ]
    if dial.typical:
        rows += [
            ("Half of similar size reach a structural virality of", f"{dial.typical.virality:.2f}"),
            ("One in ten of similar size reaches", f"{dial.typical.high_virality:.2f}"),
            ("Half of similar size have a chain of", f"{dial.typical.depth:.0f}"),
            ("One in ten of similar size has a chain of", f"{dial.typical.high_depth:.0f}"),
        ]
    return rows
