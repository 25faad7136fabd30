"""The people of an organisation: invited, given a role, removed."""

from flask import Response, abort, flash, request
from flask_login import current_user

from quilt.embeds.desk import list_people
from quilt.embeds.rules import BrandRefused, Role
from quilt.embeds.service import change_role, invite, remove_member
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.brand import brand
from quilt.web.brand.desks import back_to, get_desk_or_404
from quilt.web.brand.organisations import answer_desk
from quilt.web.clock import entropy, now
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings


@brand.post("/<int:organisation_id>/people")
@limiter.limit("30 per hour")
@signed_in_only
def invite_person(organisation_id: int) -> Response:
    """Write to somebody, asking them to join."""
    get_desk_or_404(organisation_id, Role.OWNER)
    settings = get_settings()
    try:
        invitation = invite(
            organisation_id,
            request.form.get("email", ""),
            request.form.get("role", ""),
            now=now(),
            entropy=entropy,
            compose=composer(settings),
            base_url=settings.base_url,
        )
    except BrandRefused as refusal:
        return answer_desk(organisation_id, refusal)
    flash(f"We have written to {invitation.email}. The letter works once, for a week.", "good")
    return back_to("brand.show_desk", "people", organisation_id=organisation_id)


@brand.post("/<int:organisation_id>/people/<int:user_id>")
@signed_in_only
def change_person(organisation_id: int, user_id: int) -> Response:
    """Another role, or none any more; everybody may leave by themselves."""
    action = request.form.get("action", "")
    is_leaving = action == "remove" and user_id == current_user.id
    get_desk_or_404(organisation_id, Role.VIEWER if is_leaving else Role.OWNER)
    if user_id not in {person.user_id for person in list_people(organisation_id)}:
        abort(404)
    try:
        if action == "remove":
            remove_member(organisation_id, user_id)
        else:
            change_role(organisation_id, user_id, request.form.get("role", ""))
    except BrandRefused as refusal:
        return answer_desk(organisation_id, refusal, 409)
    flash("Done." if not is_leaving else "You have left. Your own account stays as it is.", "good")
    if is_leaving:
        return back_to("brand.show_organisations")
    return back_to("brand.show_desk", "people", organisation_id=organisation_id)
