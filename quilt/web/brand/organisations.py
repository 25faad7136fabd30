"""The desk of an organisation: what its embeds bring, and what else it has."""

from datetime import timedelta

from flask import Response, flash, request
from flask_login import current_user

from quilt.embeds.desk import find_sponsor, list_invitations, list_own, list_people, list_sites
from quilt.embeds.rules import BrandRefused, Role
from quilt.embeds.service import choose_reports, create_organisation, rename_organisation
from quilt.extensions import limiter
from quilt.standings.brought import build_report
from quilt.web.brand import brand
from quilt.web.brand.desks import answer, back_to, get_desk_or_404
from quilt.web.brand.figures import describe_line
from quilt.web.clock import now
from quilt.web.guards import signed_in_only

DAYS = 30


@brand.get("")
@signed_in_only
def show_organisations() -> Response:
    """The organisations that one works for, and the form for another."""
    return answer("brand/organisations.html", organisations=list_own(current_user.id), typed="", problem="")


@brand.post("")
@limiter.limit("20 per hour")
@signed_in_only
def add_organisation() -> Response:
    """A new organisation; a refusal keeps what was typed."""
    name = request.form.get("name", "")
    try:
        organisation = create_organisation(current_user.id, name, now())
    except BrandRefused as refusal:
        own = list_own(current_user.id)
        return answer(
            "brand/organisations.html", 422, organisations=own, typed=name[:400], problem=refusal.message
        )
    flash("Your desk is ready. Make your first embed, and name the sites it may stand on.", "good")
    return back_to("brand.show_desk", organisation_id=organisation.id)


@brand.get("/<int:organisation_id>")
@signed_in_only
def show_desk(organisation_id: int) -> Response:
    """Embeds compared over thirty days, sites, people, the sponsor block."""
    return answer_desk(organisation_id)


@brand.post("/<int:organisation_id>")
@signed_in_only
def change_organisation(organisation_id: int) -> Response:
    """Another name."""
    get_desk_or_404(organisation_id, Role.OWNER)
    try:
        rename_organisation(organisation_id, request.form.get("name", ""))
    except BrandRefused as refusal:
        return answer_desk(organisation_id, refusal)
    flash("The name is changed.", "good")
    return back_to("brand.show_desk", organisation_id=organisation_id)


@brand.post("/<int:organisation_id>/reports")
@signed_in_only
def change_reports(organisation_id: int) -> Response:
    """Whether the weekly report comes by mail."""
    get_desk_or_404(organisation_id)
    has_reports = request.form.get("has_reports") == "y"
    choose_reports(organisation_id, current_user.id, has_reports=has_reports)
    flash("You get the weekly report." if has_reports else "You get no more reports.", "good")
    return back_to("brand.show_desk", "reports", organisation_id=organisation_id)


def answer_desk(organisation_id: int, refusal: BrandRefused | None = None, status: int = 422) -> Response:
    """The desk's page; with a refusal, what was typed is still there."""
    desk = get_desk_or_404(organisation_id)
    today = now().date()
    report = build_report(organisation_id, today - timedelta(days=DAYS - 1), today)
    return answer(
        "brand/desk.html",
        status if refusal else 200,
        desk=desk,
        is_editor=desk.role != Role.VIEWER,
        is_owner=desk.role == Role.OWNER,
        lines=[describe_line(line) for line in report],
        days=DAYS,
        sites=list_sites(organisation_id),
        people=list_people(organisation_id),
        invitations=list_invitations(organisation_id, now()),
        sponsor=find_sponsor(organisation_id),
        roles=[role.value for role in Role],
        typed={name: text[:4_000] for name, text in request.form.items()} if refusal else {},
        problem=refusal.message if refusal else "",
        problem_field=refusal.field if refusal else "",
    )
