"""Tallies wait a second in the process, and none is lost or doubled on the way."""

import threading

from sqlalchemy.exc import OperationalError

from quilt.web.tallies import MOST_WAITING, TallyBuffer


class Shelf:
    """Where the counts go; away for the first `failures` times."""

    def __init__(self, failures=0):
        self.counts, self.writes, self.failures = {}, 0, failures

    def save(self, counts):
        if self.failures:
            self.failures -= 1
            raise OperationalError("UPDATE", {}, Exception("away"))
        self.writes += 1
        for entry_id, times in counts.items():
            self.counts[entry_id] = self.counts.get(entry_id, 0) + times


def test_many_pages_at_once_become_few_writes_and_no_count_is_lost():
    shelf = Shelf()
    buffer = TallyBuffer(shelf.save, delay=0.05)

    def show():
        for _ in range(500):
            buffer.add([1, 2, 3])

    threads = [threading.Thread(target=show) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.flush()
    assert shelf.counts == {1: 4000, 2: 4000, 3: 4000}
    assert 1 <= shelf.writes < 100


def test_they_are_written_without_another_page():
    written = threading.Event()
    buffer = TallyBuffer(lambda counts: written.set(), delay=0.02)
    buffer.add([7])
    assert written.wait(5)


def test_without_a_delay_they_are_written_at_once():
    shelf = Shelf()
    TallyBuffer(shelf.save, delay=0).add([7, 8])
    assert shelf.counts == {7: 1, 8: 1}


def test_while_the_database_is_away_they_wait():
    shelf = Shelf(failures=2)
    buffer = TallyBuffer(shelf.save, delay=0)
    for _ in range(3):
        buffer.add([7])
    assert shelf.counts == {7: 3}


def test_a_flood_of_different_things_fills_no_memory():
    shelf = Shelf()
    buffer = TallyBuffer(shelf.save, delay=60)
    buffer.add(range(MOST_WAITING + 5))
    buffer.add([7, MOST_WAITING])
    buffer.flush()
    assert len(shelf.counts) == MOST_WAITING and shelf.counts[7] == 2 and MOST_WAITING not in shelf.counts
