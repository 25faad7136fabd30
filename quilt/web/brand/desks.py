"""Who may look at which desk, and how its pages are answered."""

from typing import Any

from flask import Response, abort, make_response, redirect, render_template, url_for
from flask_login import current_user

from quilt.embeds.desk import OwnOrganisation, find_own, find_own_placement, find_site
from quilt.embeds.models import Placement, Site
from quilt.embeds.rules import Role, has_rank


def get_desk_or_404(organisation_id: int, least: Role = Role.VIEWER) -> OwnOrganisation:
    """The organisation, for its own people; nobody else learns that it exists. 403 for too low a role."""
    desk = find_own(current_user.id, organisation_id)
    if desk is None:
        abort(404)
    if not has_rank(desk.role, least):
        abort(403, f"You need to be an {least.value} of {desk.name} for that. Nothing was changed.")
    return desk


def get_site_or_404(organisation_id: int, site_id: int) -> Site:
    """A site of this organisation."""
    site = find_site(organisation_id, site_id)
    if site is None:
        abort(404)
    return site


def get_placement_or_404(organisation_id: int, placement_id: int) -> Placement:
    """A placement of this organisation."""
    placement = find_own_placement(organisation_id, placement_id)
    if placement is None:
        abort(404)
    return placement


def answer(template: str, status: int = 200, **values: object) -> Response:
    """A page for one person's eyes."""
    response = make_response(render_template(template, **values), status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def back_to(endpoint: str, anchor: str = "", **values: Any) -> Response:
    """See the other page, by GET."""
    return make_response(redirect(url_for(endpoint, _anchor=anchor or None, **values), 303))
