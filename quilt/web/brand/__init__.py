"""The brand face: embeds for one's own sites, and what they bring."""

from flask import Blueprint

brand = Blueprint("brand", __name__, url_prefix="/brand")

from quilt.web.brand import (
    generator,  # noqa: F401
    invitations,  # noqa: F401
    organisations,  # noqa: F401
    people,  # noqa: F401
    placements,  # noqa: F401
    reports,  # noqa: F401
    sites,  # noqa: F401
    sponsors,  # noqa: F401
)
