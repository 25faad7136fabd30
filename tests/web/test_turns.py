"""Only so many requests run at a time, in the order in which they came."""

import threading

from quilt.web.turns import Line, Turns
from tests.waiting import wait_until
from tests.web.test_front import send


def test_only_so_many_requests_run_at_a_time():
    may_end, running, most = threading.Event(), [], []

    def behind(environ, start_response):
        running.append(1)
        most.append(len(running))
        may_end.wait(10)
        running.pop()
        start_response("200 OK", [])
        return []

    turns = Turns(behind, 2)
    threads = [threading.Thread(target=send, args=(turns, "/")) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(running) == 2)
    may_end.set()
    for thread in threads:
        thread.join(10)
    assert len(most) == 6 and max(most) == 2


def test_whoever_waits_longest_is_next():
    line, order = Line(1), []
    line.enter()

    def pass_through(number):
        line.enter()
        order.append(number)
        line.leave()

    threads = [threading.Thread(target=pass_through, args=(number,)) for number in range(8)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        wait_until(lambda number=number: len(line._waiting) == number)
    line.leave()
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))
