"""Whoever writes a line of the log writes it in one shape: when, what, how grave."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

WRITERS = """
import logging.config, structlog
from quilt.committer import _tell
from quilt.serving import LOGGING
from quilt.web.requests_log import log_request, set_up_logging
set_up_logging()
structlog.get_logger("quilt").warning("an_event", video_id=3)
log_request("GET", "/", 200, 0.0, "abc")
_tell("writer_ended", "status 1")
logging.config.dictConfig(LOGGING)
logging.getLogger("_granian").warning("Started worker-1")
"""


def test_every_line_says_when_what_and_how_grave():
    done = subprocess.run(
        [sys.executable, "-c", WRITERS], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {(line["event"], line.get("level")) for line in lines} == {
        ("an_event", "warning"),
        ("request", "info"),
        ("writer_ended", "error"),
        ("server", "warning"),
    }
    assert all(datetime.fromisoformat(line["at"]).utcoffset() == timedelta(0) for line in lines)


STALLED = """
import threading, time
from quilt.web.requests_log import BatchedLines
class Stalled:
    def write(self, text): threading.Event().wait()
    def flush(self): pass
lines = BatchedLines(Stalled(), 0.01)
lines.add("first"); time.sleep(0.2)
for number in range(50_000): lines.add("line")
print(len(lines._lines))
import os; os._exit(0)
"""


def test_where_nobody_reads_the_log_no_request_waits():
    done = subprocess.run(
        [sys.executable, "-c", STALLED], capture_output=True, text=True, check=True, timeout=60
    )
    assert 0 < int(done.stdout) <= 20_000
