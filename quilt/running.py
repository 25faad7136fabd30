"""The process that runs: its application, and Python's collector."""

import gc

from flask import Flask, current_app


def get_app() -> Flask:
    """The application itself: each look at it through Flask's proxy costs four times as much."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def rest_collector() -> None:
    """What is there now stays: Python's collector need not look at it again, nor as often as it would."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
