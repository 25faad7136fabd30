"""Python's collector of reference cycles, paused while a fold or a recount holds many rows."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collector() -> Iterator[None]:
    """Let no search for cycles begin within.

    Ten thousand rows make it look through everything in the process again and again, which took a quarter of
    a fold of 10,000; rows hold no cycles and go by themselves. It counts for all threads: where two pause at
    once, the first to have come ends the pause for both, which costs the other only time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
