"""The texts, the rights and the picture of a draft: saved as they are typed, complete when a step's button is pressed."""

from typing import Any

from flask import Response, abort, flash, jsonify, request, url_for
from flask_login import current_user

from quilt.entries import service as entries
from quilt.entries.drafts import Draft
from quilt.entries.rules import (
    TEXT_FIELDS,
    PosterFixed,
    RulesChanged,
    StaleDraft,
    WrongState,
    find_text_problems,
)
from quilt.extensions import limiter
from quilt.media.tasks import refresh_poster
from quilt.web.clock import now
from quilt.web.errors import answer_error, wants_json
from quilt.web.events import record_event
from quilt.web.resuming import finishes, keep_for_later
from quilt.web.site import site
from quilt.web.site.draft_pages import SAVES, answer_step, by_person, see, with_errors
from quilt.web.site.drafts import (
    RIGHTS,
    STEP_FIELDS,
    STEPS,
    PosterForm,
    RightsForm,
    build_form,
    get_draft_or_404,
    list_differences,
    next_step,
    step_url,
)

KNOWN_FIELDS = {"csrf_token", "step", "edit_count", "rules_version", "poster_second", *TEXT_FIELDS, *RIGHTS}
MOST_KEPT = 12_000  # characters of one text that wait for somebody to sign in again


@site.post("/submit/<int:entry_id>/draft")
@limiter.limit(SAVES, key_func=by_person)
def save_draft(entry_id: int) -> Response:
    """Save what was typed, whatever it is; from a step's own button also look whether the step is complete.

    Somebody whose session has ended meanwhile is asked to sign in again; a form's texts are saved once that is done.
    """
    if not current_user.is_authenticated:
        return _keep_texts(entry_id)
    draft = get_draft_or_404(entry_id)
    ignored = set(request.form) - KNOWN_FIELDS
    if ignored:
        record_event("fields_ignored", count=len(ignored))
    step = request.form.get("step", "")
    try:
        if step == "rights":
            return _save_rights(draft)
        if step == "preview":
            return _save_poster(draft)
        return _save_texts(draft, step)
    except StaleDraft as stale:
        return _answer_stale(draft, step, stale)
    except WrongState:
        return answer_error(409, "This entry was sent in meanwhile, so it cannot be changed now.")


@finishes("texts")
def finish_texts(facts: dict[str, Any]) -> Response:
    """Save what was typed into a draft by somebody who had to sign in again."""
    draft, step = get_draft_or_404(int(facts["entry_id"])), str(facts["step"])
    try:
        entries.save_draft(draft.entry.id, current_user.id, facts["edit_count"], facts["typed"], now())
    except StaleDraft as stale:
        return _answer_stale(draft, step, stale)
    except WrongState:
        return answer_error(409, "This entry was sent in meanwhile, so it cannot be changed now.")
    flash("What you typed is saved.", "good")
    return see(str(facts["path"]))


def _keep_texts(entry_id: int) -> Response:
    typed = {name: request.form[name][:MOST_KEPT] for name in TEXT_FIELDS if name in request.form}
    step = request.form.get("step", "")
    path = step_url(entry_id, step if step in STEPS else "")
    if typed and not wants_json(request):
        keep_for_later(
            "texts", "What you typed", path, entry_id=entry_id, step=step, typed=typed, edit_count=_edit_count()
        )  # fmt: skip
    return see(url_for("auth.show_sign_in", next=path))


def _save_texts(draft: Draft, step: str) -> Response:
    typed = {name: request.form[name] for name in TEXT_FIELDS if name in request.form}
    edit_count = entries.save_draft(draft.entry.id, current_user.id, _edit_count(), typed, now())
    if wants_json(request):
        return jsonify(edit_count=edit_count, saved_at=now().isoformat())
    if step not in STEP_FIELDS:
        abort(400)
    fresh = get_draft_or_404(draft.entry.id)
    problems = find_text_problems(fresh.texts, STEP_FIELDS[step])
    if problems:
        return answer_step(fresh, step, 422, form=with_errors(build_form(step, fresh), problems))
    return see(step_url(draft.entry.id, next_step(step)))


def _save_rights(draft: Draft) -> Response:
    form = RightsForm()
    missing = {name: "Please tick this box." for name in RIGHTS if not form[name].data}
    if missing:
        return answer_step(draft, "rights", 422, form=with_errors(form, missing))
    try:
        entries.accept_rules(draft.entry.id, current_user.id, form.rules_version.data or 0, now())
    except RulesChanged as refusal:
        fresh = build_form("rights", draft)
        return answer_step(draft, "rights", 409, form=with_errors(fresh, {"accepts_rules": refusal.message}))
    return see(step_url(draft.entry.id, "preview"))


def _save_poster(draft: Draft) -> Response:
    form = PosterForm()
    second = form.poster_second.data
    if second is None or not second.is_finite():
        form.poster_second.errors = ["Give the second as a number, for example 2.5."]
        return answer_step(draft, "preview", 422, form=form)
    try:
        video_id = entries.choose_poster(draft.entry.id, current_user.id, float(second), now())
    except PosterFixed as refusal:
        return answer_step(get_draft_or_404(draft.entry.id), "preview", 409, refusal=refusal.message)
    if video_id is not None:
        refresh_poster.later(video_id)
        flash("The new picture is being cut. It shows in a moment.", "good")
    return see(step_url(draft.entry.id, "preview"))


def _answer_stale(draft: Draft, step: str, stale: StaleDraft) -> Response:
    if wants_json(request):
        return answer_error(412, stale.message)
    step = step if step in STEP_FIELDS else "cause"
    form = build_form(step, draft)
    assert form is not None
    for name in STEP_FIELDS[step]:
        form[name].data = stale.typed[name]
    form.edit_count.data = str(stale.edit_count)
    return answer_step(
        draft,
        step,
        412,
        form=form,
        refusal=stale.message,
        elsewhere=list_differences(stale.saved, stale.typed),
    )


def _edit_count() -> int:
    text = request.form.get("edit_count", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
