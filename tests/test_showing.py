"""`quilt demo` as a whole: opens, ends cleanly, can be run again, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

import pytest

from tests.test_cli import free_port

OPEN_LINE = "Quilt is open:"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A demo folder whose contest counts as filled, so that each start takes a second."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "filled").touch()
    return folder


class Demo:
    """One run of `quilt demo`, started by a shell whose settings are those of a real site."""

    def __init__(self, folder: Path, port: int) -> None:
        command = [sys.executable, "-m", "quilt.cli", "demo", "--data", str(folder), "--port", str(port)]
        real_site = {"QUILT_ENV": "production", "QUILT_DATABASE_URL": "postgresql://127.0.0.1:9/real"}
        self.port = port
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, env={**os.environ, **real_site, "PYTHONUNBUFFERED": "1"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_until_open(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # it opens or ends within a minute
            self.lines.append(line)
            if line.startswith(OPEN_LINE):
                return
        raise AssertionError("".join(self.lines))

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def children(self) -> list[int]:
        """The processes that this run started, and theirs."""
        found, queue = [], [self.process.pid]
        while queue:
            task = Path(f"/proc/{queue.pop()}/task")
            for listing in task.glob("*/children"):
                queue += (more := [int(number) for number in listing.read_text().split()])
                found += more
        return found


def are_gone(numbers: list[int], patience: float = 45.0) -> bool:
    deadline = time.monotonic() + patience
    while any(Path(f"/proc/{number}").exists() for number in numbers):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_opens_ends_and_opens_again(folder: Path) -> None:
    """The first run is ended by its owner, the second by a part of it that ends."""
    port = free_port()
    with Demo(folder, port) as demo:
        demo.wait_until_open()
        assert demo.answers()
        children = demo.children()
        assert len(children) >= 4  # the server, its two processes, the worker
        say_that_it_is_taken(folder, port)
        assert demo.answers()
        demo.process.send_signal(signal.SIGINT)
        rest = demo.process.communicate(timeout=60)[0]
        assert demo.process.returncode == 0
        assert "The demo is closed." in rest
        assert "Traceback" not in rest
        assert are_gone(children, patience=2)
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    assert "Traceback" not in read_logs(folder)

    with Demo(folder, port) as demo:
        demo.wait_until_open()
        assert demo.answers()
        children = demo.children()
        worker = next(pid for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(worker, signal.SIGKILL)
        rest = demo.process.communicate(timeout=60)[0]
        assert demo.process.returncode == 1
        assert "The worker ended by itself." in rest
        assert are_gone(children, patience=2)
    assert "Traceback" not in read_logs(folder)


def say_that_it_is_taken(folder: Path, port: int) -> None:
    """Neither the port nor the folder of a demo is had by a second one."""
    with Demo(folder, port) as second:
        assert f"make demo PORT={port + 1}" in second.process.communicate(timeout=60)[0]
    with Demo(folder, free_port()) as third:
        assert f"A demo runs in {folder} already." in third.process.communicate(timeout=60)[0]
    assert (second.process.returncode, third.process.returncode) == (1, 1)


def read_logs(folder: Path) -> str:
    return "".join((folder / log).read_text() for log in ("server.log", "worker.log"))


def test_a_killed_demo_leaves_nobody_behind(folder: Path) -> None:
    with Demo(folder, free_port()) as demo:
        demo.wait_until_open()
        children = demo.children()
        demo.process.kill()
        assert len(children) >= 4
        assert are_gone(children)
