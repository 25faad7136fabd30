"""The API face: JSON under /api/v1, its description, and the page that explains it. No cookie is read here."""

from flask import Blueprint

api = Blueprint("api", __name__)

from quilt.web.api import (
    contests,  # noqa: F401
    description,  # noqa: F401
    embeds,  # noqa: F401
    entries,  # noqa: F401
    guards,  # noqa: F401
    ledger,  # noqa: F401
    moderation,  # noqa: F401
    own,  # noqa: F401
    results,  # noqa: F401
    spread,  # noqa: F401
    standings,  # noqa: F401
    votes,  # noqa: F401
)
