"""Looks into one file and prints what it holds as JSON. Runs as a limited process of its own, never imported:

python -I probe_child.py DEMUXER FORMAT_WHITELIST PROTOCOL_WHITELIST MAX_PIXELS PATH
"""

import json
import sys
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

Facts = dict[str, float | int | str | bool | None]


def main(demuxer: str, formats: str, protocols: str, max_pixels: int, path: str) -> None:
    """Prints `{}` for a file with sound and no picture; any exception is a file that cannot be read."""
    options = {"format_whitelist": formats, "protocol_whitelist": protocols}
    with av.open(f"file:{path}", format=demuxer, options=options) as container:
        if not container.streams:
            raise ValueError("no stream at all")
        stream = _picture_stream(container)
        print(json.dumps(_facts(container, stream, max_pixels) if stream is not None else {}))


def _picture_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures; a cover picture is none."""
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return next((stream for stream in container.streams.video if not stream.disposition & still), None)


def _facts(container: InputContainer, stream: VideoStream, max_pixels: int) -> Facts:
    sound = next(iter(container.streams.audio), None)
    coded_pixels = stream.width * stream.height
    stream.codec_context.thread_count = 1
    facts: Facts = {
        "video_codec": stream.codec_context.name,
        "audio_codec": sound.codec_context.name if sound is not None and sound.codec_context else None,
        "has_audio": sound is not None,
        "coded_pixels": coded_pixels,
        "rotation": 0,
        "fps": _finite(stream.average_rate),
    }
    width, height = stream.width, stream.height
    if coded_pixels <= max_pixels:
        frame = next(container.decode(stream), None)
        if frame is None:
            return {}
        facts["rotation"] = frame.rotation % 360
        container.seek(0)
    frame_count, duration_s = _measure(container, stream)
    shape = stream.sample_aspect_ratio
    if shape is not None and 0 < shape < 16:
        width = round(width * shape)
    if facts["rotation"] in (90, 270):
        width, height = height, width
    return facts | {"width": width, "height": height, "frame_count": frame_count, "duration_s": duration_s}


def _measure(container: InputContainer, stream: VideoStream) -> tuple[int, float]:
    """Number of pictures and seconds from the first to the end of the last, by walking the whole file.

    What the header says is not believed: recordings of browsers carry no duration, and others lie.
    """
    count = 0
    first: int | None = None
    end = 0
    for packet in container.demux(stream):
        at = packet.pts if packet.pts is not None else packet.dts  # AVI knows the order of decoding only
        if at is None or not packet.size:
            continue
        count += 1
        first = at if first is None else min(first, at)
        end = max(end, at + (packet.duration or 0))
    if first is None or stream.time_base is None:
        return count, 0.0
    return count, float((end - first) * stream.time_base)


def _finite(rate: Fraction | None) -> float | None:
    return float(rate) if rate is not None and rate > 0 else None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
