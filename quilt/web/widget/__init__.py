"""The widget face: what stands on other sites. No cookie is read or set here, and nothing changes by a request."""

from flask import Blueprint

widget = Blueprint("widget", __name__)

from quilt.web.widget import (
    entries,  # noqa: F401
    errors,  # noqa: F401
    frames,  # noqa: F401
    script,  # noqa: F401
)
