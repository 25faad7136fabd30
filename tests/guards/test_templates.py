"""Every template compiles, is used, and gets every variable that it needs."""

import re
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import StrictUndefined

from quilt.letters import _environment as letters_environment
from tests.guards.variables import ROOT, TEMPLATES, Rendering, find_missing, list_needs, list_renderings

# The beginning of a name that is put together: f"site/submit_{step}.html", "site/_contest_" ~ view
BEGINNING = re.compile(r"""["']([a-z_]+/[a-z_]*_)(?:["']\s*~|\{)""")


@pytest.fixture(scope="module")
def renderings() -> list[Rendering]:
    paths = sorted((ROOT / "quilt").rglob("*.py"))
    return [
        rendering
        for path in paths
        for rendering in list_renderings(path.read_text(), str(path.relative_to(ROOT)))
    ]


def list_names() -> list[str]:
    return sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*") if path.is_file())


def test_every_template_compiles(built_app: Flask) -> None:
    names = list_names()
    assert len(names) > 30
    letters = letters_environment()
    for name in names:
        if name.startswith("emails/"):
            letters.get_template(name.removeprefix("emails/"))
        else:
            built_app.jinja_env.get_template(name)
    assert built_app.jinja_env.undefined is letters.undefined is StrictUndefined


def test_every_variable_is_given(built_app: Flask, renderings: list[Rendering]) -> None:
    print(f"{len(renderings)} renderings looked at")
    assert len(renderings) > 12
    assert find_missing(built_app.jinja_env, renderings) == []


def test_every_template_is_used() -> None:
    sources = [path.read_text() for path in (*(ROOT / "quilt").rglob("*.py"), *TEMPLATES.rglob("*.*"))]
    text = "\n".join(sources)
    put_together = tuple(BEGINNING.findall(text))
    names = [name for name in list_names() if not name.startswith("emails/")]
    unused = [name for name in names if f'"{name}"' not in text and not name.startswith(put_together)]
    assert len(names) > 30
    assert unused == []


def test_a_forgotten_variable_is_found(built_app: Flask, tmp_path: Path) -> None:
    (tmp_path / "layout.html").write_text("{{ site_name }} {{ heading }} {% block b %}{% endblock %}")
    (tmp_path / "part.html").write_text("{{ footnote }}")
    (tmp_path / "page.html").write_text(
        "{% extends 'layout.html' %}{% block b %}{{ entry.title }} {{ note|default('') }}"
        "{% for row in rows %}{{ row }}{% endfor %}{% include 'part.html' %}{% endblock %}"
    )
    needs = list_needs(built_app.jinja_env, "page.html", tmp_path)
    assert needs == {"heading", "entry", "rows", "footnote"}
    source = 'render_template("page.html", entry=1, rows=[], heading="x")\nrender_template("none.html")'
    assert find_missing(built_app.jinja_env, list(list_renderings(source, "planted")), tmp_path) == [
        "planted:1: page.html needs footnote",
        "planted:2: there is no template none.html",
    ]
