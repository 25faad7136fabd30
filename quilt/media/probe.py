"""What an uploaded file really holds, found out by a limited process of its own."""

import json
import sys
from pathlib import Path

from quilt.media.rules import (
    CannotProcess,
    CutOff,
    MediaRefused,
    NoPicture,
    NotAVideo,
    Probe,
    TooLarge,
    VideoLimits,
    check_video,
)
from quilt.media.sandbox import LimitReached, private_folder, run_limited
from quilt.media.signature import FORMAT_WHITELIST, MOV, PROTOCOL_WHITELIST, container_of, is_cut_off

CHILD = Path(__file__).with_name("probe_child.py")
WALL_S = 60.0
CPU_S = 30
MEMORY_BYTES = 768 * 1024**2
DEFAULT_LIMITS = VideoLimits()


def probe_video(
    path: Path, limits: VideoLimits = DEFAULT_LIMITS, *, memory_bytes: int = MEMORY_BYTES
) -> Probe:
    """What the file at `path` holds, when it can enter.

    Raises EmptyFile, CutOff, NotAVideo, NoPicture, TooShort, TooLong or TooLarge, and CannotProcess when looking
    took too long.
    """
    container = container_of(path)
    if container is MOV and is_cut_off(path):
        raise CutOff
    arguments = [container.demuxer, FORMAT_WHITELIST, PROTOCOL_WHITELIST, str(limits.max_pixels)]
    with private_folder() as folder:
        try:
            finished = run_limited(
                [sys.executable, "-I", str(CHILD), *arguments, str(path.resolve())],
                cwd=folder,
                wall_s=WALL_S,
                cpu_s=CPU_S,
                memory_bytes=memory_bytes,
                output_bytes=0,
            )
        except LimitReached as reached:
            raise CannotProcess from reached
    if finished.returncode != 0:
        raise _refusal_of(finished.stderr)
    facts = json.loads(finished.stdout)
    if not facts:
        raise NoPicture
    probe = Probe(**facts)
    check_video(probe, limits)
    return probe


def _refusal_of(complaint: bytes) -> MediaRefused:
    is_out_of_memory = b"MemoryError" in complaint or b"allocate memory" in complaint
    return TooLarge() if is_out_of_memory else NotAVideo()
