"""Imports point downwards, in every module; a planted violation of each rule is found."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guards.imports import (
    CORES,
    PACKAGE,
    RANKS,
    ROOMS,
    find_circle,
    find_violations,
    list_imports,
    list_modules,
)


def test_imports_point_downwards() -> None:
    modules = list_modules()
    imports = sum(len(list(list_imports(*item))) for item in modules.items())
    print(f"{len(modules)} modules and {imports} imports looked at")
    assert len(modules) > 60 and imports > 300
    assert find_violations(modules) == []


WEB_PROCESS = """
import sys
from pathlib import Path
from quilt.app import create_app
from quilt.config import Settings
create_app(Settings(environment="test", secret_key="x" * 40, data=Path(sys.argv[1])))
print(*sys.modules)
"""
WORKERS_ONLY = {
    "PIL",
    "imageio_ffmpeg",
    "quilt.media.cards",
    "quilt.media.pictures",
    "quilt.media.posters",
    "quilt.media.probe",
    "quilt.media.processing",
    "quilt.media.transcode",
    "quilt.media.typesetting",
}


def test_a_web_process_does_not_load_what_only_the_worker_needs(tmp_path: Path) -> None:
    """Pictures and films cost memory in every web process."""
    made = subprocess.run(
        [sys.executable, "-c", WEB_PROCESS, str(tmp_path)],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = set(made.stdout.split())
    assert {"quilt.media.service", "quilt.web.site.submit"} <= loaded, made.stderr
    assert loaded & WORKERS_ONLY == set()


def test_every_part_has_its_place() -> None:
    """A new room or top-level module must be put into the layers before it can be forgotten there."""
    parts = {
        path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }
    assert parts - RANKS.keys() == set()
    assert {"votes", "media"} <= set(ROOMS) & parts and set(CORES) & parts


def test_no_circles() -> None:
    assert find_circle(list_modules()) == []
    planted = {
        "quilt.a": "import quilt.b",
        "quilt.b": "from quilt.c import x",
        "quilt.c": "from quilt import a",
    }
    assert set(find_circle({name: ast.parse(source) for name, source in planted.items()})) == set(planted)


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        (
            "quilt.entries.queries",
            "from quilt.votes.models import Vote",
            "entries stands beside or below votes",
        ),
        ("quilt.votes.service", "from quilt.shares.models import ShareAct", "beside or below"),
        ("quilt.database", "from quilt.web import clock", "database stands beside or below web"),
        ("quilt.web.site.votes", "from quilt.app import create_app", "web stands beside or below app"),
        (
            "quilt.web.site.votes",
            "from quilt.web.auth.login import sign_in",
            "site does not know the face auth",
        ),
        ("quilt.web.lookups", "from quilt.web.site import site", "does not know the face site"),
        ("quilt.web.site.votes", "from sqlalchemy import select", "the faces do not know sqlalchemy"),
        ("quilt.votes.service", "import flask", "a room does not know flask"),
        ("quilt.votes.service", "def f():\n    from flask import g", "a room does not know flask"),
        ("quilt.spread.tree", "import numpy", "only the standard library"),
        ("quilt.spread.tree", "from quilt.config import ROOT", "a core does not know config"),
        ("quilt.votes.rules", "import sqlalchemy", "only the standard library"),
        (
            "quilt.votes.rules",
            "from quilt.contests.rules import may",
            "rules import the standard library only",
        ),
        (
            "quilt.votes.rules",
            "from quilt.votes.models import Vote",
            "rules import the standard library only",
        ),
        (
            "quilt.votes.service",
            "from quilt.arrivals.service import x",
            "does not call the service of arrivals",
        ),
        (
            "quilt.votes.service",
            "from quilt.arrivals import service",
            "does not call the service of arrivals",
        ),
        ("quilt.votes.queries", "from quilt.votes.service import x", "queries does not import service"),
        ("quilt.votes.models", "from quilt.votes.queries import x", "models does not import queries"),
        ("quilt.votes.service", "now = datetime.now(UTC)", "datetime.now is not asked below the faces"),
        (
            "quilt.spread.codes",
            "code = secrets.token_hex()",
            "secrets.token_hex is not asked below the faces",
        ),
        ("quilt.entries.service", "from random import shuffle", "random is not asked below the faces"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str, words: str) -> None:
    assert any(words in line for line in find_violations({module: ast.parse(source)}))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "quilt.votes.service",
            "from quilt.votes.rules import check_vote\nfrom quilt.contests.queries import find",
        ),
        ("quilt.web.site.votes", "from quilt.votes.service import cast_vote\nfrom quilt.web.guards import x"),
        ("quilt.spread.fold", "from quilt.spread.tree import ROOT\nimport math"),
        ("quilt.media.samples", "chance = random.Random(seed)"),
        ("quilt.arrivals.tasks", "from quilt.arrivals.service import forget_old"),
        ("quilt.web.clock", "from datetime import datetime\nnow = datetime.now()"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert find_violations({module: ast.parse(source)}) == []
