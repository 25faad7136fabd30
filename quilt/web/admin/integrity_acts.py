"""What is done at the fraud desk: votes held, counted and rejected, decisions undone, appeals answered."""

from typing import Any

from flask import Response, flash, make_response, redirect, request, url_for
from flask_login import current_user

from quilt.integrity import desk
from quilt.integrity.appeals import (
    OUTCOMES,
    AlreadyAnswered,
    AppealRefused,
    Changed,
    answer_appeal,
    list_appeals,
)
from quilt.integrity.reviews import ReviewRefused, review_votes, try_review, undo_review
from quilt.web.admin import admin
from quilt.web.admin.integrity import answer, answer_stretch, find_contest, read_stretch
from quilt.web.clock import now
from quilt.web.context import plural
from quilt.web.guards import staff_only
from quilt.web.lookups import get_any_draft_or_404

DONE = {"held": "held", "counted": "counted", "rejected": "rejected"}


@admin.post("/integrity/entries/<int:entry_id>")
@staff_only
def review_stretch(entry_id: int) -> Response:
    """Try a decision about the votes that are looked at, then do it: the second time with the seal of the first."""
    draft = get_any_draft_or_404(entry_id)
    begin, end, key, problem = read_stretch(draft)
    form = {name: request.form.get(name, "") for name in ("after", "reason", "words", "seal")}
    if problem:
        return answer_stretch(draft, 422, typed=form)
    ids = [vote.id for vote in desk.list_votes(entry_id, begin, end, key)]
    try:
        trial = try_review(ids, form["after"])
        if not form["seal"]:
            return answer_stretch(draft, trial=trial, typed=form)
        review_votes(
            ids, form["after"], reason=form["reason"], words=form["words"], seal=form["seal"],
            actor_id=current_user.id, now=now(), contest_id=draft.contest.id, entry_id=entry_id,
        )  # fmt: skip
    except ReviewRefused as refusal:
        tried = try_review(ids, form["after"]) if refusal.field in ("reason", "words") else None
        status = 422 if refusal.field else 409
        return answer_stretch(draft, status, refusal=refusal.message, typed=form, trial=tried)
    flash(f"{plural(len(trial.vote_ids), 'vote')} {DONE[form['after']]}. The fraud desk keeps why.", "good")
    stretch: dict[str, Any] = {name: request.form.get(name, "") for name in ("from", "to")}
    page = url_for("admin.show_stretch", entry_id=entry_id, _anchor="main", **stretch)
    return make_response(redirect(page, 303))


@admin.post("/integrity/reviews/<int:review_id>/undo")
@staff_only
def undo_stretch(review_id: int) -> Response:
    """Bring the votes of one decision back, as far as nobody has decided about them since."""
    try:
        undo_review(review_id, words=request.form.get("words", ""), actor_id=current_user.id, now=now())
        flash("Undone. The fraud desk keeps both.", "good")
    except ReviewRefused as refusal:
        flash(refusal.message, "bad")
    contest = request.args.get("contest", "")
    return make_response(redirect(url_for("admin.show_integrity", contest=contest), 303))


@admin.get("/integrity/appeals")
@staff_only
def show_appeals() -> Response:
    """Appeals that wait, and those that were answered."""
    return _answer_appeals()


@admin.post("/integrity/appeals/<int:appeal_id>")
@staff_only
def answer_one(appeal_id: int) -> Response:
    """Answer an appeal; whoever decided about the votes cannot."""
    form = {
        "id": str(appeal_id),
        "outcome": request.form.get("outcome", ""),
        "words": request.form.get("words", ""),
    }
    try:
        votes = answer_appeal(
            appeal_id,
            form["outcome"],
            form["words"],
            actor_id=current_user.id,
            now=now(),
        )
    except AppealRefused as refusal:
        status = 409 if isinstance(refusal, AlreadyAnswered | Changed) else 422
        return _answer_appeals(status, str(refusal), form)
    flash(f"Answered. {plural(votes, 'vote')} {'counts' if votes == 1 else 'count'} by it.", "good")
    return make_response(
        redirect(url_for("admin.show_appeals", contest=request.args.get("contest", "")), 303)
    )


def _answer_appeals(status: int = 200, refusal: str = "", typed: dict[str, str] | None = None) -> Response:
    contests = desk.list_doubtful_contests()
    contest = find_contest(contests)
    if contest is None:
        return answer("admin/integrity_empty.html")
    waiting = list_appeals(contest[0], is_open=True)
    return answer(
        "admin/integrity_appeals.html", status, contests=contests, contest=contest, waiting=waiting,
        answerable={one.id for one in waiting if one.may_be_answered_by(current_user.id)}, answered=list_appeals(contest[0], is_open=False),
        outcomes=OUTCOMES, refusal=refusal, typed=typed or {},
    )  # fmt: skip
