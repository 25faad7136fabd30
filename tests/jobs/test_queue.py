"""The queue is a hint: calls come through, and losing them raises nothing."""

import dataclasses
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from quilt.config import Settings
from quilt.jobs.queue import PERIODIC, TASKS, Job, Queue, connect, every, task
from quilt.jobs.worker import run_call, run_worker

seen: list[tuple[int, ...]] = []


@task
def note_ids(job: Job, *ids: int) -> None:
    seen.append(ids)


@task
def always_fails(job: Job) -> None:
    raise OSError("no room left")


def make_queue(tmp_path: Path, address: str = "") -> Queue:
    queue = Queue()
    queue.set_up(Settings(environment="test", data=tmp_path, queue_url=address))
    return queue


def test_a_call_comes_out_as_it_went_in(tmp_path: Path) -> None:
    queue = make_queue(tmp_path)
    assert queue.put("a", (1, 2)) and queue.put("b", ())
    assert [queue.take(), queue.take(), queue.take()] == [("a", (1, 2)), ("b", ()), None]


def test_calls_cross_to_another_process_connection(tmp_path: Path) -> None:
    make_queue(tmp_path).put("a", (7,))
    assert make_queue(tmp_path).take() == ("a", (7,))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # huey leaves its LISTEN open
def test_postgresql_carries_calls_too(tmp_path: Path, postgresql_url: str) -> None:
    queue = make_queue(tmp_path, postgresql_url)
    assert queue.put("a", (3,))
    assert queue.take() == ("a", (3,))


def test_a_queue_that_is_away_is_no_error(tmp_path: Path) -> None:
    assert make_queue(tmp_path, f"sqlite:///{tmp_path}/missing/queue.db").put("a", (1,)) is False
    assert Queue().put("a", (1,)) is False


def test_a_message_signed_with_another_secret_is_not_unpickled(tmp_path: Path) -> None:
    make_queue(tmp_path).put("a", (1,))
    stranger = Queue()
    stranger.set_up(Settings(environment="test", data=tmp_path, secret_key="somebody else's"))
    with pytest.raises(ValueError, match="Signature"):
        stranger.take()


def test_an_unknown_kind_of_queue_is_named() -> None:
    with pytest.raises(ValueError, match="amqp"):
        connect(Settings(queue_url="amqp://localhost"))


@pytest.mark.parametrize(
    ("name", "succeeds"), [(note_ids.name, True), (always_fails.name, False), ("nobody.knows", False)]
)
def test_a_failing_call_is_told_and_not_raised(app: Flask, job: Job, name: str, succeeds: bool) -> None:
    assert run_call(app, job, name, ()) is succeeds


def test_a_worker_runs_calls_and_periodic_work_and_stops(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    from quilt.jobs import queue as module

    rounds: list[datetime] = []
    every(0.05)(lambda job: rounds.append(job.now()))
    periodic = [name for name in PERIODIC if "<lambda>" in name]
    before = dict(PERIODIC)
    for name in set(PERIODIC) - set(periodic):
        del PERIODIC[name]
    module.queue.set_up(dataclasses.replace(settings, queue_url=f"sqlite:///{tmp_path}/queue.db"))
    stop = threading.Event()
    instant = datetime(2026, 5, 1, tzinfo=UTC)
    worker = threading.Thread(target=run_worker, args=(app, stop, lambda: instant, bytes))
    seen.clear()
    try:
        worker.start()
        note_ids.later(4, 5)
        deadline = time.monotonic() + 10
        while (len(rounds) < 2 or not seen) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        stop.set()
        worker.join(10)
        PERIODIC.clear()
        PERIODIC.update({name: work for name, work in before.items() if name not in periodic})
        module.queue.set_up(settings)
    assert not worker.is_alive()
    assert seen == [(4, 5)] and rounds[:2] == [instant, instant]
    assert TASKS[note_ids.name] is note_ids
