"""The worker: takes calls from the queue and does the periodic work, each in a thread with its own session."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import structlog

from quilt.collector import rest_collector
from quilt.jobs.queue import PERIODIC, TASKS, Job, Periodic, queue

log = structlog.get_logger("quilt.jobs")

THREADS = 2
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.5  # seconds between two looks at an empty queue
TURN = 0.0005  # seconds: Python's own 5 ms, a turn for each statement, kept a fold on SQLite's lock 0.45 s beside a batch
PATIENCE = 30.0  # seconds that running work gets to come to its end once the worker is asked to stop


class Application(Protocol):
    """What a worker needs of the application: its settings and a context in which the database is known."""

    extensions: dict[str, Any]

    def app_context(self) -> AbstractContextManager[Any]: ...


def become_worker(
    app: Application, now: Callable[[], datetime], entropy: Callable[[int], bytes], threads: int
) -> None:
    """Have this process work, and do nothing else, until it is asked to stop: `run_worker`, with the whole process's
    collector and turns of threads set for it."""
    rest_collector()
    sys.setswitchinterval(TURN)
    run_worker(app, threading.Event(), now, entropy, threads)


def run_worker(
    app: Application,
    stop: threading.Event,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    threads: int = THREADS,
) -> None:
    """Work until `stop` is set, by the caller or by SIGTERM and SIGINT, then end within `PATIENCE` seconds.

    A video that is being processed is put back unharmed and is not counted as a failure.
    """
    signals = _note_signals()
    job = Job(app.extensions["quilt_settings"], now, entropy, stop.is_set)
    crew = [_thread(f"calls-{number}", _take_calls, app, stop, job) for number in range(threads)]
    crew += [_thread(work.name, _repeat, app, stop, job, work) for work in PERIODIC.values()]
    log.info("worker_started", calls=len(TASKS), periodic=sorted(PERIODIC))
    while not (signals or stop.wait(0.2)):
        continue
    stop.set()
    deadline = time.monotonic() + PATIENCE
    for member in crew:
        member.join(max(0.0, deadline - time.monotonic()))
    log.info("worker_stopped", unfinished=[member.name for member in crew if member.is_alive()])


def run_call(app: Application, job: Job, name: str, ids: tuple[int, ...]) -> bool:
    """Run one task in an application context of its own; False when it failed (which is logged)."""
    known = TASKS.get(name)
    if known is None:
        log.error("unknown_task", task=name)
        return False
    try:
        with app.app_context():
            known(job, *ids)
    except Exception:  # one failing task must not end the worker; the row says what is left to do
        log.exception("task_failed", task=name, ids=ids)
        return False
    return True


def _take_calls(app: Application, stop: threading.Event, job: Job) -> None:
    pause = SHORTEST_PAUSE
    while not stop.is_set():
        try:
            call = queue.take()
        except Exception:  # the store may be away for a while
            log.exception("queue_away")
            stop.wait(1.0)
            continue
        if call is None:
            stop.wait(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
            continue
        pause = SHORTEST_PAUSE
        run_call(app, job, *call)


def _repeat(app: Application, stop: threading.Event, job: Job, work: Periodic) -> None:
    while not stop.is_set():
        try:
            with app.app_context():
                work.function(job)
        except Exception:  # the next round tries again
            log.exception("periodic_work_failed", task=work.name)
        stop.wait(work.seconds)


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    member = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    member.start()
    return member


def _note_signals() -> list[int]:
    """What this process is asked to stop by, once it is.

    A handler runs in the middle of whatever the main thread does: an event that it set there, while that thread held
    the event's own lock, would be waited for without end.
    """
    signals: list[int] = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: signals.append(number))
    return signals
