"""A week's report, to read or to print."""

from datetime import date, timedelta

from flask import Response, abort, request

from quilt.journeys.reports import find_last_week
from quilt.standings.brought import add_up, build_report
from quilt.web.brand import brand
from quilt.web.brand.desks import answer, get_desk_or_404
from quilt.web.brand.figures import describe_line, say
from quilt.web.clock import now
from quilt.web.guards import signed_in_only

WEEK = timedelta(days=7)


@brand.get("/<int:organisation_id>/report")
@signed_in_only
def show_report(organisation_id: int) -> Response:
    """One week (by its Monday) of all embeds, compared; by default the last whole one."""
    desk = get_desk_or_404(organisation_id)
    week = _read_week(request.args.get("week", ""))
    report = build_report(organisation_id, week, week + timedelta(days=6))
    sums = add_up(line.sums for line in report)
    return answer(
        "brand/report.html",
        desk=desk,
        week=week,
        until=week + timedelta(days=6),
        before=week - WEEK,
        after=week + WEEK if week + WEEK <= now().date() else None,
        lines=[describe_line(line) for line in report],
        sums=[
            (f"{sums.seen:,}", "times seen"),
            (f"{sums.opens:,}", "times opened"),
            (say(sums.visits), "people came"),
            (say(sums.branch), "with those they brought"),
        ],
    )


def _read_week(text: str) -> date:
    if not text:
        return find_last_week(now())
    try:
        day = date.fromisoformat(text)
        monday = day - timedelta(days=day.weekday())
        _ = monday + 2 * WEEK, monday - WEEK
    except (ValueError, OverflowError):
        abort(422, "That is no day. Write it like 2026-05-04.")
    if monday > now().date():
        abort(404, "That week has not begun.")
    return monday
