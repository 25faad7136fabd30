"""Other people's bytes are read by a process of their own, which may use only so much of everything."""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launcher.py")
KEPT_OUTPUT_BYTES = 64 * 1024  # of each stream the last so many bytes are kept
CHUNK_BYTES = 64 * 1024


class LimitReached(Exception):
    """A job was ended because it used up its time or its room."""


class OutOfTime(LimitReached):
    """More seconds than allowed, on the wall or on the processor."""


class OutOfRoom(LimitReached):
    """A file larger than allowed."""


@dataclass(frozen=True)
class Finished:
    """How a job ended by itself: its code (negative: a signal) and the end of what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


@contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder that only this user may enter (0700), inside `parent`, gone afterwards with all in it."""
    folder = Path(tempfile.mkdtemp(prefix=".job-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def run_limited(
    args: Sequence[str],
    *,
    cwd: Path,
    wall_s: float,
    cpu_s: int,
    memory_bytes: int,
    output_bytes: int,
    on_progress: Callable[[str], None] | None = None,
) -> Finished:
    """Runs a program with limits, no input, no environment, in its own process group.

    `memory_bytes` is address space, `output_bytes` the largest file it may write; `on_progress` gets each
    line of its standard output as it comes. Raises OutOfTime or OutOfRoom; nothing of the group goes on.
    """
    limits = [str(cpu_s), str(memory_bytes), str(output_bytes), str(os.getpid())]
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(LAUNCHER), *limits, *args],
        cwd=cwd,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + wall_s
    try:
        stdout, stderr = _listen(process, deadline, on_progress)
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as overdue:
        raise OutOfTime(f"stopped after {wall_s:g} s") from overdue
    finally:
        _end(process)
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise OutOfTime(f"stopped after {cpu_s} s of processor time")
    if process.returncode == -signal.SIGXFSZ:
        raise OutOfRoom(f"stopped at a file of {output_bytes} bytes")
    return Finished(process.returncode, stdout, stderr)


def _listen(
    process: subprocess.Popen[bytes], deadline: float, on_progress: Callable[[str], None] | None
) -> tuple[bytes, bytes]:
    assert process.stdout is not None and process.stderr is not None
    heard: dict[IO[bytes], bytes] = {process.stdout: b"", process.stderr: b""}
    lines = _Lines(on_progress)
    with selectors.DefaultSelector() as selector:
        for stream in heard:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise subprocess.TimeoutExpired(process.args, remaining)
            for key, _ in selector.select(remaining):
                stream = key.fileobj  # type: ignore[assignment]
                chunk = os.read(key.fd, CHUNK_BYTES)
                if not chunk:
                    selector.unregister(stream)
                heard[stream] = (heard[stream] + chunk)[-KEPT_OUTPUT_BYTES:]
                if stream is process.stdout:
                    lines.feed(chunk)
    return heard[process.stdout], heard[process.stderr]


class _Lines:
    """Cuts a stream of bytes into lines and passes each on."""

    def __init__(self, receive: Callable[[str], None] | None) -> None:
        self.receive = receive
        self.rest = b""

    def feed(self, chunk: bytes) -> None:
        if self.receive is None:
            return
        *lines, rest = (self.rest + chunk).split(b"\n")
        self.rest = rest[-KEPT_OUTPUT_BYTES:]
        for line in lines:
            self.receive(line.decode("utf-8", "replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # the usual end: nobody of the group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
