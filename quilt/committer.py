"""The writer process of a server: it commits for all workers, everything that waits in one transaction.

It is forked from the server, as the workers are, once that has loaded the application: so it is there at once, also
when it has to be started again, and shares what is loaded with them.
"""

import json
import multiprocessing
import os
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from quilt.config import Settings
from quilt.database import choose_options, prepare_engine
from quilt.writer import MOST_BYTES, PATIENCE, pack_outcomes, pack_pieces, unpack_pieces
from quilt.writing import BATCH, Committer

ADDRESS = "QUILT_WRITER"  # where the writer of this server listens; set by `quilt serve` for its workers
_room = bytearray(MOST_BYTES)
REST = 0.5  # seconds before a writer that ended is started again
CHECK = 5.0  # seconds between two looks whether it answers
HUNG = (
    PATIENCE + CHECK
)  # seconds without an answer after which it is killed: whoever waited has given up by then
NAME = "quilt-writer"  # of its process, as `ps -e` and /proc tell it
_fork = multiprocessing.get_context("fork")


@contextmanager
def keep_writer(settings: Settings) -> Iterator[None]:
    """Run a writer process, again where it ends, and tell child processes where it listens."""
    with tempfile.TemporaryDirectory(prefix="quilt-writer-") as folder:
        address = str(Path(folder, "socket"))
        keeper = _Keeper(settings.database, address)
        os.environ[ADDRESS] = address
        try:
            yield
        finally:
            del os.environ[ADDRESS]
            keeper.end()


def run_writer(engine: Engine, address: str, lifeline: int) -> None:
    """Commit what comes over the socket at `address` until nobody holds the other end of the pipe `lifeline`.

    That is the server, and those workers that were forked after this process was.
    """
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # the workers end first, and need it until then
    with (
        selectors.DefaultSelector() as selector,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door,
    ):
        committer = Committer(engine)
        Path(address).unlink(missing_ok=True)
        door.bind(address)
        door.listen(512)
        selector.register(door, selectors.EVENT_READ)
        selector.register(lifeline, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            messages = [message for fileobj in ready if (message := _receive(fileobj, door, selector))]
            group = [piece for message in messages for piece in message.pieces]
            for start in range(0, len(group), BATCH):
                committer.commit(group[start : start + BATCH])
            for message in messages:
                message.answer()
            if lifeline in ready and not messages:
                return


class _Message:
    """What a worker sent: pieces to commit, whose outcomes go back where they came from."""

    def __init__(self, connection: socket.socket, message: memoryview) -> None:
        self._socket = connection
        self.pieces = unpack_pieces(message)

    def answer(self) -> None:
        try:
            self._socket.send(pack_outcomes(self.pieces))
        except OSError:
            pass  # the worker was killed: what it asked for is committed all the same, and its end is read next


class _Keeper:
    """Starts the writer, and starts it again where it ends before it should, or does not answer."""

    def __init__(self, database: str, address: str) -> None:
        self._database, self._address = database, address
        self._is_over = False
        self._lock = threading.Lock()
        self._process, self._lifeline = self._start()
        self._thread = threading.Thread(target=self._watch, name="writer-keeper", daemon=True)
        self._thread.start()

    def end(self) -> None:
        with self._lock:
            self._is_over = True
        os.close(self._lifeline)
        self._thread.join(PATIENCE)  # which waits for the process
        if self._thread.is_alive():  # it hangs at a database that does not answer
            self._process.kill()
            _tell("writer_killed", f"it did not end within {PATIENCE:.0f} s")
            self._thread.join()

    def _start(self) -> tuple[multiprocessing.process.BaseProcess, int]:
        """The writer, and the end of a pipe that it lives on."""
        theirs, ours = os.pipe()
        process = _fork.Process(target=_become_writer, args=(self._database, self._address, theirs, ours))
        try:
            process.start()
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return process, ours

    def _watch(self) -> None:
        while not self._is_over:
            self._process.join(CHECK)
            if self._process.is_alive():
                self._kill_if_it_hangs()
            elif not self._is_over:
                _tell("writer_ended", f"status {self._process.exitcode}; it is started again")
                time.sleep(REST)
                with self._lock:
                    if not self._is_over:
                        self._start_again()
        self._process.join()

    def _kill_if_it_hangs(self) -> None:
        if is_silent(self._address) and not self._is_over:
            _tell("writer_hangs", f"it has not answered for {HUNG:.0f} s, and is killed")
            self._process.kill()

    def _start_again(self) -> None:
        try:
            started = self._start()
        except OSError as error:  # no memory, or no number, for another process: the next turn tries again
            _tell("writer_not_started", str(error))
            return
        os.close(self._lifeline)
        self._process, self._lifeline = started


def is_silent(address: str) -> bool:
    """Whether the writer at this address lets one in and then says nothing for as long as it may take.

    One that cannot be reached is not: it begins, or has ended, and the workers commit by themselves.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(HUNG)
        try:
            connection.connect(address)
            connection.send(pack_pieces([]) or b"")
            connection.recv(MOST_BYTES)
        except TimeoutError:
            return True
        except OSError:
            pass
    return False


def _receive(fileobj: Any, door: socket.socket, selector: selectors.BaseSelector) -> _Message | None:
    if fileobj is door:
        connection, _ = door.accept()
        selector.register(connection, selectors.EVENT_READ)
        return None
    if not isinstance(fileobj, socket.socket):
        return None
    try:
        length = fileobj.recv_into(_room)
    except OSError:
        length = 0
    if length:
        try:
            return _Message(fileobj, memoryview(_room)[:length])
        except Exception:  # noqa: BLE001 whatever is wrong with one message harms no other
            _tell("message_unreadable", traceback.format_exc())
    selector.unregister(fileobj)
    fileobj.close()
    return None


def _plan_once(raw: Any, _record: Any) -> None:
    """Have PostgreSQL plan each statement once, and by its indexes: it would plan a group anew each time, for its
    number of rows, and that costs as much as running it."""
    for name, value in (("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")):
        raw.execute(f"SET {name} = {value}")
    raw.commit()


def _tell(what: str, words: str) -> None:
    """One line of the log about what should not have happened, in the shape that all have."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"at": at, "event": what, "level": "error", "message": words}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def _become_writer(database: str, address: str, lifeline: int, other_end: int) -> None:
    """What the process does that was forked to be the writer. Raises SystemExit where it fails, and says why in one line."""
    os.close(other_end)
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/comm").write_text(NAME)
    engine = create_engine(database, **choose_options(database))
    prepare_engine(engine)
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _plan_once)
    try:
        run_writer(engine, address, lifeline)
    except Exception:  # noqa: BLE001 it ends here
        _tell("writer_failed", traceback.format_exc())
        sys.exit(1)
