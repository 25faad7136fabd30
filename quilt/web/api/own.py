"""What is one's own: for the program of a person who gave it a token."""

from typing import Any

from flask import Response

from quilt.accounts.api_tokens import Bearer
from quilt.entries.drafts import Draft, list_drafts
from quilt.votes.queries import CastVote, list_votes_of
from quilt.web.api.answers import answer_private, build_page, make_url, read_page
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, INSTANT, NUMBER, TEXT, many, maybe, page, thing
from quilt.web.api.table import PAGED, Operation

ME = thing(id=NUMBER, name=TEXT, role=TEXT, scopes=many(TEXT))
OWN_ENTRY = thing(
    id=NUMBER, contest=TEXT, state=TEXT, title=TEXT, cause=TEXT, video_state=maybe(TEXT), url=ADDRESS,
    submitted_at=maybe(INSTANT), published_at=maybe(INSTANT),
)  # fmt: skip
OWN_VOTE = thing(
    receipt=TEXT,
    receipt_url=ADDRESS,
    state=TEXT,
    cast_at=INSTANT,
    period=TEXT,
    entry=NUMBER,
    entry_title=TEXT,
)


@operation(
    Operation(
        "show_me", "GET", "/me", "Whose token this is, and what it may do.", "Mine", ME, scope="me:read"
    )
)
def show_me(speaker: Bearer) -> Response:
    """The person behind the token."""
    scopes = sorted(speaker.scopes)
    return answer_private(
        {"id": speaker.user_id, "name": speaker.name, "role": speaker.role, "scopes": scopes}
    )


@operation(
    Operation(
        "list_my_entries",
        "GET",
        "/me/entries",
        "My entries, drafts too, the newest first.",
        "Mine",
        page(OWN_ENTRY),
        PAGED,
        "me:read",
    )
)
def show_my_entries(speaker: Bearer) -> Response:
    """A page of the person's entries."""
    before, limit = read_page()
    drafts = [draft for draft in list_drafts(speaker.user_id) if not before or draft.entry.id < before]
    return answer_private(build_page(drafts[: limit + 1], limit, _tell_entry, lambda draft: draft.entry.id))


@operation(
    Operation(
        "list_my_votes",
        "GET",
        "/me/votes",
        "My last 200 votes with their receipts, the newest first.",
        "Mine",
        page(OWN_VOTE),
        PAGED,
        "me:read",
    )
)
def show_my_votes(speaker: Bearer) -> Response:
    """A page of the person's votes."""
    start, limit = read_page()
    votes = list(enumerate(list_votes_of(speaker.user_id), 1))[start : start + limit + 1]
    return answer_private(build_page(votes, limit, lambda row: _tell_vote(row[1]), lambda row: row[0]))


def _tell_entry(draft: Draft) -> dict[str, Any]:
    entry, is_public = draft.entry, draft.entry.state == "published"
    path = f"/entries/{entry.id}-{entry.slug}" if is_public else f"/submit/{entry.id}"
    return {
        "id": entry.id,
        "contest": draft.contest.slug,
        "state": entry.state,
        "title": entry.title if is_public else draft.revision.title,
        "cause": entry.cause if is_public else draft.revision.cause,
        "video_state": draft.video.state if draft.video else None,
        "url": make_url(path),
        "submitted_at": entry.submitted_at,
        "published_at": entry.published_at,
    }


def _tell_vote(vote: CastVote) -> dict[str, Any]:
    return {
        "receipt": vote.receipt,
        "receipt_url": make_url(f"/receipts/{vote.receipt}"),
        "state": vote.state,
        "cast_at": vote.cast_at,
        "period": vote.period,
        "entry": vote.entry_id,
        "entry_title": vote.entry_title,
    }
