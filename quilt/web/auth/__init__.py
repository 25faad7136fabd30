"""The auth face: signing in and out."""

from flask import Blueprint

auth = Blueprint("auth", __name__)

from quilt.web.auth import (
    codes,  # noqa: F401
    passwords,  # noqa: F401
    providers,  # noqa: F401
    sessions,  # noqa: F401 registers the user loader
    ways_in,  # noqa: F401
)
