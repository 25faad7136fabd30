"""docs/bad_inputs.md and the tests name the same rows: no row without a test, no test without a row."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([A-Z]\d\d) \| .+ \| .+ \|$", re.MULTILINE)
NAMED = (
    re.compile(r"\bid=\"([A-Z]\d\d)(?=[-\"])"),
    re.compile(r"\bdef test_((?:[A-Z]\d\d_)+)"),
    re.compile(r"# ([A-Z]\d\d(?:, [A-Z]\d\d)*)$", re.MULTILINE),
)


def list_rows() -> list[str]:
    return ROW.findall((ROOT / "docs" / "bad_inputs.md").read_text())


def find_named(text: str) -> set[str]:
    found: Iterable[str] = (words for pattern in NAMED for words in pattern.findall(text))
    return {row for words in found for row in re.findall(r"[A-Z]\d\d", words)}


def list_named() -> set[str]:
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    return set().union(*(find_named(path.read_text()) for path in tests))


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    rows, named = list_rows(), list_named()
    assert len(rows) > 40
    assert [row for row, count in Counter(rows).items() if count > 1] == []
    assert set(rows) - named == set(), "rows without a test"
    assert named - set(rows) == set(), "tests without a row"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('pytest.param("", id="Z01")', {"Z01"}),
        ('pytest.param("", id="Z02-empty")', {"Z02"}),
        ("def test_Z03_Z04_both():", {"Z03", "Z04"}),
        ("def test_x() -> None:  # Z05, Z06", {"Z05", "Z06"}),
        ('AGENT = "CUBOT X30 SM-A536B", id="2027-W01"', set()),
    ],
)
def test_how_tests_name_rows(text: str, named: set[str]) -> None:
    assert find_named(text) == named
