"""Processes of a site for the tests, forked from one that has loaded the application: a start takes a tenth of the time.

What they do is what the commands do; the commands themselves, and what a start costs, have tests and benchmarks of
their own, which begin with a new Python.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import quilt.jobs.worker  # noqa: F401
from quilt import cli, serving
from tests import planted_server

COMMANDS = {"quilt.serving": serving.main, "quilt.cli": cli.main, "tests.planted_server": planted_server.main}

serving.load_application()


def run_command(words: list[str], environment: Mapping[str, str], log: Path) -> None:
    """Be `python -m words…` from here on, with this environment and this log."""
    with open(log, "ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    multiprocessing.set_start_method("fork", force=True)  # as in every new Python; it has inherited another
    COMMANDS[words[0]]()
