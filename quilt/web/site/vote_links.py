"""A vote by the link in its letter, on whatever device. Mail scanners open it too: only its button casts the vote.

The link's key is 128 bits of chance or more that stand in the letter alone, good once and as long as the code beside it.
"""

from flask import Response, redirect, url_for
from flask_login import current_user

from quilt.accounts.rules import AccountRefused, CodeUsed
from quilt.accounts.service import find_link, redeem_link
from quilt.arrivals.heads import EntryHead
from quilt.extensions import limiter
from quilt.votes.queries import list_votes_of
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.form_tickets import has_session
from quilt.web.lookups import get_head_or_404
from quilt.web.site import site
from quilt.web.site.vote_answers import refuse_link, show_link
from quilt.web.site.votes import LIMIT, cast_waiting


@site.get("/entries/<int:entry_id>/vote/confirm/<link_key>")
@limiter.limit(f"{LIMIT} per minute")
def show_vote_link(entry_id: int, link_key: str) -> Response:
    """Whose vote the link casts and for which entry, and the button that does it; nothing is used up."""
    head = get_head_or_404(entry_id)
    try:
        return show_link(head, find_link(link_key, now(), entry_id).email)
    except AccountRefused as refusal:
        return _answer_refusal(head, refusal)


@site.post("/entries/<int:entry_id>/vote/confirm/<link_key>")
@limiter.limit(f"{LIMIT} per minute")
def cast_by_link(entry_id: int, link_key: str) -> Response:
    """Sign the voter in and cast the vote that waits for them, in whatever browser the link was opened."""
    head = get_head_or_404(entry_id)
    try:
        redeemed = redeem_link(link_key, now(), entry_id)
    except AccountRefused as refusal:
        record_event("link_refused", reason=type(refusal).__name__)
        return _answer_refusal(head, refusal)
    return cast_waiting(head, redeemed, way="link")


def _answer_refusal(head: EntryHead, refusal: AccountRefused) -> Response:
    """Why the link does nothing; whoever has voted and comes back by it, or presses twice, sees their vote."""
    is_known = has_session() and current_user.is_authenticated
    if isinstance(refusal, CodeUsed) and is_known and list_votes_of(current_user.id, head.id):
        return redirect(url_for("site.show_share", entry_id=head.id, voted=1), 303)  # type: ignore[return-value]
    return refuse_link(head, refusal)
