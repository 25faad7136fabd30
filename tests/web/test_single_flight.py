"""One computation however many wait."""

import threading
import time

import pytest

from quilt.web.pages import Memo
from quilt.web.single_flight import SingleFlight


def crowd(get, count=40):
    """How often something is computed when so many ask at once."""
    computed, gate = [], threading.Barrier(count)

    def compute():
        computed.append(1)
        time.sleep(0.05)
        return len(computed)

    def ask():
        gate.wait()
        answers.append(get(compute))

    answers: list[int] = []
    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == count
    return len(computed)


def test_G18_a_crowd_on_a_cold_start_costs_one_computation():
    flight = SingleFlight()
    assert crowd(lambda compute: flight.get("standings", 5.0, compute)) == 1
    assert crowd(lambda compute: flight.get("standings", 5.0, compute)) == 0


def test_a_memo_would_not_do():
    memo = Memo()
    assert crowd(lambda compute: memo.get("standings", 5.0, compute)) > 1


def test_a_value_that_is_old_is_made_again_once_while_the_others_go_on_with_it():
    flight = SingleFlight()
    assert flight.get("x", 0.01, lambda: "old") == "old"
    time.sleep(0.02)
    assert crowd(lambda compute: flight.get("x", 0.03, compute) and 1) <= 2


def test_nothing_is_kept_without_freshness_and_failures_are_not_kept():
    flight = SingleFlight()
    assert [flight.get("x", 0.0, lambda n=n: n) for n in (1, 2)] == [1, 2]
    with pytest.raises(ZeroDivisionError):
        flight.get("y", 5.0, lambda: 1 // 0)
    assert flight.get("y", 5.0, lambda: 7) == 7
