"""A vote by the link in its letter, on whatever device. Mail scanners open it too: only its button casts the vote.

The link's key is 128 bits of chance or more that stand in the letter alone, good once and as long as the code beside it.
"""

from flask import Response

from quilt.accounts.rules import AccountRefused, UnknownCode
from quilt.accounts.service import find_link, redeem_link
from quilt.extensions import limiter
from quilt.web.clock import now
from quilt.web.lookups import get_head_or_404
from quilt.web.signing_in import sign_in
from quilt.web.site import site
from quilt.web.site.vote_answers import show_link
from quilt.web.site.votes import LIMIT, cast_waiting
from quilt.web.words import describe_account_refusal


@site.get("/entries/<int:entry_id>/vote/confirm/<link_key>")
@limiter.limit(f"{LIMIT} per minute")
def show_vote_link(entry_id: int, link_key: str) -> Response:
    """Whose vote the link casts and for which entry, and the button that does it; nothing is used up."""
    head = get_head_or_404(entry_id)
    try:
        code = find_link(link_key, now(), entry_id)
    except AccountRefused as refusal:
        return show_link(head, *_describe(refusal))
    return show_link(head, email=code.email)


@site.post("/entries/<int:entry_id>/vote/confirm/<link_key>")
@limiter.limit(f"{LIMIT} per minute")
def cast_by_link(entry_id: int, link_key: str) -> Response:
    """Sign the voter in and cast the vote that waits for them, in whatever browser the link was opened."""
    head = get_head_or_404(entry_id)
    try:
        redeemed = redeem_link(link_key, now(), entry_id)
    except AccountRefused as refusal:
        return show_link(head, *_describe(refusal))
    sign_in(redeemed.user, now(), way="link")
    return cast_waiting(head, redeemed)


def _describe(refusal: AccountRefused) -> tuple[int, str]:
    if isinstance(refusal, UnknownCode):
        return 410, "We do not know this link. It may be cut off at the end, or too old. Ask for a new code."
    return describe_account_refusal(refusal)
