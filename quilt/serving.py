"""The web server: granian with worker processes and threads, under the settings of the environment.

usage: python -m quilt.serving HOST PORT WORKERS [PARENT] (what `quilt serve` becomes: the workers are forked from a
process that has loaded nothing but what they need)
"""

import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from quilt.collector import pause_collector, rest_collector
from quilt.config import ConfigurationError, Settings, from_environment

if TYPE_CHECKING:
    from flask import Flask

TURNS = 16  # requests that run at a time in a worker, and its threads
WAITING = 240  # more that may wait for what their clients send, where no proxy waits for it
BACKLOG = 2048  # connections that may wait in the kernel
PATIENCE = 30  # seconds that running requests get once the server is asked to stop
# Each thread would get a heap of its own, of C's allocator (the first three) and of granian's: tens of MB. And C's
# would raise its thresholds with each large page that it gives back, and soon give none back.
ALLOCATORS = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:300,muzzy_decay_ms:0,lg_tcache_max:12",
}
SERVER = "QUILT_SERVER"  # the number of the process that its workers end with; set by itself
LET_GO = 5.2  # seconds, of the 5.5 in which granian takes a second end of one worker for the end of all


class AddressTaken(Exception):
    """Something else answers at this address already."""


class NotReady(Exception):
    """The database is not there, or its tables are behind this release."""


def become_server(host: str, port: int, workers: int, parent: int | None) -> NoReturn:
    """Go on as the web server at `host`:`port`, in the place of this process, until SIGTERM or SIGINT.

    It ends with the process `parent`, where one is given.
    """
    words = [host, str(port), str(workers), *([] if parent is None else [str(parent)])]
    environment = {**ALLOCATORS, **os.environ}
    os.execve(sys.executable, [sys.executable, "-m", "quilt.serving", *words], environment)


def serve(host: str, port: int, workers: int, settings: Settings) -> None:
    """Answer requests with `workers` processes until SIGTERM or SIGINT.

    Raises AddressTaken or NotReady before anything is answered.
    """
    check_free(host, port)
    from quilt.committer import keep_writer

    load_application()
    _check_database(settings)
    os.environ[SERVER] = str(os.getpid())
    # A worker has the server's own handlers until its first request: asked to stop before that, it would not.
    os.register_at_fork(after_in_child=_stop_when_asked)
    with keep_writer(settings):
        _make_server(host, port, workers, TURNS if settings.proxies else TURNS + WAITING).serve()


def load_application() -> None:
    """Load what every worker needs once for all of them: they are forked from here, and start at once."""
    with pause_collector():
        from sqlalchemy.orm import configure_mappers

        from quilt import app  # noqa: F401
        from quilt.web import load_faces

        load_faces()
        configure_mappers()
    rest_collector()


def _stop_when_asked() -> None:
    """Stop at the server's SIGTERM alone: Ctrl-C reaches the server as well, and granian's workers forget a stop that
    is asked for twice at once."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _check_database(settings: Settings) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    from quilt.readiness import find_schema_state

    settings.data.mkdir(parents=True, exist_ok=True)
    engine = create_engine(settings.database)
    try:
        state = find_schema_state(engine)
    except OperationalError as error:
        raise NotReady(f"The database cannot be used: {error.orig}") from None
    finally:
        engine.dispose()
    if state == "behind":
        raise NotReady("The database's tables are behind this release. Run: quilt db upgrade")


def spare_imports(settings: Settings) -> None:
    """Keep libraries from loading what they try to have and can do without: fourteen megabytes a worker.

    structlog would load `rich` for consoles, huey the drivers of PostgreSQL and Redis where the queue is not there.
    """
    unused = ["rich"]
    if not (settings.database.startswith("postgres") or settings.queue.startswith("postgres")):
        unused.append("psycopg")
    if not (settings.limits_url.startswith("redis") or settings.queue.startswith("redis")):
        unused.append("redis")
    for name in unused:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def _make_server(host: str, port: int, workers: int, threads: int) -> Any:
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.server import mp as processes

    from quilt.web.later import with_replies

    wrapping: Any = processes
    wrapping._wsgi_call_wrap = with_replies(wrapping._wsgi_call_wrap)
    server = Granian(
        "quilt.serving:build_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=workers,
        blocking_threads=threads,
        backlog=BACKLOG,
        http=HTTPModes.http1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=PATIENCE,
        log_access=False,  # the application writes one structured line a request itself
        log_dictconfig=LOGGING,
    )
    server.respawned_wrks = Starts()
    return server


class Starts(dict[int, float]):
    """When workers were started again. Only one that ends as soon as it begins is beyond help, not one that is
    killed twice within seconds: the others go on, and so does the site."""

    def __setitem__(self, worker: int, at: float) -> None:
        super().__setitem__(worker, at - LET_GO)


def build_app() -> "Flask":
    """The application of one worker process, with its logs set up."""
    from quilt.app import create_app
    from quilt.committer import ADDRESS
    from quilt.database import use_writer
    from quilt.web.requests_log import set_up_logging
    from quilt.web.turns import Turns

    end_with_parent(int(os.environ[SERVER]))  # or it would answer on, and nobody else could have the address
    set_up_logging()
    use_writer(os.environ.get(ADDRESS))
    app = create_app(has_migrations=False)
    app.wsgi_app = Turns(app.wsgi_app, TURNS)  # type: ignore[method-assign]
    rest_collector()
    return app


def check_free(host: str, port: int) -> None:
    """Raise AddressTaken unless a server may listen at this address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTaken(f"{host}:{port} cannot be used: {error.strerror}.") from error


def end_with_parent(parent: int) -> None:
    """From now on this process is asked to stop as soon as `parent`, which started it, is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


class JsonLines(logging.Formatter):
    """The server's own few messages in the shape of our log lines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level = record.levelname.lower()
        return json.dumps({"at": at, "event": "server", "level": level, "message": record.getMessage()})


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": JsonLines}},
    "handlers": {
        "lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}
    },
    "loggers": {"_granian": {"handlers": ["lines"], "level": "INFO", "propagate": False}},
}


def main() -> None:
    host, port, workers, *parent = sys.argv[1:]
    if parent:
        end_with_parent(int(parent[0]))
    try:
        settings = from_environment()
        spare_imports(settings)
        serve(host, int(port), int(workers), settings)
    except AddressTaken as error:
        raise SystemExit(f"Error: {error} Choose another with --port.") from None
    except (ConfigurationError, NotReady, OSError) as error:
        raise SystemExit(f"Error: {error}") from None


if __name__ == "__main__":
    main()
