"""The queue: a hint that there is work. What there is to do, and how often it was tried, stands in the rows.

A task is a function that takes a `Job` and ids, registered by `@task`; `task.later(*ids)` asks for it, after
the commit that made it necessary. Losing or doubling a call must change nothing: a sweep finds what was lost.
`@every(seconds)` registers what a worker does again and again. The modules that hold tasks are imported by
the services that use them, so the application knows them all.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.serializer import SignedSerializer

from quilt.config import Settings

log = structlog.get_logger("quilt.jobs")

NAME = "quilt"


@dataclass(frozen=True)
class Job:
    """What a task is given besides its ids: settings, time and chance, and whether the worker is going home."""

    settings: Settings
    now: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    is_stopping: Callable[[], bool] = lambda: False


class Task:
    """A function that the worker runs. Call it with a Job and ids to run it here and now."""

    def __init__(self, name: str, function: Callable[..., None]) -> None:
        self.name = name
        self._function = function
        self.__doc__ = function.__doc__

    def __call__(self, job: Job, *ids: int) -> None:
        self._function(job, *ids)

    def later(self, *ids: int) -> None:
        """Ask a worker to run it soon. Never raises: where the queue is away, the sweep finds the row."""
        queue.put(self.name, ids)


@dataclass(frozen=True)
class Periodic:
    """What each worker does every so many seconds. Two workers may do it at the same time."""

    name: str
    seconds: float
    function: Callable[[Job], None]


TASKS: dict[str, Task] = {}
PERIODIC: dict[str, Periodic] = {}


def task(function: Callable[..., None]) -> Task:
    """Register a function `(job, *ids)` by its module and name."""
    registered = Task(_name_of(function), function)
    TASKS[registered.name] = registered
    return registered


def every(seconds: float) -> Callable[[Callable[[Job], None]], Callable[[Job], None]]:
    """Register a function `(job)` that workers run at their start and `seconds` after each run's end."""

    def register(function: Callable[[Job], None]) -> Callable[[Job], None]:
        PERIODIC[_name_of(function)] = Periodic(_name_of(function), seconds, function)
        return function

    return register


def connect(settings: Settings) -> Huey:
    """The queue at `settings.queue`: sqlite:///path, postgresql://… or redis://… (rediss://, unix://)."""
    address = settings.queue
    signed = SignedSerializer(secret=settings.secret_key, salt="quilt.queue")
    scheme = urlsplit(address).scheme.partition("+")[0]
    if scheme == "sqlite":
        return SqliteHuey(NAME, filename=address.partition(":///")[2], results=False, serializer=signed)
    if scheme in ("postgresql", "postgres"):
        dsn = f"postgresql://{address.partition('://')[2]}"
        return PostgresHuey(NAME, dsn=dsn, results=False, serializer=signed)
    if scheme in ("redis", "rediss", "unix"):
        return RedisHuey(NAME, url=address, results=False, serializer=signed)
    raise ValueError(f"QUILT_QUEUE_URL must start with sqlite:, postgresql: or redis:, not {scheme!r}.")


class Queue:
    """This process's connection to the queue, opened at the first use."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._huey: Any = None
        self._call: Any = None
        self._lock = threading.Lock()

    def set_up(self, settings: Settings) -> None:
        """Say where the queue is; the last application made in a process decides."""
        with self._lock:
            self._settings, self._huey = settings, None

    def put(self, name: str, ids: tuple[int, ...]) -> bool:
        """Ask for a task; False where the queue cannot be reached."""
        if self._settings is None:
            return False
        try:
            huey = self._open()
            huey.enqueue(self._call.s(name, ids))
        except Exception:  # any of three stores may fail in its own way; the row is still there
            log.exception("queue_away", task=name)
            return False
        return True

    def take(self) -> tuple[str, tuple[int, ...]] | None:
        """The next call, or None when nothing waits. Raises what the store raises."""
        message = self._open().dequeue()
        return None if message is None else (message.args[0], message.args[1])

    def _open(self) -> Any:
        with self._lock:
            if self._huey is None:
                if self._settings is None:
                    raise RuntimeError("The queue was not set up.")
                huey = connect(self._settings)
                self._call = huey.task(name="call")(_no_one_calls_this)
                self._huey = huey
            return self._huey


queue = Queue()


def _name_of(function: Callable[..., None]) -> str:
    return f"{function.__module__.removeprefix('quilt.')}.{function.__name__}"


def _no_one_calls_this(_name: str, _ids: tuple[int, ...]) -> None:
    raise RuntimeError("Calls are taken by Queue.take and run by the worker.")
