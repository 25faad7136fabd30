"""The bootstrap: which Python it takes, what it says when there is none, and when it has nothing to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quilt.config import ROOT
from scripts import set_up

MODERN = f'exec {sys.executable} "$@"'
OLD = 'echo "Python 3.9.1"; exit 1'
# A Python that knows venv, but has neither ensurepip nor pip: Debian's without python3-venv.
BARE = f'case "$2" in *pip*) exit 1;; esac; exec {sys.executable} "$@"'


def find_python(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """Run the search with these programs in PATH and nothing else but the shell's own."""
    for name, script in pythons.items():
        program = folder / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "find_python.sh")],
        env={"PATH": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pythons", "found"),
    [
        ({"python3": MODERN}, "python3"),
        ({"python": MODERN}, "python"),
        ({"python3": OLD, "python3_12": MODERN}, "python3.12"),
        ({"python3": BARE, "python3_13": MODERN}, "python3.13"),
    ],
)
def test_a_python_that_works_is_taken(tmp_path: Path, pythons: dict[str, str], found: str) -> None:
    done = find_python(tmp_path, **pythons)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / found}\n"), done.stderr


@pytest.mark.parametrize(
    ("pythons", "words"),
    [
        ({}, "there is none in PATH"),
        ({"python3": OLD}, "the newest one found is not (Python 3.9.1)"),
        ({"python3": BARE}, "apt install python3-venv"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, pythons: dict[str, str], words: str) -> None:
    done = find_python(tmp_path, **pythons)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_it_needs_the_standard_library_alone() -> None:
    for script in ("set_up.py", "build_static.py"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(ROOT / 'scripts' / script)!r})"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_this_environment_is_its_own() -> None:
    assert set_up.is_own_environment()


def test_a_moved_environment_is_made_anew(tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    (moved / "bin").mkdir(parents=True)
    (moved / "pyvenv.cfg").write_text((set_up.VENV / "pyvenv.cfg").read_text())
    (moved / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (moved / "bin" / "pip").write_text((set_up.VENV / "bin" / "pip").read_text())
    (moved / "lib").symlink_to(set_up.VENV / "lib")
    assert not set_up.is_own_environment(moved)
    assert not set_up.is_own_environment(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("stamp", "with_dev", "is_left_out"),
    [
        ({}, False, False),
        ({}, True, False),
        ({"packages": "this lock"}, False, True),
        ({"packages": "this lock"}, True, False),
        ({"packages": "another", "dev": "this lock"}, True, True),
        ({"packages": "another", "dev": "this lock"}, False, True),
        ({"packages": "another", "dev": "another"}, False, False),
        ({"packages": "this lock", "dev": "another"}, True, False),
    ],
)
def test_what_did_not_change_is_left_out(stamp: dict[str, str], with_dev: bool, is_left_out: bool) -> None:
    assert set_up.has_packages(stamp, "this lock", with_dev) == is_left_out


def test_the_pinned_uv_is_the_one_here() -> None:
    version = subprocess.run([set_up.UV, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.split()[1] == set_up.UV_VERSION


def test_make_help_lists_what_there_is() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "sure", "bench", "screens", "help"):
        assert f"make {target} " in listed
    done = subprocess.run(
        ["make", "-n", "demo", "PORT=8123", "HOST=0.0.0.0"], cwd=ROOT, capture_output=True, text=True,
        check=True, env={**os.environ, "MAKEFLAGS": ""},
    )  # fmt: skip
    assert '.venv/bin/quilt demo --host "0.0.0.0" --port "8123"' in done.stdout
