"""Every table of the pages stands in the one box that slides, with its hint and a place for the keyboard."""

import re

from tests.guards.variables import TEMPLATES

TABLE = re.compile(r"<table\b|\{%-? call table_box\(|\{%-? endcall")


def test_every_table_stands_in_its_box() -> None:
    texts = {
        path.relative_to(TEMPLATES).as_posix(): path.read_text()
        for path in TEMPLATES.rglob("*.html")
        if "emails" not in path.parts
    }
    assert sum(text.count("<table") for text in texts.values()) >= 15
    assert {name: count for name, text in texts.items() if (count := count_bare(text))} == {}


def test_a_bare_table_is_found() -> None:
    boxed = '{% call table_box("Votes") %}<table></table>{% endcall %}'
    assert count_bare(boxed) == 0
    assert count_bare(f"{boxed}<table></table>") == 1


def count_bare(text: str) -> int:
    """How many tables of a template stand outside the box."""
    bare, is_boxed = 0, False
    for found in TABLE.findall(text):
        if found == "<table":
            bare += not is_boxed
        else:
            is_boxed = "table_box" in found
    return bare
