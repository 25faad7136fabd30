"""The faces: everything that speaks HTTP. `set_up_web` is called once by create_app."""

import importlib
from types import ModuleType

from flask import Flask

from quilt.config import Settings

FACES = ("site", "auth", "admin", "brand", "widget", "api")


def set_up_web(app: Flask, settings: Settings) -> None:
    """Register every face and what they share: headers, errors, template helpers, visitors."""
    from quilt.web import context, errors, headers, inputs, origins, requests_log

    inputs.register(app)
    requests_log.register(app)
    origins.register(app)
    headers.register(app, settings)
    errors.register(app)
    context.register(app, settings)
    for face, module in load_faces():
        app.register_blueprint(getattr(module, face))


def load_faces() -> list[tuple[str, ModuleType]]:
    """The modules of all faces, with their names."""
    return [(face, importlib.import_module(f"quilt.web.{face}")) for face in FACES]
