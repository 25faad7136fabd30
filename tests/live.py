"""A real server (and worker) on a free port, for tests that need real processes and real sockets."""

import http.client
import multiprocessing
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
from flask import Flask

from quilt.app import create_app
from quilt.config import ROOT, Settings
from quilt.database import close_writers, db
from quilt.serving import ALLOCATORS
from tests.sessions import start_sessions

LONGEST_START = 90.0
_starter = multiprocessing.get_context("forkserver")
_tables: list[bytes] = []  # a SQLite file whose tables are there, once one has been made


@dataclass(frozen=True)
class Site:
    """A running site: its address, its settings, and an application on the same database."""

    url: str
    port: int
    settings: Settings
    app: Flask
    server: int  # its process's number


class Forked(_starter.Process):
    """A process of a site, forked from one that has loaded the application, as if a command had started it."""

    def __init__(self, words: list[str], environment: Mapping[str, str], log: Path) -> None:
        from tests.starting import run_command

        super().__init__(target=run_command, args=(words, environment, log))
        self.start()

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Its exit status, once it has ended. Raises TimeoutExpired."""
        self.join(timeout)
        if self.exitcode is None:
            raise subprocess.TimeoutExpired(self.name, timeout or 0)
        return self.exitcode


def start_command(
    words: list[str], environment: Mapping[str, str], log: Path
) -> "subprocess.Popen[bytes] | Forked":
    """`python -m words…` with this environment, which writes to this log."""
    with open(log, "ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *words], env=environment, cwd=ROOT, stdout=file, stderr=file
        )


def fork_sites() -> None:
    """From here on sites are forked from one process that has loaded the application: they are there ten times as soon."""
    global _start
    _starter.set_forkserver_preload(["tests.starting"])
    _start = Forked


_start: Callable[[list[str], Mapping[str, str], Path], "subprocess.Popen[bytes] | Forked"] = start_command


@contextmanager
def open_site(
    folder: Path,
    database_url: str = "",
    *,
    workers: int = 2,
    has_worker: bool = False,
    flaw: str = "",
    extra: Mapping[str, str] = {},
) -> Iterator[Site]:
    """Migrate a database, start the server in processes of its own, and stop it all at the end.

    `flaw` is a module whose `plant_flaw` changes the application first. `extra` are settings of the processes alone.
    """
    port, log = find_free_port(), folder / "server.log"
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        environment="development",
        secret_key=secrets.token_urlsafe(32),
        data=folder,
        database_url=database_url,
        base_url=f"http://127.0.0.1:{port}",
        are_limits_on=False,
        oembed_on=False,
    )
    app = create_app(settings)
    migrate(app)
    environment = {**make_environment(settings), **extra}
    # What `quilt serve` becomes; the command itself has tests of its own.
    words = ["tests.planted_server", flaw] if flaw else ["quilt.serving"]
    processes = [_start([*words, "127.0.0.1", str(port), str(workers)], environment, log)]
    if has_worker:
        processes.append(_start(["quilt.cli", "worker"], environment, log))
    try:
        wait_until_up(port, processes[0], log)
        yield Site(settings.base_url, port, settings, app, processes[0].pid)
    finally:
        stop(processes)
        close_writers()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def migrate(app: Flask) -> None:
    """Make the tables. Every SQLite file that is not there yet becomes a copy of the first that this process made."""
    with app.app_context():
        url = db.engine.url
        if url.get_backend_name() != "sqlite" or Path(url.database or "").exists():
            flask_migrate.upgrade()
            return
        if not _tables:
            flask_migrate.upgrade()
            db.session.remove()
            db.engine.dispose()
            _tables.append(Path(url.database or "").read_bytes())
        else:
            Path(url.database or "").write_bytes(_tables[0])


def make_environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process has those of these settings that tests change, and asks nobody else."""
    values = {
        "QUILT_ENV": settings.environment,
        "QUILT_SECRET_KEY": settings.secret_key,
        "QUILT_DATA": str(settings.data),
        "QUILT_DATABASE_URL": settings.database_url,
        "QUILT_BASE_URL": settings.base_url,
        "QUILT_LIMITS": "on" if settings.are_limits_on else "off",
        "QUILT_OEMBED": "off",
    }
    return {**ALLOCATORS, **os.environ, **values}


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(port: int, server: "subprocess.Popen[bytes] | Forked", log: Path) -> None:
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_START:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended at its start:\n{log.read_text()[-3000:]}")
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
                connection.request("GET", "/healthz")
                with connection.getresponse() as answer:
                    if answer.status == 200:
                        return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer:\n{log.read_text()[-3000:]}")


def stop(processes: "Sequence[subprocess.Popen[bytes] | Forked]") -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def sign_cookie(app: Flask, user_id: int) -> str:
    """The cookie of a new session of this person, as the site itself would sign it."""
    return sign_cookies(app, [user_id])[user_id]


def sign_cookies(app: Flask, user_ids: Iterable[int]) -> dict[int, str]:
    """The cookies of new sessions of many people, by their number: one write for all of them."""
    serializer = app.session_interface.get_signing_serializer(app)
    with app.app_context():
        sessions = start_sessions(user_ids)
    name = app.config["SESSION_COOKIE_NAME"]
    return {user_id: f"{name}={serializer.dumps(session)}" for user_id, session in sessions.items()}
