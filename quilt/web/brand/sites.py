"""The sites of an organisation: named, shown to be its own, taken off the list."""

from flask import Response, flash, request

from quilt.embeds.rules import BrandRefused, Role
from quilt.embeds.sites import FILE_PATH, META_NAME, RECORD_NAME, add_sites, check_site, remove_site
from quilt.extensions import limiter
from quilt.web.brand import brand
from quilt.web.brand.desks import answer, back_to, get_desk_or_404, get_site_or_404
from quilt.web.brand.organisations import answer_desk
from quilt.web.clock import entropy, now
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings


@brand.post("/<int:organisation_id>/sites")
@signed_in_only
def add_site(organisation_id: int) -> Response:
    """Name sites, one https origin a line: all or none."""
    get_desk_or_404(organisation_id, Role.EDITOR)
    text = request.form.get("origins", "")
    try:
        added = add_sites(
            organisation_id, text, now=now(), entropy=entropy, allow_plain=get_settings().may_ask_loopback
        )
    except BrandRefused as refusal:
        return answer_desk(organisation_id, refusal)
    if len(added) == 1:
        return back_to("brand.show_site", organisation_id=organisation_id, site_id=added[0].id)
    flash("Now show for each that it is yours." if added else "These are on the list already.", "good")
    return back_to("brand.show_desk", "sites", organisation_id=organisation_id)


@brand.get("/<int:organisation_id>/sites/<int:site_id>")
@signed_in_only
def show_site(organisation_id: int, site_id: int) -> Response:
    """The three ways to show that a site is one's own."""
    desk = get_desk_or_404(organisation_id)
    site = get_site_or_404(organisation_id, site_id)
    host = site.origin.partition("://")[2].partition(":")[0]
    return answer(
        "brand/site.html",
        desk=desk,
        site=site,
        host=host,
        record_name=f"{RECORD_NAME}.{host}",
        file_url=f"{site.origin}{FILE_PATH}",
        meta=f'<meta name="{META_NAME}" content="{site.token}">',
        is_editor=desk.role != Role.VIEWER,
    )


@brand.post("/<int:organisation_id>/sites/<int:site_id>")
@limiter.limit("30 per hour")
@signed_in_only
def change_site(organisation_id: int, site_id: int) -> Response:
    """Look for the proof now, or take the site off the list."""
    get_desk_or_404(organisation_id, Role.EDITOR)
    site = get_site_or_404(organisation_id, site_id)
    if request.form.get("action") == "remove":
        remove_site(site)
        flash("The site is off the list.", "good")
        return back_to("brand.show_desk", "sites", organisation_id=organisation_id)
    checked = check_site(site, now=now(), allow_loopback=get_settings().may_ask_loopback)
    if checked.problem:
        flash(f"Not found yet. {checked.problem}", "warn")
    else:
        flash("The site is yours: your embeds show on your verified sites now, and nowhere else.", "good")
    return back_to("brand.show_site", organisation_id=organisation_id, site_id=site_id)
