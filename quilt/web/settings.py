"""The settings of the running application."""

from quilt.config import Settings
from quilt.running import get_app


def get_settings() -> Settings:
    """The settings that this application was made with."""
    settings: Settings = get_app().extensions["quilt_settings"]
    return settings
