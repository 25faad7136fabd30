"""An uploaded video becomes one that every browser plays. Nothing of the upload is passed through."""

import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from quilt.media.rules import CannotProcess, Probe, fit_picture
from quilt.media.sandbox import Finished, LimitReached, private_folder, run_limited
from quilt.media.signature import FORMAT_WHITELIST, MOV, PROTOCOL_WHITELIST, Container, container_of

MAX_FPS = 30
KEY_FRAME_S = 2
POSTER_QUALITY = 4  # ffmpeg's scale for JPEG: 2 is best, 31 worst

STRIP = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact")
VIDEO = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-maxrate", "2800k", "-bufsize", "5600k")
VIDEO_SHAPE = ("-profile:v", "high", "-level:v", "4.0", "-flags:v", "+bitexact")
AUDIO = ("-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000", "-flags:a", "+bitexact")


@dataclass(frozen=True)
class JobLimits:
    """What one run of ffmpeg may use: seconds of clock and processor, address space, largest file."""

    wall_s: float = 900.0
    cpu_s: int = 1200
    memory_bytes: int = 1536 * 1024**2
    output_bytes: int = 256 * 1024**2


@dataclass(frozen=True)
class Transcoded:
    """The finished video: its size in pixels, its duration in seconds, whether it has sound, its bytes."""

    width: int
    height: int
    duration_s: float
    has_audio: bool
    byte_count: int


JOB_LIMITS = JobLimits()
POSTER_LIMITS = JobLimits(wall_s=60.0, cpu_s=60, output_bytes=16 * 1024**2)


def transcode_video(
    source: Path,
    destination: Path,
    probe: Probe,
    *,
    max_duration_s: float = 180.0,
    limits: JobLimits = JOB_LIMITS,
    on_progress: Callable[[int], None] | None = None,
) -> Transcoded:
    """Writes `source`, as `probe` saw it, to `destination`: H.264/AAC MP4, at most 1280×720 or 720×1280.

    `on_progress` gets whole percents, rising, 100 last. `destination` appears whole or not at all. Raises
    NotAVideo or CannotProcess.
    """
    container = container_of(source)
    width, height = fit_picture(probe.width, probe.height)
    progress = _Progress(min(probe.duration_s, max_duration_s), on_progress)
    arguments = [
        *input_arguments(source, container),
        *("-map", "0:V:0", "-map", "0:a:0?", *STRIP),
        *("-vf", f"scale={width}:{height},setsar=1,format=yuv420p", "-fpsmax", str(MAX_FPS)),
        *(*VIDEO, *VIDEO_SHAPE, "-force_key_frames", f"expr:gte(t,n_forced*{KEY_FRAME_S})"),
        *(*AUDIO, "-threads", "2", "-t", f"{max_duration_s + 0.5:g}", "-max_muxing_queue_size", "1024"),
        *("-movflags", "+faststart", "-progress", "pipe:1", "-nostats", "-f", "mp4", "out.mp4"),
    ]
    with private_folder(destination.parent) as folder:
        _run(arguments, folder, limits, progress.read)
        written = folder / "out.mp4"
        if progress.frame_count == 0 or not written.is_file():
            raise CannotProcess
        duration_s, byte_count = _duration_of(written), written.stat().st_size
        os.replace(written, destination)
    progress.tell(100)
    return Transcoded(width, height, duration_s, probe.has_audio, byte_count)


def cut_posters(
    video: Path, second: float, targets: Sequence[tuple[Path, int]], *, limits: JobLimits = POSTER_LIMITS
) -> None:
    """Writes the picture at `second` of one of our own MP4 files as JPEG, once a target (path, longest side).

    A second before the start or past the end gives the first picture. Raises CannotProcess.
    """
    sides = [side for _, side in targets]
    with private_folder(targets[0][0].parent) as folder:
        try:
            written = _cut(video, max(0.0, second), sides, folder, limits)
        except CannotProcess:
            written = _cut(
                video, 0.0, sides, folder, limits
            )  # past the end: the first picture is always there
        for path, (target, _) in zip(written, targets, strict=True):
            os.replace(path, target)


def input_arguments(path: Path, container: Container) -> list[str]:
    """What ffmpeg is told of its one input: open this file alone, as this container and nothing else."""
    lists = ["-format_whitelist", FORMAT_WHITELIST, "-protocol_whitelist", PROTOCOL_WHITELIST]
    return [*lists, "-threads", "2", "-f", container.demuxer, "-i", f"file:{path.resolve()}"]


def _cut(video: Path, second: float, sides: Sequence[int], folder: Path, limits: JobLimits) -> list[Path]:
    _run(_poster_arguments(video, second, sides), folder, limits)
    written = [folder / f"{number}.jpg" for number in range(len(sides))]
    if not all(path.is_file() and path.stat().st_size for path in written):
        raise CannotProcess
    return written


def _poster_arguments(video: Path, start: float, sides: Sequence[int]) -> list[str]:
    labels = [f"p{number}" for number in range(len(sides))]
    split = f"[0:V:0]split={len(sides)}" + "".join(f"[s{label}]" for label in labels)
    scales = [
        f"[s{label}]scale=w='min({side},iw)':h='min({side},ih)'"
        f":force_original_aspect_ratio=decrease:force_divisible_by=2:out_range=pc,format=yuvj420p[{label}]"
        for label, side in zip(labels, sides, strict=True)
    ]
    arguments = [
        "-ss",
        f"{start:.3f}",
        *input_arguments(video, MOV),
        "-filter_complex",
        ";".join((split, *scales)),
    ]
    for number, label in enumerate(labels):
        arguments += ["-map", f"[{label}]", *STRIP, "-frames:v", "1", "-q:v", str(POSTER_QUALITY)]
        arguments += ["-threads", "1", "-f", "image2", "-update", "1", f"{number}.jpg"]
    return arguments


def _run(
    arguments: Sequence[str], folder: Path, limits: JobLimits, on_line: Callable[[str], None] | None = None
) -> Finished:
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    threads = ["-filter_threads", "1", "-filter_complex_threads", "1"]
    try:
        finished = run_limited(
            [*program, *threads, *arguments],
            cwd=folder,
            wall_s=limits.wall_s,
            cpu_s=limits.cpu_s,
            memory_bytes=limits.memory_bytes,
            output_bytes=limits.output_bytes,
            on_progress=on_line,
        )
    except LimitReached as reached:
        raise CannotProcess from reached
    if finished.returncode != 0:
        raise CannotProcess from RuntimeError(finished.stderr[-2000:].decode("utf-8", "replace"))
    return finished


def _duration_of(video: Path) -> float:
    """Seconds, from the movie header, which stands near the start of the files we write."""
    with video.open("rb") as file:
        head = file.read(4096)
    body = head.index(b"mvhd") + 4
    ticks_per_s, ticks = struct.unpack_from(">II", head, body + 12)
    return float(ticks / ticks_per_s)


class _Progress:
    """Reads ffmpeg's progress lines and tells whole percents, each once, 99 at most until the end."""

    def __init__(self, duration_s: float, receive: Callable[[int], None] | None) -> None:
        self.duration_s = duration_s
        self.receive = receive
        self.frame_count = 0
        self.told = -1

    def read(self, line: str) -> None:
        key, _, value = line.strip().partition("=")
        if key == "frame" and value.isdigit():
            self.frame_count = int(value)
        if key == "out_time_us" and value.isdigit():
            self.tell(min(99, int(int(value) / 10_000 / self.duration_s)))

    def tell(self, percent: int) -> None:
        if percent > self.told:
            self.told = percent
            if self.receive is not None:
                self.receive(percent)
