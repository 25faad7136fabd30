"""Compiled templates are kept: what is kept is used, what has changed is compiled again, and a full disk harms nobody."""

from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from jinja2.environment import Template

from quilt.web.template_cache import keep_compiled


class Unable(Environment):
    """An environment that cannot compile."""

    def compile(self, *_: Any, **__: Any) -> Any:
        """Nothing comes through here."""
        pytest.fail("compiled again")


def make(texts: dict[str, str], folder: Path) -> Environment:
    environment = Environment(loader=DictLoader(texts), autoescape=True)
    keep_compiled(environment, folder)
    return environment


def render(texts: dict[str, str], folder: Path) -> str:
    template: Template = make(texts, folder).get_template("page.html")
    return template.render(name="<Ana>")


def test_what_is_kept_is_not_compiled_again(tmp_path: Path) -> None:
    texts = {"page.html": "Hello {{ name }}"}
    assert render(texts, tmp_path) == "Hello &lt;Ana&gt;" and len(list(tmp_path.iterdir())) == 1
    environment = Unable(loader=DictLoader(texts), autoescape=True)
    keep_compiled(environment, tmp_path)
    assert environment.get_template("page.html").render(name="Ben") == "Hello Ben"


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    texts = {"page.html": "Hello {{ name }}"}
    render(texts, tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    for length in range(len(whole)):
        kept.write_bytes(whole[:length])
        assert render(texts, tmp_path) == "Hello &lt;Ana&gt;" and kept.read_bytes() == whole
    kept.write_bytes(bytes(len(whole)))
    assert render(texts, tmp_path) == "Hello &lt;Ana&gt;" and kept.read_bytes() == whole


def test_a_changed_text_is_compiled_again(tmp_path: Path) -> None:
    render({"page.html": "Hello {{ name }}"}, tmp_path)
    assert render({"page.html": "Bye {{ name }}"}, tmp_path) == "Bye &lt;Ana&gt;"


def test_where_nothing_can_be_kept_pages_are_made_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    environment = make({"page.html": "Hello {{ name }}"}, folder)
    folder.rmdir()
    assert environment.get_template("page.html").render(name="Ben") == "Hello Ben"
    (tmp_path / "file").write_text("")
    assert render({"page.html": "{{ name }}"}, tmp_path / "file" / "below") == "&lt;Ana&gt;"
