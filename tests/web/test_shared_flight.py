"""One computation a second for five hundred who wait, in two processes, with nothing kept yet."""

import itertools
import multiprocessing
import os
import threading
import time
from pathlib import Path

from quilt.web.shared_flight import SharedFlight

SECONDS = 2.5
CLIENTS = 250  # in each of two processes


def ask_again_and_again(folder: Path, log: Path, begin, answers, is_shared=True) -> None:
    """A process in which many threads ask until the time is over; every computation writes a line."""
    flight, counts = SharedFlight("counts"), []

    def compute() -> bytes:
        with open(log, "ab", buffering=0) as file:
            file.write(b"%f\n" % time.monotonic())
        time.sleep(0.02)
        return b"%f" % time.time()

    def ask() -> None:
        begin.wait()
        until, count = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            told = flight.get("spring", 1.0, folder if is_shared else folder / str(os.getpid()), compute)
            assert time.time() - float(told) < 2.5
            count += 1
            time.sleep(0.02)
        counts.append(count)

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(counts)


def crowd(folder: Path, is_shared: bool) -> list[float]:
    """The moments at which something was computed while both processes asked."""
    context = multiprocessing.get_context("fork")
    log, begin, answers = folder / "log", context.Barrier(2 * CLIENTS), context.Queue()
    processes = [
        context.Process(target=ask_again_and_again, args=(folder, log, begin, answers, is_shared))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    counts = [count for _ in processes for count in answers.get(timeout=60)]
    for process in processes:
        process.join()
    assert len(counts) == 2 * CLIENTS and min(counts) >= 1
    return [float(line) for line in log.read_text().splitlines()]


def test_G18_five_hundred_who_wait_cost_one_computation_a_second(tmp_path):
    moments = sorted(crowd(tmp_path, is_shared=True))
    assert 2 <= len(moments) <= SECONDS + 1
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(moments))


def test_it_would_be_seen_if_each_process_computed(tmp_path):
    assert len(crowd(tmp_path, is_shared=False)) > SECONDS + 1


def test_a_folder_that_cannot_be_used_costs_a_computation_and_no_answer(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert SharedFlight("x").get("a", 1.0, file, lambda: b"b") == b"b"


def test_nothing_is_kept_without_freshness(tmp_path):
    flight, computed = SharedFlight("x"), iter([b"1", b"2"])
    assert [flight.get("a", 0.0, tmp_path, lambda: next(computed)) for _ in range(2)] == [b"1", b"2"]
    assert list(tmp_path.iterdir()) == []
