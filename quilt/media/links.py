"""Addresses of videos at YouTube and Vimeo: what passes is rebuilt from its id, nothing pasted is kept."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from quilt.media.rules import MediaRefused

Provider = Literal["youtube", "vimeo"]
MAX_LENGTH = 2000


class LinkRefused(MediaRefused):
    """An address that cannot stand for a video."""


class WrongScheme(LinkRefused):
    code = "link_scheme"
    message = "Only https links can be used. Your draft is saved: copy the address of the video’s own page."


class WrongHost(LinkRefused):
    code = "link_host"
    message = "Only links to YouTube or Vimeo can be used. Your draft is saved: upload the file instead."


class NoVideoInLink(LinkRefused):
    code = "link_without_video"
    message = (
        "This link does not name one video. Your draft is saved: open the video itself and copy that address."
    )


@dataclass(frozen=True)
class LinkedVideo:
    """One video elsewhere: its id there, the address to embed it without cookies, and its own page."""

    provider: Provider
    video_id: str
    embed_url: str
    watch_url: str


def parse_link(text: str) -> LinkedVideo:
    """The video a pasted address means. Raises WrongScheme, WrongHost or NoVideoInLink."""
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise NoVideoInLink
    if _BARE_HOST.match(text):
        text = f"https://{text}"
    parts = _split(text)
    reader = _READERS.get(parts.netloc.lower())
    if reader is None:
        raise WrongHost
    return reader(parts)


def _split(text: str) -> SplitResult:
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() not in ("http", "https"):
        raise WrongScheme
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in " \\"):
        raise WrongHost
    try:
        return urlsplit(text)
    except ValueError as broken:
        raise WrongHost from broken


def _read_youtube(parts: SplitResult) -> LinkedVideo:
    steps = _steps(parts)
    if steps == ["watch"]:
        return _youtube(_query(parts, "v"))
    if len(steps) == 2 and steps[0] in ("embed", "shorts", "live", "v", "watch"):
        return _youtube(steps[1])
    raise NoVideoInLink


def _read_youtu_be(parts: SplitResult) -> LinkedVideo:
    steps = _steps(parts)
    if len(steps) != 1:
        raise NoVideoInLink
    return _youtube(steps[0])


def _read_vimeo(parts: SplitResult) -> LinkedVideo:
    """`/ID`, `/ID/HASH` of an unlisted video, and a video inside a channel, group, album or showcase."""
    steps = _steps(parts)
    if len(steps) in (1, 2) and _VIMEO_ID.fullmatch(steps[0]):
        return _vimeo(steps[0], steps[1] if len(steps) == 2 else _query(parts, "h"))
    if _VIMEO_SHELF.fullmatch("/".join(steps)):
        return _vimeo(steps[-1], _query(parts, "h"))
    raise NoVideoInLink


def _read_vimeo_player(parts: SplitResult) -> LinkedVideo:
    steps = _steps(parts)
    if len(steps) != 2 or steps[0] != "video":
        raise NoVideoInLink
    return _vimeo(steps[1], _query(parts, "h"))


def _youtube(video_id: str) -> LinkedVideo:
    if not _YOUTUBE_ID.fullmatch(video_id) or video_id in _YOUTUBE_WORDS:
        raise NoVideoInLink
    return LinkedVideo(
        "youtube",
        video_id,
        f"https://www.youtube-nocookie.com/embed/{video_id}",
        f"https://www.youtube.com/watch?v={video_id}",
    )


def _vimeo(video_id: str, secret: str) -> LinkedVideo:
    if not _VIMEO_ID.fullmatch(video_id) or (secret and not _VIMEO_SECRET.fullmatch(secret)):
        raise NoVideoInLink
    embed = f"https://player.vimeo.com/video/{video_id}?" + (f"h={secret}&dnt=1" if secret else "dnt=1")
    watch = f"https://vimeo.com/{video_id}" + (f"/{secret}" if secret else "")
    return LinkedVideo("vimeo", video_id, embed, watch)


def _steps(parts: SplitResult) -> list[str]:
    return [step for step in parts.path.split("/") if step]


def _query(parts: SplitResult, name: str) -> str:
    try:
        return parse_qs(parts.query, max_num_fields=50).get(name, [""])[0]
    except ValueError as crowded:
        raise NoVideoInLink from crowded


_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_YOUTUBE_WORDS = ("videoseries", "live_stream")  # eleven letters too, but a playlist and a channel
_VIMEO_ID = re.compile(r"[1-9][0-9]{0,14}")
_VIMEO_SECRET = re.compile(r"[0-9a-f]{6,32}")
_VIMEO_SHELF = re.compile(
    r"channels/[\w-]+/[0-9]+|groups/[\w-]+/videos/[0-9]+|(?:album|showcase)/[0-9]+/video/[0-9]+", re.ASCII
)
_READERS: dict[str, Callable[[SplitResult], LinkedVideo]] = {
    "youtube.com": _read_youtube,
    "www.youtube.com": _read_youtube,
    "m.youtube.com": _read_youtube,
    "music.youtube.com": _read_youtube,
    "youtube-nocookie.com": _read_youtube,
    "www.youtube-nocookie.com": _read_youtube,
    "youtu.be": _read_youtu_be,
    "www.youtu.be": _read_youtu_be,
    "vimeo.com": _read_vimeo,
    "www.vimeo.com": _read_vimeo,
    "player.vimeo.com": _read_vimeo_player,
}
_BARE_HOST = re.compile("(?:" + "|".join(map(re.escape, _READERS)) + ")/", re.IGNORECASE)
