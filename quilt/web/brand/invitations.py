"""Joining an organisation by the letter that asked for it."""

from flask import Response, abort, flash
from flask_login import current_user

from quilt.embeds.desk import find_invitation
from quilt.embeds.rules import InvitationRefused
from quilt.embeds.service import WrongReader, accept_invitation, check_invitation
from quilt.web.brand import brand
from quilt.web.brand.desks import answer, back_to
from quilt.web.clock import now
from quilt.web.guards import signed_in_only


@brand.get("/invitations/<token>")
@signed_in_only
def show_invitation(token: str) -> Response:
    """Who asks, and the one button."""
    found = find_invitation(token[:200])
    try:
        check_invitation(found[0] if found else None, now())
    except InvitationRefused as refusal:
        abort(410, str(refusal))
    assert found is not None
    invitation, organisation = found
    response = answer(
        "brand/invitation.html",
        organisation=organisation,
        invitation=invitation,
        token=token,
        is_reader=current_user.email_key == invitation.email_key,
    )
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@brand.post("/invitations/<token>")
@signed_in_only
def join(token: str) -> Response:
    """Join: once, with the address that the letter was written to."""
    try:
        organisation_id = accept_invitation(token[:200], current_user.id, now())
    except WrongReader as refusal:
        abort(403, str(refusal))
    except InvitationRefused as refusal:
        abort(410, str(refusal))
    flash("Welcome. This is the desk.", "good")
    return back_to("brand.show_desk", organisation_id=organisation_id)
