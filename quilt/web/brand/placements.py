"""One embed of a brand: its snippet, its figures by day and page, its look, its end."""

from datetime import timedelta

from flask import Response, flash, request

from quilt.embeds.looks import ColoursRefused, drop_unreadable, read_options
from quilt.embeds.placements import change_placement, end_placement
from quilt.embeds.queries import load_options
from quilt.embeds.rules import BrandRefused, Role
from quilt.standings.brought import build_report
from quilt.web.brand import brand
from quilt.web.brand.desks import answer, back_to, get_desk_or_404, get_placement_or_404
from quilt.web.brand.figures import describe_line, list_days, say
from quilt.web.brand.forms import make_form
from quilt.web.brand.snippets import ROOM, frame_path, write_snippets
from quilt.web.brand.targets import describe_placement
from quilt.web.clock import now
from quilt.web.guards import signed_in_only
from quilt.web.headers import allow_own_frames
from quilt.web.scripts import NEWEST, load_script
from quilt.web.settings import get_settings

DAYS = 30
MOST_PAGES = 100


@brand.get("/<int:organisation_id>/embeds/<int:placement_id>")
@signed_in_only
def show_placement(organisation_id: int, placement_id: int) -> Response:
    """The snippet to copy, and what the embed has brought in thirty days."""
    return _answer(organisation_id, placement_id)


@brand.post("/<int:organisation_id>/embeds/<int:placement_id>")
@signed_in_only
def change_embed(organisation_id: int, placement_id: int) -> Response:
    """Another name or look, or take it down, or put it up again."""
    get_desk_or_404(organisation_id, Role.EDITOR)
    placement = get_placement_or_404(organisation_id, placement_id)
    form = request.form
    action = form.get("action", "")
    if action in ("end", "restart"):
        end_placement(placement, now(), is_ended=action == "end")
        flash(
            "It is taken down: its pages show a short message." if action == "end" else "It shows again.",
            "good",
        )
        return back_to("brand.show_placement", organisation_id=organisation_id, placement_id=placement_id)
    try:
        change_placement(placement, form.get("label", ""), read_options(form))
    except (BrandRefused, ColoursRefused) as refusal:
        return _answer(organisation_id, placement_id, refusal.message, refusal.field)
    flash("Kept. Your site shows it within seconds.", "good")
    return back_to("brand.show_placement", organisation_id=organisation_id, placement_id=placement_id)


def _answer(organisation_id: int, placement_id: int, problem: str = "", field: str = "") -> Response:
    desk = get_desk_or_404(organisation_id)
    placement = get_placement_or_404(organisation_id, placement_id)
    today = now().date()
    since = today - timedelta(days=DAYS - 1)
    line = next(
        each for each in build_report(organisation_id, since, today) if each.placement.id == placement_id
    )
    options = drop_unreadable(read_options(request.form) if problem else load_options(placement.options))[0]
    target = describe_placement(placement)
    script = load_script(NEWEST)
    allow_own_frames()
    return answer(
        "brand/placement.html",
        422 if problem else 200,
        desk=desk,
        is_editor=desk.role != Role.VIEWER,
        placement=placement,
        line=describe_line(line),
        days=[(f"{day.day} {day:%b}", figures.seen) for day, figures in list_days(line, since, today)],
        day_rows=[
            (f"{day.day} {day:%B}", figures.seen, figures.opens, say(figures.visits))
            for day, figures in reversed(list_days(line, since, today))
            if figures.seen or figures.opens or figures.visits
        ],
        pages=[
            (path or "Not told", figures.seen, figures.plays, figures.opens)
            for path, figures in list(line.pages.items())[:MOST_PAGES]
        ],
        frame=frame_path(target, options) if target else "",
        height=ROOM[placement.kind][0],
        snippets=write_snippets(target, options, get_settings().base_url, script.integrity) if target else [],
        form=make_form(
            options, placement.kind, "", "", [], [options.cause] if options.cause else [], request.form
        ),
        label=request.form.get("label", placement.label)[:200],
        problem=problem,
        problem_field=field,
    )
