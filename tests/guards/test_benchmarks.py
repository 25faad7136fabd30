"""Every benchmark that `make bench` runs, or a document names, is there and takes the arguments it is given."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"python -m benchmarks\.([\w.]+)((?: +--\w+(?: [\w.,]+)?)*)")


def list_of_make() -> list[tuple[str, str]]:
    """Module and arguments of each command of `make bench`."""
    listed = re.search(r"^BENCHMARKS = ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed is not None
    runs = re.findall(r'"([^"]+)"', listed[1])
    return [(run.partition(" ")[0], run.partition(" ")[2]) for run in runs]


def list_of_documents() -> list[tuple[str, str]]:
    """The same of each command that a document names."""
    texts = [path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
    return [(found[1].rstrip("."), found[2]) for text in texts for found in NAMED.finditer(text)]


COMMANDS = sorted({*list_of_make(), *list_of_documents()})


@pytest.mark.parametrize(("module", "arguments"), COMMANDS)
def test_the_command_takes_its_arguments(module: str, arguments: str) -> None:
    read_options(module, arguments)


def test_make_bench_has_every_command_that_the_documents_name() -> None:
    ours, named = ({module for module, _ in listed()} for listed in (list_of_make, list_of_documents))
    assert len(named) > 6 and named <= ours


def test_a_command_that_is_not_there_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModuleNotFoundError):
        read_options("nowhere", "")
    with pytest.raises(SystemExit):
        read_options("ledger", "--leafs 3")
    assert "--leafs" in capsys.readouterr().err


def read_options(module: str, arguments: str) -> None:
    """Let a command read its arguments. Raises SystemExit where it does not know one."""
    name = f"benchmarks.{module}"
    if hasattr(importlib.import_module(name), "__path__"):
        name += ".__main__"
    importlib.import_module(name).read_options(shlex.split(arguments))
