"""The process that runs: its application."""

from flask import Flask, current_app


def get_app() -> Flask:
    """The application itself: each look at it through Flask's proxy costs four times as much."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app
