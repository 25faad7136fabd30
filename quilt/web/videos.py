"""Videos as pages show them: their state in words, and where they play."""

from dataclasses import dataclass

from flask import url_for

from quilt.media.linked import PROVIDER_NAMES, find_linked
from quilt.media.models import Video

VIDEO_WORDS = {
    "queued": "Your video is here and waits its turn.",
    "processing": "Your video is being prepared.",
    "ready": "Your video is ready.",
    "refused": "We cannot use this file.",
    "parked": "Something failed on our side.",
}


@dataclass(frozen=True)
class VideoView:
    """A video as its entrant sees it on the way."""

    state: str
    percent: int
    words: str
    message: str
    file_name: str
    is_final: bool
    src: str
    poster_url: str
    width: int
    height: int
    duration: float | None
    poster_second: float
    provider: str
    embed_url: str
    watch_url: str
    external_title: str
    is_file: bool


def describe_video(video: Video | None) -> VideoView | None:
    """Everything a page shows of a video, with addresses."""
    if video is None:
        return None
    linked = find_linked(video.kind, video.external_id)
    return VideoView(
        state=video.state,
        percent=video.progress,
        words=VIDEO_WORDS[video.state],
        message=video.message,
        file_name=video.file_name,
        is_final=video.state in ("ready", "refused", "parked"),
        src=_media_url(video.video_key),
        poster_url=_media_url(video.poster_key),
        width=video.width or 1280,
        height=video.height or 720,
        duration=video.duration_seconds,
        poster_second=video.poster_second,
        provider=PROVIDER_NAMES.get(video.kind, ""),
        embed_url=linked.embed_url if linked else "",
        watch_url=linked.watch_url if linked else "",
        external_title=video.external_title,
        is_file=video.kind == "file",
    )


def _media_url(key: str) -> str:
    return url_for("site.show_media", key=key) if key else ""
