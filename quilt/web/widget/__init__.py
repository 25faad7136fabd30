"""The widget face: what stands on other sites. No cookie is read or set here, and nobody votes or shares here.

The one thing that a request changes are a placement's numbers: how often it was seen, played and opened.
"""

from flask import Blueprint

widget = Blueprint("widget", __name__)

from quilt.web.widget import (
    contests,  # noqa: F401
    counts,  # noqa: F401
    entries,  # noqa: F401
    errors,  # noqa: F401
    feeds,  # noqa: F401
    frames,  # noqa: F401
    look,  # noqa: F401
    oembed,  # noqa: F401
    reasons,  # noqa: F401
    script,  # noqa: F401
    seen,  # noqa: F401
)
