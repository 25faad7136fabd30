"""Who may import whom: the layers of the house, and a reader of import statements."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "quilt"

# From the top down. A module imports from its own part and from parts further down only.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("showing",),
    ("demo",),
    ("replaying",),
    ("serving",),
    ("app",),
    ("web",),
    ("committer",),
    ("tables",),
    ("results",),
    ("audit",),
    ("readiness",),
    ("journeys", "webhooks"),
    ("moderation",),
    ("standings",),
    ("integrity",),
    ("votes", "shares", "community", "judging"),
    ("arrivals",),
    ("embeds",),
    ("entries",),
    ("contests",),
    ("accounts",),
    ("media",),
    ("mail_tasks",),
    ("jobs",),
    ("mail",),
    ("letters",),
    ("extensions",),
    ("prepared",),
    ("database",),
    ("writer",),
    ("writing",),
    ("config",),
    ("running", "collector"),
    ("outbound_session",),
    ("outbound", "signed_ids"),
    ("spread", "ledger"),
)
RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
ROOMS = (
    "results", "judging", "journeys", "webhooks", "moderation", "standings", "integrity", "votes", "shares", "community", "arrivals", "embeds",
    "entries", "contests", "accounts", "media", "jobs",
)  # fmt: skip
FACES = ("site", "auth", "admin", "brand", "widget", "api")
INSIDE = ("service", "tasks", "queries", "models", "rules")
CORES = ("spread", "ledger")
CLOCKLESS = (*ROOMS, *CORES, "mail", "letters", "database")


@dataclass(frozen=True)
class Import:
    """One import: the importing module, the imported one, and the line."""

    importer: str
    imported: str
    line: int


def list_modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    return {name_of(path): ast.parse(path.read_text(), str(path)) for path in sorted(PACKAGE.rglob("*.py"))}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def list_imports(module: str, tree: ast.Module) -> Iterator[Import]:
    """The imports of a module, those inside functions and under TYPE_CHECKING among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
            for alias in node.names:
                yield Import(module, f"{node.module}.{alias.name}", node.lineno)


def find_violations(modules: dict[str, ast.Module]) -> list[str]:
    """Every import and every call that the house does not allow, in words."""
    found = []
    for module, tree in modules.items():
        for item in list_imports(module, tree):
            found += [f"{module}:{item.line}: {words}" for words in _judge(item)]
        if part_of(module) in CLOCKLESS:
            found += [f"{module}:{line}: {words}" for line, words in _find_clocks(tree)]
    return found


def find_circle(modules: dict[str, ast.Module]) -> list[str]:
    """Modules that import one another in a circle at their start, or nothing."""
    edges = {
        module: {
            target
            for item in _list_first_imports(module, tree)
            for target in (item.imported, item.imported.rpartition(".")[0])
            if target in modules and target != module and not module.startswith(f"{target}.")
        }
        for module, tree in modules.items()
    }
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as circle:
        return list(circle.args[1])
    return []


def part_of(module: str) -> str:
    """`quilt.votes.rules` → votes; '' for what is not ours."""
    names = module.split(".")
    return names[1] if names[0] == "quilt" and len(names) > 1 else ""


def _list_first_imports(module: str, tree: ast.Module) -> Iterator[Import]:
    """Those that run when the module is loaded: not the ones inside functions."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from list_imports(module, ast.Module([node], []))


def _judge(item: Import) -> Iterator[str]:
    here, there = part_of(item.importer), part_of(item.imported)
    library = item.imported.partition(".")[0]
    if here in RANKS and there in RANKS:
        yield from _judge_direction(item, here, there)
    if library != "quilt" and library not in sys.stdlib_module_names and _is_pure(item.importer):
        yield f"only the standard library may be imported here, not {item.imported}"
    if here in ROOMS and library in ("flask", "werkzeug", "jinja2"):
        yield f"a room does not know {library}"
    if here == "web" and library == "sqlalchemy" and not item.imported.startswith("sqlalchemy.exc."):
        yield "the faces do not know sqlalchemy, only how it fails"


def _judge_direction(item: Import, here: str, there: str) -> Iterator[str]:
    if here != there and RANKS[here] >= RANKS[there]:
        yield f"{here} stands beside or below {there}"
    if here in CORES and there != here:
        yield f"a core does not know {there}"
    if _is_rules(item.importer) and item.imported.split(".")[:3] != item.importer.split(".")[:3]:
        yield f"rules import the standard library only, not {item.imported}"
    if here in ROOMS and there in ROOMS and here != there and _file_of(item.imported) == "service":
        yield f"a room does not call the service of {there}"
    if here == there and here in ROOMS:
        yield from _judge_inside(item)
    if here == there == "web":
        yield from _judge_faces(item)


def _judge_inside(item: Import) -> Iterator[str]:
    above, below = _file_of(item.importer), _file_of(item.imported)
    if (above, below) == ("tasks", "service"):
        return  # what a worker does again and again; a service that asks for such a task would be a circle
    if above in INSIDE and below in INSIDE and INSIDE.index(above) > INSIDE.index(below):
        yield f"{above} does not import {below}"


def _judge_faces(item: Import) -> Iterator[str]:
    here, there = _file_of(item.importer), _file_of(item.imported)
    if there in FACES and here != there and item.importer != "quilt.web":
        yield f"{here or 'what the faces share'} does not know the face {there}"


def _file_of(module: str) -> str:
    names = module.split(".")
    return names[2] if len(names) > 2 else ""


def _is_rules(module: str) -> bool:
    return module.endswith(".rules")


def _is_pure(module: str) -> bool:
    return part_of(module) in CORES or _is_rules(module)


_CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("time", "time_ns"), ("os", "urandom"), ("uuid", "uuid4"), ("uuid", "uuid1"),
}  # fmt: skip
_CHANCE = ("random", "secrets")
_SEEDED = ("random", "Random")  # takes its seed as an argument


def _find_clocks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked = (node.value.id, node.attr)
            if asked != _SEEDED and (asked in _CLOCKS or node.value.id in _CHANCE):
                yield (
                    node.lineno,
                    f"{node.value.id}.{node.attr} is not asked below the faces: take an argument",
                )
        elif isinstance(node, ast.ImportFrom) and node.module in _CHANCE:
            yield node.lineno, f"{node.module} is not asked below the faces: take an argument"
