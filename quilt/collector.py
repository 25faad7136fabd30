"""Python's collector of reference cycles, which would look through everything that is loaded again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collector() -> Iterator[None]:
    """Let no search for cycles begin within.

    Ten thousand rows, or a thousand modules, make it look through everything in the process again and again, which
    took a quarter of a fold of 10,000 and of a start; rows and modules that stay are no cycles to be freed. It counts
    for all threads: where two pause at once, the first to have come ends the pause for both, which costs the other
    only time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def rest_collector() -> None:
    """What is there now stays: the collector need not look at it again, nor as often as it would."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
