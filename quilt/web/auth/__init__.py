"""The auth face: signing in and out."""

from flask import Blueprint

auth = Blueprint("auth", __name__)

from quilt.web.auth import sessions  # noqa: F401 registers the user loader
