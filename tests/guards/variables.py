"""Which variables each template needs, and which the code gives it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, meta, nodes

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
# Given to every page by Flask, its extensions and their context processors.
EVERYWHERE = {
    "request",
    "session",
    "g",
    "current_user",
    "config",
    "url_for",
    "get_flashed_messages",
    "csrf_token",
}
SUFFIXES = (".html", ".txt", ".xml")
RENDERERS = ("render_template",)


@dataclass(frozen=True)
class Rendering:
    """One call that renders a template: where, which, with which names; `is_open` where ** hides some."""

    place: str
    template: str
    given: frozenset[str]
    is_open: bool


def list_renderings(source: str, place: str) -> Iterator[Rendering]:
    """The calls of render_template in a module whose template is written there in plain text."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args or _name_of(node.func) not in RENDERERS:
            continue
        given = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
        is_open = any(keyword.arg is None for keyword in node.keywords)
        choices = [] if isinstance(node.args[0], ast.JoinedStr) else ast.walk(node.args[0])
        for constant in choices:
            if isinstance(constant, ast.Constant) and str(constant.value).endswith(SUFFIXES):
                yield Rendering(f"{place}:{node.lineno}", str(constant.value), given, is_open)


def list_needs(environment: Environment, template: str, folder: Path = TEMPLATES) -> frozenset[str]:
    """The variables without which a template fails: its own, its parents' and those of what it includes."""
    needed: set[str] = set()
    made: set[str] = set()
    waiting, seen = [template], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        tree = environment.parse((folder / name).read_text())
        needed |= meta.find_undeclared_variables(tree) - _list_optional(tree)
        made |= _list_made(tree)
        followed = [*tree.find_all(nodes.Extends), *tree.find_all(nodes.Include)]
        for reference in followed:
            if isinstance(reference.template, nodes.Const):
                waiting.append(reference.template.value)
            elif isinstance(reference.template, nodes.List):
                waiting += [item.value for item in reference.template.items if isinstance(item, nodes.Const)]
    return frozenset(needed - made - environment.globals.keys() - EVERYWHERE)


def find_missing(
    environment: Environment, renderings: list[Rendering], folder: Path = TEMPLATES
) -> list[str]:
    """Every call that does not give what its template needs."""
    found = []
    for rendering in renderings:
        if not (folder / rendering.template).is_file():
            found.append(f"{rendering.place}: there is no template {rendering.template}")
            continue
        missing = list_needs(environment, rendering.template, folder) - rendering.given
        if missing and not rendering.is_open:
            found.append(f"{rendering.place}: {rendering.template} needs {', '.join(sorted(missing))}")
    return found


def _list_optional(tree: nodes.Template) -> set[str]:
    """Names that the template asks about with `is defined` or gives a default."""
    asked = [node.node for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined")]
    asked += [node.node for node in tree.find_all(nodes.Filter) if node.name in ("default", "d")]
    return {node.name for node in asked if isinstance(node, nodes.Name)}


def _list_made(tree: nodes.Template) -> set[str]:
    """Names that a template itself imports, sets or defines; its blocks and what it includes see them."""
    made = {item.target for item in tree.find_all(nodes.Import)}
    for item in tree.find_all(nodes.FromImport):
        made |= {name[1] if isinstance(name, tuple) else name for name in item.names}
    made |= {item.name for item in tree.find_all(nodes.Macro)} | {"super", "caller"}
    for item in tree.find_all((nodes.Assign, nodes.AssignBlock)):
        made |= {
            name.name
            for name in (item.target, *item.target.find_all(nodes.Name))
            if isinstance(name, nodes.Name)
        }
    return made


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""
