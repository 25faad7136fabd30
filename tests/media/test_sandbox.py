"""Limits of time, memory, output and reach, each with a program that tries to pass it."""

import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest

from quilt.media.sandbox import OutOfRoom, OutOfTime, private_folder, run_limited

MEGABYTE = 1024**2
LIMITS = {"wall_s": 10.0, "cpu_s": 5, "memory_bytes": 512 * MEGABYTE, "output_bytes": MEGABYTE}


def run_python(code, folder, **changes):
    return run_limited([sys.executable, "-I", "-S", "-c", code], cwd=folder, **(LIMITS | changes))


def test_a_good_program_is_heard(tmp_path):
    finished = run_python("import sys; print('hello'); print('oh', file=sys.stderr); sys.exit(3)", tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, b"hello\n", b"oh\n")


def test_lines_come_as_they_are_written(tmp_path):
    lines = []
    run_python("print('a=1'); print('b=2')", tmp_path, on_progress=lines.append)
    assert lines == ["a=1", "b=2"]


def test_no_environment_no_input_and_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QUILT_SECRET_KEY", "do not tell")
    code = "import os, sys; print(sorted(set(os.environ) - {'LC_CTYPE'}), sys.stdin.read(), os.getcwd())"
    finished = run_python(code, tmp_path)
    assert finished.stdout.decode().split() == ["[]", str(tmp_path)]


def test_what_waits_for_ever_is_ended(tmp_path):
    start = time.monotonic()
    with pytest.raises(OutOfTime):
        run_python("import time; time.sleep(60)", tmp_path, wall_s=0.4)
    assert time.monotonic() - start < 3


def test_what_closes_its_streams_and_waits_is_ended_too(tmp_path):
    with pytest.raises(OutOfTime):
        run_python("import os, time; os.close(1); os.close(2); time.sleep(60)", tmp_path, wall_s=0.4)


def test_what_computes_for_ever_is_ended(tmp_path):
    with pytest.raises(OutOfTime, match="processor"):
        run_python("while True: pass", tmp_path, cpu_s=1)


CHILD = """
import subprocess, sys, time
child = subprocess.Popen(["/bin/sleep", "60"], stdout=%s, stderr=%s)
print(child.pid, flush=True)
%s
"""


@pytest.mark.parametrize(
    ("streams", "ending", "in_time"),
    [("None", "child.wait()", False), ("None", "", False), ("subprocess.DEVNULL", "", True)],
    ids=["the job waits for it", "it holds the job's streams", "it hides"],
)
def test_children_end_with_the_job(tmp_path, streams, ending, in_time):
    lines = []
    with nullcontext() if in_time else pytest.raises(OutOfTime):
        run_python(CHILD % (streams, streams, ending), tmp_path, wall_s=0.8, on_progress=lines.append)
    assert len(lines) == 1 and is_gone(int(lines[0]))


def test_memory_is_bounded(tmp_path):
    code = f"print(len(bytearray({300 * MEGABYTE})))"
    assert run_python(code, tmp_path).returncode == 0
    finished = run_python(code, tmp_path, memory_bytes=200 * MEGABYTE)
    assert finished.returncode != 0 and b"MemoryError" in finished.stderr


def test_files_are_bounded(tmp_path):
    default = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)"
    code = f"{default}; open('big', 'wb').write(bytes({2 * MEGABYTE}))"
    with pytest.raises(OutOfRoom):
        run_python(code, tmp_path)
    assert (tmp_path / "big").stat().st_size <= MEGABYTE


def test_open_files_are_bounded_and_no_core_is_left(tmp_path):
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CORE))"
    assert run_python(code, tmp_path).stdout == b"(64, 64) (0, 0)\n"


def test_endless_talk_is_cut(tmp_path):
    finished = run_python(f"import sys; sys.stdout.write('x' * {3 * MEGABYTE} + 'end')", tmp_path)
    assert len(finished.stdout) < MEGABYTE and finished.stdout.endswith(b"end")


def test_a_program_that_is_not_there_is_a_failed_job(tmp_path):
    finished = run_limited([str(tmp_path / "nothing")], cwd=tmp_path, **LIMITS)
    assert finished.returncode != 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_job_ends_with_a_killed_worker(tmp_path):
    worker_code = f"""
from pathlib import Path
from quilt.media.sandbox import run_limited
run_limited(["/bin/sh", "-c", "echo $$ > pid; exec /bin/sleep 60"], cwd=Path({str(tmp_path)!r}), **{LIMITS!r})
"""
    worker = subprocess.Popen([sys.executable, "-c", worker_code])
    pid_file = tmp_path / "pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text().strip())
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert is_gone(int(pid_file.read_text()))


def test_a_private_folder_is_private_and_goes(tmp_path):
    with private_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "left").write_text("behind")
    assert list(tmp_path.iterdir()) == []


def test_a_private_folder_goes_after_an_error_too(tmp_path):
    with pytest.raises(ValueError), private_folder(tmp_path) as folder:
        (folder / "left").write_text("behind")
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def is_gone(pid):
    """True once the process has ended; a zombie that nobody collects counts as ended."""

    def ended():
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[0] in "ZX"
        except FileNotFoundError:
            return True

    return wait_until(ended)


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
