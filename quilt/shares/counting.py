"""How long a post is by the rule of the network it is for."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # code points that count once at X


class Unit(Enum):
    """What a network counts."""

    WEIGHT = "X: signs of most alphabets once, all others and each emoji twice, a link as 23"
    GRAPHEME = "Bluesky: what a reader sees as one sign"
    SIGN = "Mastodon: what a reader sees as one sign, a link as 23"
    CHARACTER = "LinkedIn, Reddit: code points"
    BYTES_OF_EMOJI = "Threads: code points, but an emoji by its bytes"


@dataclass(frozen=True, slots=True)
class Counting:
    """A network's rule: the unit and how many of it a post may have; `has_link`: the link stands in the text."""

    unit: Unit
    most: int
    has_link: bool = True
    link_length: int = 23


def count(text: str, rule: Counting) -> int:
    """How long a text is by this rule.

    X's weights: https://docs.x.com/fundamentals/counting-characters (configuration v3).
    """
    if rule.unit is Unit.GRAPHEME:
        return len(_patterns().cluster.findall(text))
    if rule.unit is Unit.CHARACTER:
        return len(text)
    if rule.unit is Unit.BYTES_OF_EMOJI:
        return sum(
            len(cluster.encode()) if _patterns().emoji.match(cluster) else len(cluster)
            for cluster in _patterns().cluster.findall(text)
        )
    links = len(_patterns().url.findall(text)) * rule.link_length
    rest = _patterns().cluster.findall(_patterns().url.sub("", text))
    if rule.unit is Unit.SIGN:
        return links + len(rest)
    return links + sum(_weigh(cluster) for cluster in rest)


def compose(words: str, link: str, rule: Counting) -> str:
    """The text as it will stand there: the words, and the link below them where the network has it in the text."""
    return f"{words}\n\n{link}".strip() if rule.has_link else words.strip()


def shorten(words: str, link: str, rule: Counting) -> str:
    """Proposed words, cut at a word with an ellipsis where they would not fit with the link."""
    if count(compose(words, link, rule), rule) <= rule.most:
        return words
    kept = words.split()
    while kept and count(compose(" ".join(kept) + " …", link, rule), rule) > rule.most:
        kept.pop()
    return f"{' '.join(kept)} …" if kept else ""


def find_links(text: str) -> list[tuple[int, int, str]]:
    """The links of a text as (start, end, address), in bytes of UTF-8: what Bluesky's facets count."""
    return [
        (len(text[: link.start()].encode()), len(text[: link.end()].encode()), link.group())
        for link in _patterns().url.finditer(text)
    ]


class _Patterns(NamedTuple):
    url: Any
    cluster: Any
    emoji: Any


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    import regex  # nine megabytes that a process which counts no post does without

    return _Patterns(
        regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]’”]"),
        regex.compile(r"\X"),
        regex.compile(r"[\p{Extended_Pictographic}--[©®™]]|\p{Regional_Indicator}|.\uFE0F?\u20E3", regex.V1),
    )


def _weigh(cluster: str) -> int:
    if _patterns().emoji.match(cluster):
        return 2
    return sum(1 if any(low <= ord(sign) <= high for low, high in _LIGHT) else 2 for sign in cluster)
