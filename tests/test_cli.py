"""The quilt command, as an operator runs it: each subcommand in processes of its own, its other cases in this one."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from quilt.cli import main
from quilt.database import close_writers
from quilt.jobs.queue import queue
from quilt.serving import AddressTaken, check_free

Start = Callable[..., subprocess.CompletedProcess[str]]


def quilt(*arguments: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quilt.cli", *arguments],
        env={**environment_of(data), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def command(*arguments: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own: a start takes a second or two."""
    theirs = dict.fromkeys((name for name in os.environ if name.startswith("QUILT_")), None)
    ours = {"QUILT_ENV": "development", "QUILT_DATA": str(data), **environment}
    earlier = queue._settings
    done = CliRunner().invoke(main, arguments, env={**theirs, **ours}, prog_name="quilt")
    close_writers()
    if earlier is not None:
        queue.set_up(earlier)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def environment_of(data: Path, **environment: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("QUILT_")}
    return {**bare, "QUILT_ENV": "development", "QUILT_DATA": str(data), **environment}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    done = quilt("db", "upgrade", data=folder)
    assert (done.returncode, done.stdout) == (0, "The database is current.\n"), done.stderr
    return folder


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    """A folder of one's own whose tables are there."""
    return shutil.copytree(migrated, tmp_path / "data")


@pytest.fixture
def server(data: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    port = free_port()
    serve = [sys.executable, "-m", "quilt.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(
        serve, env=environment_of(data), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_for_answer(port)
        yield process, port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < deadline, "the server did not answer"
            time.sleep(0.1)


def test_nothing_starts_before_the_tables_are_there(tmp_path: Path) -> None:
    for name in ("serve", "worker"):
        done = quilt(name, data=tmp_path)
        assert done.returncode == 1
        assert "Run: quilt db upgrade" in done.stderr
    assert command("db", "current", data=tmp_path).returncode == 1


def test_production_refuses_a_default_secret(tmp_path: Path) -> None:
    done = command("db", "upgrade", data=tmp_path, QUILT_ENV="production")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Set QUILT_SECRET_KEY")


@pytest.mark.parametrize(
    ("start", "settings", "words"),
    [
        (
            quilt,
            {"QUILT_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"},
            "Error: The database cannot be used",
        ),
        (command, {"QUILT_DATA": "/proc/nowhere"}, "/proc/nowhere"),
        (command, {"QUILT_PROXIES": "many"}, "Error: QUILT_PROXIES='many' cannot be read"),
    ],
)
def test_what_an_operator_can_mend_is_one_line(
    tmp_path: Path, start: Start, settings: dict[str, str], words: str
) -> None:
    done = start("db", "current", data=tmp_path, **settings)
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr


def test_a_data_folder_may_be_relative(tmp_path: Path) -> None:
    here = os.path.relpath(tmp_path)
    assert command("db", "upgrade", data=Path(here) / "data").returncode == 0
    assert (tmp_path / "data" / "quilt.db").exists()


def test_down_and_up_again(data: Path) -> None:
    done = quilt("db", "downgrade", "base", "--yes", data=data)
    assert (done.returncode, done.stdout) == (0, "The database is behind.\n"), done.stderr
    assert command("db", "upgrade", data=data).returncode == 0
    assert quilt("db", "current", data=data).stdout == "The database is current.\n"


def test_people_are_promoted(data: Path) -> None:
    done = command("user", "promote", "ana@example.org", data=data)
    assert (done.returncode, "They can sign in once, or add --create." in done.stderr) == (1, True)
    done = command("user", "promote", "not an address", "--create", data=data)
    assert (done.returncode, done.stderr) == (1, "Error: not an address is not an e-mail address.\n")
    for start, role in ((quilt, "moderator"), (command, "admin")):
        done = start("user", "promote", "ana@example.org", "--role", role, "--create", data=data)
        assert (done.returncode, done.stdout) == (0, f"ana@example.org is {role} now.\n"), done.stderr


def test_a_lost_second_factor_is_taken_off(data: Path) -> None:
    assert command("user", "promote", "mo@example.org", "--create", data=data).returncode == 0
    done = quilt("user", "reset-factors", "MO@example.org", data=data)
    assert (done.returncode, done.stdout.startswith("mo@example.org has no second factor now")) == (0, True)
    done = command("user", "reset-factors", "nobody@example.org", data=data)
    assert (done.returncode, "Nobody here has the address" in done.stderr) == (1, True)


def test_the_audit_says_how_much_it_looked_at(data: Path) -> None:
    done = command("audit", data=data)
    assert (done.returncode, "0 differences." in done.stdout) == (0, True), done.stderr
    assert command("audit", "--at-least", "1", data=data).returncode == 1, (
        "constraints are in an empty one too"
    )
    with closing(sqlite3.connect(data / "quilt.db")) as connection:
        connection.execute(
            "INSERT INTO entry_tally (entry_id, contest_id, standing, held, rejected, withdrawn) VALUES (7, 7, 3, 0, 0, 0)"
        )
        connection.commit()
    done = quilt("audit", data=data)
    assert done.returncode == 1
    assert "entry 7: the counter of standing votes says 3, there are 0" in done.stdout
    assert "entry_tally row 7 points at a row that" in done.stdout


def test_a_taken_port_is_said_and_the_server_ends_cleanly_when_asked(
    server: tuple[subprocess.Popen, int], data: Path
) -> None:
    process, port = server
    done = quilt("serve", "--port", str(port), data=data)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: 127.0.0.1:{port} cannot be used")

    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert "Traceback" not in log
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_a_server_that_is_still_starting_ends_when_asked(data: Path) -> None:
    serve = [sys.executable, "-m", "quilt.cli", "serve", "--port", str(free_port())]
    process = subprocess.Popen(serve, env=environment_of(data), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        next(
            line for line in process.stderr if "spa" in line
        )  # the server's first words: its workers are forked now
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode in (0, 1)


def test_ctrl_c_which_reaches_every_process_ends_it_soon(server: tuple[subprocess.Popen, int]) -> None:
    process, _ = server
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 0


def test_a_worker_whose_server_was_killed_before_it_began_ends(data: Path) -> None:
    begins = "import time\nfrom quilt.serving import build_app\nbuild_app()\ntime.sleep(60)"
    gone = subprocess.Popen(["true"])
    gone.wait()
    worker = [sys.executable, "-c", begins]
    environment = {**environment_of(data), "QUILT_SERVER": str(gone.pid)}
    done = subprocess.run(worker, env=environment, timeout=30, check=False)
    assert done.returncode == -signal.SIGTERM


def test_a_killed_server_leaves_nobody_at_its_address(server: tuple[subprocess.Popen, int]) -> None:
    process, port = server
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while is_taken(port):
        assert time.monotonic() < deadline, "its workers answer on"
        time.sleep(0.1)


def is_taken(port: int) -> bool:
    try:
        check_free("127.0.0.1", port)
    except AddressTaken:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_cleanly_when_asked(data: Path, number: int) -> None:
    worker = [sys.executable, "-m", "quilt.cli", "worker"]
    process = subprocess.Popen(worker, env=environment_of(data), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "worker_started" in process.stderr.readline()
        process.send_signal(number)
        log = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, "worker_stopped" in log) == (0, True), log
