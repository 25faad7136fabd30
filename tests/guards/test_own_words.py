"""The checkout stands for itself: no path of one machine, no private registry, in anything that is kept."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("work", "root", "Users", r"home/\w+", "srv/build")  # people and machines build in these
MACHINE = re.compile(rf"(?<![\w.])/(?:{'|'.join(FOLDERS)})/|[A-Z]:\\\\Users")
SOURCE = re.compile(r"(?:\"resolved\":|url =|registry =) \"(https?://[^\"]+)\"")
REGISTRIES = ("https://registry.npmjs.org/", "https://pypi.org/", "https://files.pythonhosted.org/")


def list_kept() -> list[Path]:
    """Every file under version control, else every file that is not made by a tool."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*.*") if not any(part.startswith(".") for part in path.parts)]


def find_machine_paths(text: str) -> list[str]:
    return [match[0] for match in MACHINE.finditer(text)]


def test_no_path_of_one_machine() -> None:
    looked_at, found = 0, []
    for path in list_kept():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        looked_at += 1
        if path != Path(__file__):
            found += [f"{path.relative_to(ROOT)}: {words}" for words in find_machine_paths(text)]
    assert looked_at > 100
    assert found == []


@pytest.mark.parametrize(
    "planted", ["see /srv/build/x", 'open("/root/x")', "/home/ana/quilt", "(/Users/ana/x)"]
)
def test_a_planted_path_is_found(planted: str) -> None:
    assert find_machine_paths(planted)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_looked_for(folder: str) -> None:
    planted = folder.replace(r"\w+", "ana")
    assert find_machine_paths(f"see /{planted}/x") == [f"/{planted}/"]
    assert find_machine_paths(f"see docs/{planted}/x") == []


@pytest.mark.parametrize(("lock", "at_least"), [("uv.lock", 100), ("package-lock.json", 0)])
def test_the_locks_name_public_registries_only(lock: str, at_least: int) -> None:
    sources = SOURCE.findall((ROOT / lock).read_text())
    assert len(sources) >= at_least  # npm may leave its own addresses out
    assert [source for source in sources if not source.startswith(REGISTRIES)] == []
    assert SOURCE.findall('"resolved": "http://127.0.0.1:4873/x.tgz"') == ["http://127.0.0.1:4873/x.tgz"]
