"""The admin face."""

from flask import Blueprint

admin = Blueprint("admin", __name__, url_prefix="/admin")

from quilt.web.admin import (
    connections,  # noqa: F401
    contest_settings,  # noqa: F401
    contests,  # noqa: F401
    domains,  # noqa: F401
    integrity,  # noqa: F401
    integrity_acts,  # noqa: F401
    log,  # noqa: F401
    panel,  # noqa: F401
    queue,  # noqa: F401
    results,  # noqa: F401
    review,  # noqa: F401
    spread,  # noqa: F401
    tables,  # noqa: F401
)
