"""The sponsor block of an organisation's embeds."""

from flask import Response, flash, request

from quilt.embeds.rules import BrandRefused, Role
from quilt.embeds.sponsors import MOST_LOGO_BYTES, drop_sponsor, set_logo, set_sponsor
from quilt.extensions import csrf, limiter
from quilt.media.rules import MediaRefused
from quilt.media.storage import parts_of
from quilt.web.brand import brand
from quilt.web.brand.desks import back_to, get_desk_or_404
from quilt.web.brand.organisations import answer_desk
from quilt.web.clock import entropy
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.uploads import UploadTooLarge, receive_upload


@brand.post("/<int:organisation_id>/sponsor")
@signed_in_only
def change_sponsor(organisation_id: int) -> Response:
    """Who pays, the link, and the words that say so; or nobody any more."""
    get_desk_or_404(organisation_id, Role.EDITOR)
    form = request.form
    if form.get("action") == "remove":
        drop_sponsor(organisation_id, get_settings())
        flash("The sponsor block is gone.", "good")
        return back_to("brand.show_desk", "sponsor", organisation_id=organisation_id)
    try:
        set_sponsor(organisation_id, form.get("sponsor", ""), form.get("url", ""), form.get("disclosure", ""))
    except BrandRefused as refusal:
        refusal.field = {"name": "sponsor"}.get(refusal.field, refusal.field)
        return answer_desk(organisation_id, refusal)
    flash("The sponsor block stands in your embeds.", "good")
    return back_to("brand.show_desk", "sponsor", organisation_id=organisation_id)


@brand.post("/<int:organisation_id>/sponsor/logo")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("30 per hour")
@signed_in_only
def change_logo(organisation_id: int) -> Response:
    """A logo: only its pixels are kept, as a small PNG. The form's token is checked once the body is read."""
    get_desk_or_404(organisation_id, Role.EDITOR)
    settings = get_settings()
    try:
        upload = receive_upload("logo", parts_of(settings), MOST_LOGO_BYTES, entropy)
    except UploadTooLarge:
        return answer_desk(organisation_id, BrandRefused("A logo can have up to 4 MB.", "logo"), 413)
    if upload is None:
        return answer_desk(organisation_id, BrandRefused("Choose a picture first.", "logo"))
    try:
        set_logo(organisation_id, upload.path, settings, entropy)
    except BrandRefused as refusal:
        refusal.field = "sponsor"
        return answer_desk(organisation_id, refusal)
    except MediaRefused:
        return answer_desk(
            organisation_id, BrandRefused("Use a picture: PNG, JPEG or WebP, to 25 megapixels.", "logo")
        )
    finally:
        upload.path.unlink(missing_ok=True)
    flash("The logo stands in your embeds.", "good")
    return back_to("brand.show_desk", "sponsor", organisation_id=organisation_id)
