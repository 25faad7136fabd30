"""What a video must be to enter, and what we say where it is not."""

from dataclasses import dataclass

POSTER_SIDE, THUMBNAIL_SIDE = 1280, 640  # the longest side in pixels


class MediaRefused(Exception):
    """A file or link that cannot be used; `code` is for rows and logs, `message` for the entrant."""

    code = "refused"
    message = "We could not use this file. Your draft is saved: try another one."

    def __str__(self) -> str:
        return self.message


class EmptyFile(MediaRefused):
    code = "empty_file"
    message = (
        "This file is empty, so the upload may have broken off. Your draft is saved: choose the file again."
    )


class CutOff(MediaRefused):
    code = "cut_off"
    message = "The end of this film is missing: it may not have been copied whole. Your draft is saved: choose the file again."


class NotAVideo(MediaRefused):
    code = "not_a_video"
    message = "We could not read this as a video. Your draft is saved: export it anew as MP4 (H.264)."


class NotAFilm(NotAVideo):
    code = "not_a_film"
    message = "This is not a film. Your draft is saved: choose a video file."


class NoPicture(MediaRefused):
    code = "no_picture"
    message = "We found no picture in this file. Your draft is saved: choose a video, with or without sound."


class TooShort(MediaRefused):
    code = "too_short"
    message = "This video is shorter than a second. Your draft is saved: choose a longer one."


class TooLong(MediaRefused):
    code = "too_long"

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.message = (
            f"Videos can be up to {_spoken_duration(limit_s)}. Your draft is saved: upload a shorter cut."
        )


class TooLarge(MediaRefused):
    code = "too_large"
    message = "This video’s picture is too large for us. Your draft is saved: export it as 4K or smaller."


class CannotProcess(MediaRefused):
    code = "cannot_process"
    message = (
        "We could not process this file. Your draft is saved: try again, or export the video as MP4 (H.264)."
    )


@dataclass(frozen=True)
class Probe:
    """What a file holds. Width and height are as shown, after rotation (in degrees) and pixel shape."""

    duration_s: float
    width: int
    height: int
    fps: float | None
    has_audio: bool
    rotation: int
    video_codec: str
    audio_codec: str | None
    coded_pixels: int
    frame_count: int


@dataclass(frozen=True)
class VideoLimits:
    """The shortest and longest duration in seconds, the largest picture in pixels."""

    min_duration_s: float = 1.0
    max_duration_s: float = 180.0
    max_pixels: int = 4096 * 3072


def check_video(probe: Probe, limits: VideoLimits) -> None:
    """Raises NoPicture, TooLarge, TooShort or TooLong; half a second over the limit is forgiven."""
    if probe.frame_count == 0 or probe.width < 2 or probe.height < 2 or probe.rotation % 90:
        raise NoPicture
    if probe.coded_pixels > limits.max_pixels:
        raise TooLarge
    if probe.duration_s < limits.min_duration_s:
        raise TooShort
    if probe.duration_s > limits.max_duration_s + 0.5:
        raise TooLong(limits.max_duration_s)


def fit_picture(width: int, height: int, *, long_side: int = 1280, short_side: int = 720) -> tuple[int, int]:
    """The largest even size of the same shape within long × short side, lying or standing; never enlarged."""
    longer, shorter = max(width, height), min(width, height)
    scale = min(1.0, long_side / longer, short_side / shorter)
    return _even(width * scale), _even(height * scale)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _spoken_duration(seconds: float) -> str:
    if seconds % 60 or seconds < 60:
        return f"{seconds:g} seconds"
    minutes = int(seconds // 60)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
