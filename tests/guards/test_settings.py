"""The README's table of settings is the code's."""

import re
from dataclasses import fields
from pathlib import Path

from quilt.config import _FIELDS, ROOT, Settings

ROW = re.compile(r"^\| `(QUILT_\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
WORDS = {
    "database_url": "SQLite in the data folder",
    "queue_url": "SQLite in the data folder",
    "require_second_factor": "`on` in production",
}


def say_default(name: str) -> str:
    default = next(field.default for field in fields(Settings) if field.name == name)
    if name == "secret_key" or (default in ("", ()) and name not in WORDS):
        return "none"
    if name in WORDS:
        return WORDS[name]
    if isinstance(default, Path):
        return f"`{default.relative_to(ROOT)}`"
    return f"`{ {True: 'on', False: 'off'}.get(default, default) if isinstance(default, bool) else default }`"


def test_the_table_is_the_code_s() -> None:
    rows = {name: default for name, default, _ in ROW.findall((ROOT / "README.md").read_text())}
    assert len(rows) > 10
    assert rows == {variable: say_default(name) for variable, (name, _) in _FIELDS.items()}


def test_every_setting_can_be_set() -> None:
    assert {name for name, _ in _FIELDS.values()} == {field.name for field in fields(Settings)}


def test_the_documents_name_no_other_setting() -> None:
    scripts = {"QUILT_PYTHON", "QUILT_CHROMIUM"}
    for document in ("README.md", "CHANGELOG.md", "docs/operator.md"):
        named = set(re.findall(r"QUILT_[A-Z_]+", (ROOT / document).read_text()))
        assert named - _FIELDS.keys() - scripts == set(), document


def test_links_between_documents_lead_somewhere() -> None:
    looked_at = 0
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            looked_at += 1
            assert (document.parent / target).exists(), f"{document.name}: {target}"
    assert looked_at > 1
