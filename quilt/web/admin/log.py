"""The log of decisions."""

from flask import Response, abort, make_response, render_template, request

from quilt.moderation.queries import count_log, list_log
from quilt.web.admin import admin
from quilt.web.guards import staff_only

ROWS = 50


@admin.get("/log")
@staff_only
def show_log() -> Response:
    """A page of decisions, the newest first."""
    number, count = read_page(), count_log()
    page = render_template(
        "admin/log.html",
        decisions=list_log(ROWS, (number - 1) * ROWS),
        count=count,
        number=number,
        page_count=max(1, -(-count // ROWS)),
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def read_page() -> int:
    """The page of a list that the address asks for, from 1. Aborts with 422 where there can be none."""
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 7) or int(text) == 0:
        abort(422, "There is no such page.")
    return int(text)
