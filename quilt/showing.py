"""The demo as a whole: a folder of its own, a filled contest, a server and a worker, and a clean end."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quilt.config import ROOT, Settings, from_environment
from quilt.serving import AddressTaken, check_free

DEMO_FOLDER = ROOT / "var" / "demo"
LONGEST_START = 60.0  # seconds until the server must have answered
LONGEST_END = 40.0  # seconds that both get to finish what they do
MARKER = "filled"  # a file in the folder: the contest in it is whole
OWN_FILES = ("quilt.db*", "queue.db*", "media", "uploads", MARKER)

Say = Callable[[str], None]


class CannotShow(Exception):
    """The demo cannot start or go on; the message says what to do."""


def show(host: str, port: int, folder: Path, *, fresh: bool, say: Say) -> None:
    """Fill the demo unless an earlier one is there, open it, and keep it open until SIGINT or SIGTERM.

    `fresh` begins anew. Raises CannotShow when the port is taken, another demo uses the folder, or a part ends
    by itself.
    """
    try:
        check_free(host, port)
    except AddressTaken as error:
        raise CannotShow(f"{error} Choose another:  make demo PORT={port + 1}") from None
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        environment = build_environment(host, port, folder)
        prepare(from_environment(environment), folder, fresh=fresh, say=say)
        with _noting_signals() as signals:
            _run_until(signals, host, port, folder, environment, say)
    say("The demo is closed. What you did stays; `.venv/bin/quilt demo --fresh` begins anew.")


def build_environment(host: str, port: int, folder: Path) -> dict[str, str]:
    """The environment of the demo's processes: the settings of a real site around it never reach the demo."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUILT_")}
    address = _reachable_address(host)
    return {
        **kept,
        "QUILT_ENV": "demo",
        "QUILT_DATA": str(folder.resolve()),
        "QUILT_SECRET_KEY": _kept_secret(folder / "secret"),
        "QUILT_BASE_URL": os.environ.get("QUILT_BASE_URL", f"http://{address}:{port}"),
        "QUILT_LEDGER_MINUTES": "1",
        "QUILT_CONTACT": "hello@example.org",
        "PYTHONUNBUFFERED": "1",
    }


def prepare(settings: Settings, folder: Path, *, fresh: bool, say: Say) -> None:
    """Bring the tables up to date and fill the contest, unless a whole one is there already."""
    import flask_migrate  # not before it is known that the demo can start: that is said at once

    from quilt.app import create_app
    from quilt.database import close_writers, db
    from quilt.demo import fill
    from quilt.web.clock import now

    marker = folder / MARKER
    if fresh or not marker.exists():
        _clear(folder)
    app = create_app(settings)
    try:
        with app.app_context():
            flask_migrate.upgrade()
            if not marker.exists():
                say("Sewing the demo contest: real videos, votes and shares. This takes less than a minute …")
                began = time.monotonic()
                fill(app, now(), say)
                marker.write_text(now().isoformat())
                say(f"… done in {time.monotonic() - began:.0f} s.")
    finally:
        close_writers()
        with app.app_context():
            db.engine.dispose()


def _run_until(
    signals: list[int], host: str, port: int, folder: Path, environment: dict[str, str], say: Say
) -> None:
    parts = {
        "server": _start(["serve", "--host", host, "--port", str(port)], folder / "server.log", environment),
        "worker": _start(["worker"], folder / "worker.log", environment),
    }
    try:
        _wait_for_answer(signals, host, port, parts, folder)
        if not signals:
            say(_welcome(environment["QUILT_BASE_URL"], folder))
        while not signals:
            time.sleep(0.3)
            _check_alive(parts, folder)
    finally:
        _end(list(parts.values()))


def _wait_for_answer(
    signals: list[int], host: str, port: int, parts: dict[str, subprocess.Popen[bytes]], folder: Path
) -> None:
    local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    deadline = time.monotonic() + LONGEST_START
    while not signals:
        time.sleep(0.1)
        _check_alive(parts, folder)
        try:
            with urllib.request.urlopen(f"http://{local}:{port}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise CannotShow(f"The server did not answer. Its log: {folder / 'server.log'}") from None


def _check_alive(parts: dict[str, subprocess.Popen[bytes]], folder: Path) -> None:
    for name, process in parts.items():
        if process.poll() is not None:
            log = folder / f"{name}.log"
            last = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise CannotShow(f"The {name} ended by itself. The end of {log}:\n{last}")


def _welcome(address: str, folder: Path) -> str:
    from quilt.demo import list_sign_ins

    people = "\n".join(f"  {person}" for person in list_sign_ins())
    return (
        f"\nQuilt is open:  {address}\n\n"
        f"Sign in at {address}/sign-in as\n{people}\n"
        f"or with any e-mail address: the code arrives at {address}/outbox\n{_name_for_passkeys(address)}\n"
        f"Logs and data are in {folder}. Ctrl-C closes the demo.\n"
    )


def _name_for_passkeys(address: str) -> str:
    """Passkeys belong to a name, never to a number: where the demo has one besides, it is told."""
    if "//127.0.0.1:" not in address:
        return ""
    return f"To try passkeys, use {address.replace('127.0.0.1', 'localhost')}: they need a name.\n"


def _start(arguments: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "quilt.cli", *arguments, "--with-parent", str(os.getpid())],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends both in order
        )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + LONGEST_END
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _noting_signals() -> Iterator[list[int]]:
    """Have what this process is asked to stop by noted, and nothing more: a handler that set an event could wait for
    that event's own lock, which the code that it interrupts holds, without end."""
    signals: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    earlier = [signal.signal(number, lambda number, _frame: signals.append(number)) for number in numbers]
    try:
        yield signals
    finally:
        for number, handler in zip(numbers, earlier, strict=True):
            signal.signal(number, handler)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotShow(
                f"A demo runs in {folder} already. Close it first, or give this one another folder with --data."
            ) from None
        yield


def _clear(folder: Path) -> None:
    for pattern in OWN_FILES:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _kept_secret(path: Path) -> str:
    """The demo's own secret, made at the first start and readable by its owner alone."""
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


def _reachable_address(host: str) -> str:
    """The address that other devices would use: for 0.0.0.0 that of this machine in its network."""
    if host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; only asks which way it would go
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address
