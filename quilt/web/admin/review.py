"""Reviewing one entry, and deciding."""

from dataclasses import dataclass

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from quilt.accounts.queries import find_user
from quilt.entries.drafts import Draft
from quilt.entries.rules import TEXT_FIELDS, WrongState, tidy_texts
from quilt.letters import composer
from quilt.media.queries import find_video
from quilt.moderation import service as moderation
from quilt.moderation.eligibility import set_eligibility
from quilt.moderation.queries import find_decided_texts, list_decisions
from quilt.moderation.removal import take_out_or_back
from quilt.moderation.rules import (
    ACTIONS,
    MOST_WORDS,
    REASONS,
    REMOVALS,
    AlreadyDecided,
    DecisionRefused,
    NotPublished,
    Withdrawn,
)
from quilt.web.admin import admin
from quilt.web.clock import entropy, now
from quilt.web.diffs import Piece, compare
from quilt.web.guards import staff_only
from quilt.web.headers import allow_players
from quilt.web.lookups import get_any_draft_or_404
from quilt.web.settings import get_settings
from quilt.web.videos import describe_video

_SAID = {"approve": "Approved", "ask_changes": "Changes asked for", "reject": "Not accepted"}


class DecideForm(FlaskForm):  # type: ignore[misc]
    """One decision. The reasons of both refusals stand in one list, in two groups."""

    action = RadioField(
        "Decision",
        [InputRequired()],
        choices=[SelectChoice(*pair) for pair in ACTIONS.items()],
        validate_choice=False,
    )
    reason = SelectField(
        "Reason (needed to ask for changes or to reject)",
        choices=[SelectChoice("", "No reason needed to approve")]
        + [
            SelectChoice(f"{action}:{key}", words, optgroup=ACTIONS[action])
            for action, reasons in ((name, REASONS[name]) for name in ("ask_changes", "reject"))
            for key, words in reasons.items()
        ],
        validate_choice=False,
    )
    words = TextAreaField("In your own words")
    revision_id = HiddenField()


class RemovalForm(FlaskForm):  # type: ignore[misc]
    """Taking a published entry out of the contest, or putting it back."""

    action = RadioField(
        "What to do",
        [InputRequired()],
        choices=[SelectChoice(*pair) for pair in REMOVALS.items()],
        validate_choice=False,
        id="removal-action",
    )
    reason = SelectField(
        "Reason",
        choices=[SelectChoice("", "Choose one")]
        + [
            SelectChoice(f"{action}:{key}", words, optgroup=title.partition(":")[0])
            for action, title in REMOVALS.items()
            for key, words in REASONS[action].items()
        ],
        validate_choice=False,
        id="removal-reason",
    )
    words = TextAreaField("In your own words", id="removal-words")


class PrizeForm(FlaskForm):  # type: ignore[misc]
    """Whether a published entry may win; `is_eligible` is "yes" or "no", `words` stand in the log."""

    is_eligible = HiddenField()
    words = TextAreaField("Why, in your own words", [InputRequired()], id="prize-words")


@dataclass(frozen=True)
class Change:
    """One text of the revision beside the live one."""

    name: str
    pieces: list[Piece]


@admin.get("/entries/<int:entry_id>")
@staff_only
def show_review(entry_id: int) -> Response:
    """The entry as it was sent in, what changed against the live version, what was decided before."""
    return _answer_review(get_any_draft_or_404(entry_id))


@admin.post("/entries/<int:entry_id>/decide")
@staff_only
def decide(entry_id: int) -> Response:
    """Approve, ask for changes or reject."""
    draft, form, settings = get_any_draft_or_404(entry_id), DecideForm(), get_settings()
    action = form.action.data or ""
    try:
        moderation.decide(
            entry_id,
            _revision_id(form),
            action,
            reason=(form.reason.data or "").removeprefix(f"{action}:"),
            words=form.words.data or "",
            actor_id=current_user.id,
            now=now(),
            entropy=entropy,
            compose=composer(settings),
            base_url=settings.base_url,
        )
    except DecisionRefused as refusal:
        status = 409 if isinstance(refusal, AlreadyDecided | Withdrawn) else 422
        return _refuse(get_any_draft_or_404(entry_id), form, refusal, status)
    flash(f"{_SAID[action]}: “{draft.revision.title[:80]}”. The entrant gets a mail.", "good")
    return make_response(redirect(url_for("admin.show_queue"), 303))


@admin.post("/entries/<int:entry_id>/prize")
@staff_only
def change_prize(entry_id: int) -> Response:
    """Take a published entry out of the prize, or back into it, with words for the log."""
    draft, form = get_any_draft_or_404(entry_id), PrizeForm()
    if form.is_eligible.data not in ("yes", "no"):
        return _answer_review(draft, None, 422, NotPublished.message)
    words = (form.words.data or "").replace("\x00", "").strip()
    if not words or len(words) > MOST_WORDS:
        form.words.errors = [
            f"Say why, in at most {MOST_WORDS:,} characters; it is kept in the decision log."
        ]
        return _answer_review(draft, None, 422, prize_form=form)
    is_eligible = form.is_eligible.data == "yes"
    try:
        set_eligibility(entry_id, is_eligible, words=words, actor_id=current_user.id, now=now())
    except DecisionRefused as refusal:
        return _answer_review(draft, None, 422, refusal.message)
    flash("In the prize again." if is_eligible else "Outside the prize; it is shown as before.", "good")
    return make_response(redirect(url_for("admin.show_review", entry_id=entry_id), 303))


@admin.post("/entries/<int:entry_id>/removal")
@staff_only
def remove_entry(entry_id: int) -> Response:
    """Take a published entry out of the contest, or put it back, with a reason for its entrant and the log."""
    draft, form, settings = get_any_draft_or_404(entry_id), RemovalForm(), get_settings()
    action = form.action.data or ""
    try:
        take_out_or_back(
            entry_id, action, reason=(form.reason.data or "").removeprefix(f"{action}:"), words=form.words.data or "",
            actor_id=current_user.id, now=now(), compose=composer(settings), base_url=settings.base_url,
        )  # fmt: skip
    except DecisionRefused as refusal:
        if refusal.field:
            form[refusal.field].errors = [refusal.message]
        status = 409 if isinstance(refusal, AlreadyDecided) else 422
        return _answer_review(
            get_any_draft_or_404(entry_id),
            None,
            status,
            "" if refusal.field else refusal.message,
            removal_form=form,
        )
    title = draft.entry.title[:80]
    said = (
        f"“{title}” is back in the contest." if action == "restore" else f"“{title}” is out of the contest."
    )
    flash(f"{said} The entrant gets a mail.", "good")
    return make_response(redirect(url_for("admin.show_review", entry_id=entry_id), 303))


@admin.post("/videos/<int:video_id>/rerun")
@staff_only
def rerun_video(video_id: int) -> Response:
    """Start a parked video from the beginning."""
    if find_video(video_id) is None:
        abort(404)
    try:
        moderation.rerun_video(video_id, current_user.id, now())
        flash("The video is started again.", "good")
    except WrongState:
        flash("That video is not set aside any more.", "info")
    return make_response(redirect(url_for("admin.show_queue"), 303))


def _refuse(draft: Draft, form: DecideForm, refusal: DecisionRefused, status: int) -> Response:
    if refusal.field:
        form[refusal.field].errors = [refusal.message]
    return _answer_review(draft, form, status, "" if refusal.field else refusal.message)


def _answer_review(
    draft: Draft,
    form: DecideForm | None = None,
    status: int = 200,
    refusal: str = "",
    prize_form: PrizeForm | None = None,
    removal_form: RemovalForm | None = None,
) -> Response:
    video = describe_video(draft.video)
    is_playing = request.args.get("play") == "1" and video is not None and not video.is_file
    if is_playing:
        allow_players()
    page = render_template(
        "admin/review.html",
        draft=draft,
        form=form or DecideForm(formdata=None, revision_id=draft.revision.id),
        prize_form=prize_form or PrizeForm(formdata=None),
        removal_form=removal_form or RemovalForm(formdata=None),
        video=video,
        is_playing=is_playing,
        texts=tidy_texts(draft.texts),
        changes=_list_changes(draft),
        decisions=list_decisions("entry", draft.entry.id),
        entrant=find_user(draft.entry.entrant_id),
        refusal=refusal,
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _list_changes(draft: Draft) -> list[Change]:
    """What changed against the live version, or against what was last decided on; nothing the first time."""
    if draft.entry.state == "published":
        earlier: dict[str, str] | None = {name: getattr(draft.entry, name) for name in TEXT_FIELDS}
    else:
        earlier = find_decided_texts(draft.entry.id, draft.revision.number)
    if earlier is None:
        return []
    before, fresh = tidy_texts(earlier), tidy_texts(draft.texts)
    pairs = [(name, getattr(before, name), getattr(fresh, name)) for name in TEXT_FIELDS]
    return [Change(name, compare(old, new)) for name, old, new in pairs if old != new]


def _revision_id(form: DecideForm) -> int:
    text = form.revision_id.data or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
