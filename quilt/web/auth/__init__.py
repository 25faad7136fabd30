"""The auth face: signing in and out, and what guards an account."""

from flask import Blueprint

auth = Blueprint("auth", __name__)

from quilt.web.auth import (
    addresses,  # noqa: F401
    codes,  # noqa: F401
    confirm,  # noqa: F401
    links,  # noqa: F401
    passkeys,  # noqa: F401
    passwords,  # noqa: F401
    providers,  # noqa: F401
    second_factors,  # noqa: F401
    security,  # noqa: F401
    sessions,  # noqa: F401 registers the user loader
    ways_in,  # noqa: F401
)
