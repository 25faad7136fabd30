"""The queue: what waits for a decision, oldest first, and what waits for a person."""

from flask import Response, make_response, render_template, request

from quilt.entries.drafts import count_by_state, list_waiting
from quilt.media.queries import count_in_work
from quilt.moderation.queries import list_parked
from quilt.web.admin import admin
from quilt.web.guards import staff_only

STATES = {
    "submitted": "Waiting",
    "needs_changes": "Changes asked for",
    "approved": "Approved",
    "rejected": "Not accepted",
    "draft": "Drafts",
}


@admin.get("")
@staff_only
def show_queue() -> Response:
    """Entries in one state, by default those that wait."""
    state = request.args.get("state", "submitted")
    state = state if state in STATES else "submitted"
    page = render_template(
        "admin/queue.html",
        state=state,
        states=STATES,
        counts=count_by_state(),
        waiting=list_waiting(state),
        parked=list_parked(),
        in_work=count_in_work(),
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response
