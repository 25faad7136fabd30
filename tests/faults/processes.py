"""The processes of a running site, as /proc tells of them."""

import re
from pathlib import Path

from quilt.committer import NAME

_TOLD = re.compile(r"(Spawning|Started) worker-(\d+)(?: with PID: (\d+))?")
HAS_PROC = Path("/proc/self").exists()


def list_workers(server: int) -> list[int]:
    """Its worker processes, in ascending order."""
    return [child for child in list_children(server) if not _is_writer(child)]


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
    return next(filter(_is_writer, list_children(server)), None)


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


def _is_writer(process: int) -> bool:
    try:
        return (_place(process) / "comm").read_text().strip() == NAME
    except OSError:
        return False
