"""The style sheet of the tests that draw a macro alone."""

import importlib.util

from quilt.config import ROOT


def read_sheet() -> str:
    """The sheet as it is built, of the files as they are now."""
    spec = importlib.util.spec_from_file_location("build_static", ROOT / "scripts" / "build_static.py")
    assert spec is not None and spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return str(build.build_sheet(build.read_sheets(ROOT / "static" / "css")))
