"""The settings of the running application."""

from flask import current_app

from quilt.config import Settings


def get_settings() -> Settings:
    """The settings that this application was made with."""
    settings: Settings = current_app.extensions["quilt_settings"]
    return settings
