"""Sixteen people at a time who vote until they are told that it is kept, and a journal of what they were told.

Run as a program of its own: it reads JSON from standard input, appends a line "voter receipt" to the journal for each
vote that was acknowledged, and prints what it met. A vote whose answer never came, or was 503, is sent again with the
same Idempotency-Key, as the page does.
"""

import http.client
import json
import os
import sys
import threading
import time
import urllib.parse
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quilt.web.tickets import issue_ticket

CLIENTS = 16
ACKNOWLEDGED = (200, 201)
AGAIN = (409, 503)  # its first request is still running; out of breath
PATIENCE = 20.0  # seconds for one answer


class Clients:
    """All of them; `told` is what they were asked to do (see `main`)."""

    def __init__(self, told: dict[str, Any], journal: Path) -> None:
        self._told = told
        self._journal = os.open(journal, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._until = time.monotonic() + told["patience"]
        self._lock = threading.Lock()
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []

    def run(self) -> None:
        """Let everybody vote, and come back when they have, or when their patience is at its end."""
        voters = self._told["voters"]
        threads = [
            threading.Thread(target=self._press, args=(voters[first::CLIENTS],)) for first in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _press(self, mine: list[tuple[int, str]]) -> None:
        connection = self._connect()
        for voter, cookie in mine:
            began = time.monotonic()
            while time.monotonic() < self._until:
                try:
                    status, receipt = self._post(connection, voter, cookie)
                except (OSError, http.client.HTTPException):
                    status, receipt = 0, ""
                    connection.close()
                    connection = self._connect()
                with self._lock:
                    self.statuses[str(status or "broken")] += 1
                if status in ACKNOWLEDGED:
                    self.seconds.append(time.monotonic() - began)
                    os.write(self._journal, f"{voter} {receipt}\n".encode())
                    os.fsync(self._journal)  # it survives what the votes have to survive
                    break
                if status and status not in AGAIN:
                    break
                time.sleep(0.1)
            time.sleep(self._told["breath"])
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._told["port"], timeout=PATIENCE)

    def _post(self, connection: http.client.HTTPConnection, voter: int, cookie: str) -> tuple[int, str]:
        entry = self._told["entry"]
        ticket = issue_ticket(entry, str(voter), self._told["secret"], datetime.now(UTC), os.urandom)
        headers = {
            "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
            "User-Agent": f"Mozilla/5.0 (X11; Linux) Firefox/{voter}", "Idempotency-Key": f"storm-{voter}",
        }  # fmt: skip
        body = urllib.parse.urlencode({"ticket": ticket})
        connection.request("POST", f"/entries/{entry}/vote", body, headers)
        with connection.getresponse() as response:
            answer = response.read()
            if response.status in ACKNOWLEDGED:
                return response.status, str(json.loads(answer)["receipt"])
            return response.status, ""


def main() -> None:
    clients = Clients(json.load(sys.stdin), Path(sys.argv[1]))
    clients.run()
    waits = sorted(clients.seconds) or [0.0]
    longest = {"p50": waits[len(waits) // 2], "p99": waits[len(waits) * 99 // 100], "longest": waits[-1]}
    print(json.dumps({"statuses": clients.statuses, **longest}))


if __name__ == "__main__":
    main()
