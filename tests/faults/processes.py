"""The processes of a running site, as /proc tells of them."""

import re
from pathlib import Path

_TOLD = re.compile(r"(Spawning|Started) worker-(\d+)(?: with PID: (\d+))?")
HAS_PROC = Path("/proc/self").exists()


def find_server(port: int) -> int:
    """The process id of the server that was started for this port; its workers, forked from it, are called alike."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        words = _read_words(process)
        if str(port) in words and ("quilt.serving" in words or "tests.planted_server" in words):
            found.add(int(process.name))
    children = {child for process in found for child in list_children(process)}
    for process in found - children:
        return process
    raise LookupError(port)


def list_workers(server: int) -> list[int]:
    """Its worker processes, in ascending order."""
    return [child for child in list_children(server) if "quilt.committer" not in _read_words(_place(child))]


def list_ready_workers(server: int, log: Path) -> list[int]:
    """Those that have begun to answer, as the server's log tells."""
    told: dict[str, int] = {}
    ready = set()
    for event, worker, process in _TOLD.findall(log.read_text(errors="replace")):
        if event == "Spawning":
            told[worker] = int(process)
        elif worker in told:
            ready.add(told[worker])
    return [worker for worker in list_workers(server) if worker in ready]


def find_writer(server: int) -> int | None:
    """Its writer process; None for a moment after it was killed."""
    writers = (child for child in list_children(server) if "quilt.committer" in _read_words(_place(child)))
    return next(writers, None)


def _place(process: int) -> Path:
    return Path("/proc", str(process))


def list_children(parent: int) -> list[int]:
    """The processes that this one has started, in ascending order."""
    children = set()
    for thread in _place(parent).glob("task/*/children"):
        try:
            children.update(map(int, thread.read_text().split()))
        except OSError:
            continue  # the thread has ended meanwhile
    return sorted(children)


def _read_words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
