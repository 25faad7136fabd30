"""Comments under an entry: written by signed-in people, taken back by them, hidden by staff."""

from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.arrivals.heads import EntryHead
from quilt.community.queries import find_comment_entry
from quilt.community.rules import LONGEST_COMMENT, CommentRefused, NotYours
from quilt.community.service import add_comment as add
from quilt.community.service import remove_comment as remove
from quilt.contests.queries import find_contest_by_id
from quilt.contests.rules import NotNow, describe_refusal
from quilt.extensions import csrf, limiter
from quilt.moderation.comments import set_comment_state
from quilt.web.clock import now
from quilt.web.form_tickets import has_fitting_ticket
from quilt.web.guards import signed_in_only, staff_only
from quilt.web.lookups import get_head_or_404
from quilt.web.resuming import finishes, keep_for_later
from quilt.web.site import site
from quilt.web.site.naming import MOST_KEPT, NameForm, build_name_form, take_name


@site.post("/entries/<int:entry_id>/comments")
@limiter.limit("10 per 5 minutes; 60 per day", methods=["POST"])
@signed_in_only
def add_comment(entry_id: int) -> Response:
    """Add what was written, and go back to it; a refusal keeps the words. Whoever has no name yet may give one."""
    return _add(get_head_or_404(entry_id), request.form.get("text", ""), request.form.get("name", ""))


@site.post("/entries/<int:entry_id>/comments/later")
@csrf.exempt  # type: ignore[untyped-decorator]  # the page is the same for all strangers: its ticket is the proof
@limiter.limit("10 per 5 minutes; 60 per day", methods=["POST"])
def keep_comment(entry_id: int) -> Response:
    """Keep what somebody wrote while they sign in; then it is added by itself."""
    head, text = get_head_or_404(entry_id), request.form.get("text", "")[: 4 * LONGEST_COMMENT]
    if current_user.is_authenticated:
        return _ask_again(head, text, "You are signed in meanwhile: press the button once more.", 403)
    if not has_fitting_ticket(entry_id):
        abort(
            403,
            "The page was open too long. Go back, reload, and send it again: the browser keeps your words.",
        )
    path = url_for("site.show_entry", entry_id=head.id, slug=head.slug, _anchor="comments")
    name = request.form.get("name", "")[:MOST_KEPT]
    keep_for_later("comment", "What you wrote", path, entry_id=entry_id, text=text, name=name)
    return make_response(redirect(url_for("auth.show_sign_in", next=path), 303))


@finishes("comment")
def finish_comment(facts: dict[str, Any]) -> Response:
    """Add the words that waited while their writer signed in."""
    return _add(get_head_or_404(int(facts["entry_id"])), str(facts["text"]), str(facts.get("name", "")))


def _add(head: EntryHead, text: str, name: str) -> Response:
    refused = take_name(name)
    if refused is not None:
        return _ask_again(head, text, "", 422, refused)
    try:
        comment_id = add(head.id, current_user.id, text, now())
    except CommentRefused as refusal:
        return _ask_again(head, text, refusal.message, 422)
    except NotNow as refusal:
        contest = find_contest_by_id(head.contest_id)
        return _ask_again(head, text, describe_refusal(refusal, contest.time_zone if contest else "UTC"), 409)
    return _back_to(head, f"comment-{comment_id}")


@site.post("/comments/<int:comment_id>/remove")
@signed_in_only
def remove_comment(comment_id: int) -> Response:
    """Take one's own comment back, for good."""
    head = _head_of(comment_id)
    try:
        remove(comment_id, current_user.id)
    except NotYours:
        abort(404)
    flash("Your comment is gone.", "good")
    return _back_to(head, "comments")


@site.post("/comments/<int:comment_id>/hide")
@staff_only
def hide_comment(comment_id: int) -> Response:
    """Hide a comment; the log says who did."""
    head = _head_of(comment_id)
    set_comment_state(comment_id, "hide", request.form.get("words", "")[:300], current_user.id, now())
    flash("The comment is hidden. The log keeps who hid it.", "good")
    return _back_to(head, "comments")


def _head_of(comment_id: int) -> EntryHead:
    entry_id = find_comment_entry(comment_id)
    if entry_id is None:
        abort(404, "We cannot find that comment. It may be gone already.")
    return get_head_or_404(entry_id)


def _back_to(head: EntryHead, anchor: str) -> Response:
    address = url_for("site.show_entry", entry_id=head.id, slug=head.slug, _anchor=anchor)
    return make_response(redirect(address, 303))


def _ask_again(
    head: EntryHead, text: str, problem: str, status: int, name_form: NameForm | None = None
) -> Response:
    """The words once more, with what is wrong with them or with the name beside them."""
    page = render_template(
        "site/comment.html",
        head=head,
        text=text[: 4 * LONGEST_COMMENT],
        problem=problem,
        name_form=name_form or build_name_form(),
        most=LONGEST_COMMENT,
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
