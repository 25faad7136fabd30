"""The queue of entries that wait for a decision, for the programs of people at the desk."""

from typing import Any

from flask import Response

from quilt.accounts.api_tokens import Bearer
from quilt.entries.drafts import Waiting, list_waiting
from quilt.web.api.answers import answer_private, build_page, make_url, read_page
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, INSTANT, NUMBER, TEXT, page, thing
from quilt.web.api.table import PAGED, Operation

MOST_WAITING = 1_000
WAITING = thing(
    entry=NUMBER, revision=NUMBER, number=NUMBER, title=TEXT, cause=TEXT, entrant=TEXT, contest_title=TEXT,
    sent_at=INSTANT, video_state=TEXT, review_url=ADDRESS,
)  # fmt: skip


@operation(
    Operation(
        "list_queue",
        "GET",
        "/moderation/queue",
        "Entries that wait for a decision, the longest waiting first.",
        "Moderation",
        page(WAITING),
        PAGED,
        "moderation:read",
    )
)
def show_queue(speaker: Bearer) -> Response:
    """A page of what waits; the decision itself is made by a person at the desk."""
    start, limit = read_page()
    waiting = list(enumerate(list_waiting(limit=MOST_WAITING), 1))[start : start + limit + 1]
    return answer_private(build_page(waiting, limit, lambda row: _tell(row[1]), lambda row: row[0]))


def _tell(line: Waiting) -> dict[str, Any]:
    return {
        "entry": line.entry_id,
        "revision": line.revision_id,
        "number": line.number,
        "title": line.title,
        "cause": line.cause,
        "entrant": line.entrant_name,
        "contest_title": line.contest_title,
        "sent_at": line.sent_at,
        "video_state": line.video_state,
        "review_url": make_url(f"/admin/entries/{line.entry_id}"),
    }
