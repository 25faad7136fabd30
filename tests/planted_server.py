"""Serves an application with a planted flaw as our own server would: usage: python -m tests.planted_server MODULE PORT WORKERS"""

import importlib
import sys

from granian import Granian
from granian.constants import Interfaces

from quilt.serving import Starts, load_application


def main() -> None:
    module, port, workers = sys.argv[1:]
    importlib.import_module(module)  # before the rest, which takes what it has put into its place
    load_application()  # once for all workers, which are forked from here
    server = Granian(
        f"{module}:build_app",
        factory=True,
        interface=Interfaces.WSGI,
        address="127.0.0.1",
        port=int(port),
        workers=int(workers),
        blocking_threads=8,
        respawn_failed_workers=True,
    )
    server.respawned_wrks = Starts()
    server.serve()


if __name__ == "__main__":
    main()
