"""What a vote is answered with: its receipt, a refusal, or the form once more with everything that was typed."""

import time

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts.queries import find_redeemer, is_letter_late, is_letter_used
from quilt.accounts.rules import AccountRefused, CodeExpired, TooManyTries
from quilt.arrivals.heads import EntryHead
from quilt.database import db
from quilt.entries.models import Entry
from quilt.votes.ballots import Receipt
from quilt.votes.casting_models import VoteKey
from quilt.votes.queries import find_vote_key, list_votes_of
from quilt.votes.rules import Policy, VoteRefused
from quilt.web.clock import now
from quilt.web.errors import wants_json
from quilt.web.form_tickets import new_ticket
from quilt.web.json_bodies import answer_json
from quilt.web.plain import Answer, AnyRequest, tell_json
from quilt.web.request_keys import KeyUnreadable, read_key
from quilt.web.settings import get_settings
from quilt.web.words import (
    describe_account_refusal,
    describe_link_refusal,
    describe_vote_refusal,
    list_vote_facts,
)

TWICE_WAITS = (0, 0.05, 0.1, 0.2, 0.4)  # seconds before each look for the vote of a form that was sent twice


def answer_receipt(request: AnyRequest, entry_id: int, receipt: Receipt) -> Answer:
    """The vote was cast: on to passing it on, or the receipt for who asks in JSON."""
    if wants_json(request):
        facts = {
            "receipt": receipt.receipt,
            "cast_at": receipt.cast_at.isoformat(),
            "path": f"/s/{receipt.node.code}",
        }
        return tell_json(facts, 201)
    return Answer(
        303, headers=[("Location", f"/entries/{entry_id}/share?voted=1"), ("Cache-Control", "no-store")]
    )


def find_earlier(entry_id: int) -> VoteKey | None:
    """The vote for this entry that the request's Idempotency-Key stands for already; None where there is none."""
    try:
        key = read_key(request)
    except KeyUnreadable:
        key = None
    earlier = find_vote_key(current_user.id, key) if key and current_user.is_authenticated else None
    return earlier if earlier is not None and earlier.entry_id == entry_id else None


def repeat_receipt(entry_id: int) -> Response:
    """The answer to a vote for an entry that is gone: the receipt once more for a repeated request, else 404."""
    earlier = find_earlier(entry_id)
    if earlier is None:
        abort(404, "We cannot find that entry. It may have been withdrawn.")
    return _show_earlier(earlier.receipt, "That vote was cast before. The entry has gone since.")


def answer_twice(head: EntryHead, pending: dict[str, str], code: str) -> Response | None:
    """The receipt of the vote that this browser's code has cast a moment ago; None where it has cast none.

    The form was sent twice at once, then: the code is used before the vote is in, which takes a moment.
    """
    user_id = find_redeemer(pending["token"], code, get_settings().secret_key, now())
    if user_id is None:
        return None
    for wait in TWICE_WAITS:
        time.sleep(wait)
        db.session.rollback()  # it would go on seeing the database as it was before
        votes = list_votes_of(user_id, head.id)
        if votes:
            return _show_earlier(votes[0].receipt, "That vote has been cast.")
    return None


def answer_refusal(head: EntryHead, refusal: VoteRefused, policy: Policy) -> Response:
    """Why no vote was cast, and what can be done; who has voted before gets that receipt."""
    status, words = describe_vote_refusal(refusal, policy.time_zone)
    if wants_json(request):
        return answer_json({"detail": words, **list_vote_facts(refusal)}, status)
    return _answer_page(
        "site/vote_refused.html",
        head,
        status,
        words=words,
        refusal=type(refusal).__name__,
        tiers=policy.tiers,
    )


def ask_again(head: EntryHead) -> Response:
    """The page was open for long, or somebody signed in meanwhile: one click renews it, the address is kept."""
    return ask_address(head, 403, "The page was open too long. Nothing is lost: press the button once more.")


def ask_address(head: EntryHead, status: int, words: str, *, may_go_on: bool = False) -> Response:
    """The form once more with what went wrong; what was typed, and how one came, stay in it.

    `may_go_on`: a second button takes the address as it is.
    """
    address = request.form.get("email", "")[:400]
    via, channel = read_way()
    return _answer_page(
        "site/vote_address.html", head, status, words=words, address=address, via=via, channel=channel,
        may_go_on=may_go_on,
    )  # fmt: skip


def show_confirm(head: EntryHead, pending: dict[str, str], refusal: AccountRefused | None = None) -> Response:
    """The page that takes the code, with what was wrong with the one before; only another one helps where it is over."""
    status, words = (200, "") if refusal is None else describe_account_refusal(refusal)
    token = pending.get("token", "")
    return _answer_page(
        "site/vote_confirm.html", head, status, words=words, email=pending.get("email", ""),
        is_over=isinstance(refusal, CodeExpired | TooManyTries), is_late=is_letter_late(token, now()), is_used=is_letter_used(token),
        detail="A code was sent.",
    )  # fmt: skip


def show_link(head: EntryHead, email: str) -> Response:
    """The page of the letter's link: the button that casts the vote of this address."""
    return _answer_page("site/vote_link.html", head, 200, words="", email=email, detail="Press to confirm.")


def refuse_link(head: EntryHead, refusal: AccountRefused) -> Response:
    """Why the letter's link casts no vote."""
    return _answer_page("site/vote_link.html", head, 410, words=describe_link_refusal(refusal))


def ask_for_cookies(head: EntryHead) -> Response:
    """Nothing waits in a browser that has no session: it keeps no cookies, or it is not the one that asked."""
    words = (
        "This browser keeps no cookies of ours, so it cannot take the code. Allow cookies or sign in to vote, or open "
        "the link in the letter in a browser that keeps them."
    )
    return _answer_page("site/vote_refused.html", head, 403, words=words, refusal="NoCookies", tiers=())


def read_way() -> tuple[str, str]:
    """By whose link the form's sender came, and by which channel, as the form says."""
    return request.form.get("via", "")[:16], request.form.get("c", "")[:16]


def find_entry_address(head: EntryHead) -> str:
    """The path of the entry that the vote is for."""
    return url_for("site.show_entry", entry_id=head.id, slug=head.slug)


def _show_earlier(receipt: str, words: str) -> Response:
    """On to the receipt of a vote that was cast before; `words` for programs."""
    if wants_json(request):
        return answer_json({"detail": words, "receipt": receipt}, 200)
    return make_response(redirect(url_for("site.show_receipt", number=receipt), 303))


def _answer_page(
    template: str, head: EntryHead, status: int, *, words: str, detail: str = "", **facts: object
) -> Response:
    """A page, and for programs `words`, or `detail` where nothing went wrong."""
    if wants_json(request):
        return answer_json({"detail": words or detail, "status": status}, status)
    entry = db.session.get_one(Entry, head.id)
    if entry.state != "published":
        abort(404)
    response = make_response(
        render_template(template, entry=entry, ticket=new_ticket(head.id), words=words, **facts), status
    )
    response.headers["Cache-Control"] = "no-store"
    return response
