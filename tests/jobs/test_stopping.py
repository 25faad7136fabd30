"""The worker ends when it is asked to, whatever it does at that moment."""

import secrets
import signal
import threading

import pytest

from quilt.jobs.worker import run_worker


class AskedInTheMiddle(threading.Event):
    """An event during whose wait, while its lock is held, the process is asked to stop."""

    def wait(self, timeout=None):
        """Be interrupted where the main thread waits; the others wait as ever."""
        if threading.current_thread() is not threading.main_thread():
            return super().wait(timeout)
        with self._cond:
            signal.raise_signal(signal.SIGTERM)
        return self.is_set()


@pytest.fixture
def handlers():
    """Puts this process's handlers back after the test."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_signal_that_comes_while_the_main_thread_holds_the_lock_of_the_event_ends_it(app, now, monkeypatch):
    monkeypatch.setattr("quilt.jobs.worker.PERIODIC", {})
    stop = AskedInTheMiddle()  # an event that a handler sets would hold this test up for ever
    run_worker(app, stop, lambda: now, secrets.token_bytes, threads=1)
    assert stop.is_set()
