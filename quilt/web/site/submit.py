"""Entering: a draft from the first keystroke, five steps, and then where the entry stands."""

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm

from quilt.contests.queries import find_contest_by_id, list_contests
from quilt.entries import service as entries
from quilt.entries.drafts import Draft, list_causes, list_drafts
from quilt.entries.rules import (
    LIMITS,
    TEXT_FIELDS,
    EarlierVideoKept,
    EntriesClosed,
    EntryRefused,
    NotOpenYet,
    NotReady,
    StaleDraft,
    TooManyDrafts,
    WrongState,
    check_open,
    find_text_problems,
    tidy_texts,
)
from quilt.extensions import csrf, limiter
from quilt.letters import composer
from quilt.media import service as media
from quilt.media.queries import find_video
from quilt.media.rules import MediaRefused
from quilt.media.storage import originals_of, parts_of
from quilt.media.tasks import refresh_poster
from quilt.web.clock import entropy, now
from quilt.web.context import plural
from quilt.web.errors import answer_error, wants_json
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.headers import allow_players
from quilt.web.resuming import finishes, keep_for_later
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.drafts import (
    RIGHTS,
    STEP_FIELDS,
    STEP_OF,
    STEPS,
    FileForm,
    LinkForm,
    PosterForm,
    RightsForm,
    build_form,
    find_draft_problems,
    find_reason,
    first_open_step,
    get_draft_or_404,
    list_differences,
    list_steps,
    next_step,
    step_url,
)
from quilt.web.site.naming import NameForm, build_name_form, take_name
from quilt.web.uploads import UploadTooLarge, receive_upload
from quilt.web.videos import describe_video

KNOWN_FIELDS = {"csrf_token", "step", "edit_count", "rules_version", "poster_second", *TEXT_FIELDS, *RIGHTS}
SAVES = "600 per hour"  # a draft saves itself every few seconds of typing
UPLOADS = "60 per hour"
MOST_KEPT = 12_000  # characters of one text that wait for somebody to sign in again
SENT_IN_MEANWHILE = "This entry was sent in meanwhile, so its video cannot be changed now."


def _by_person() -> str:
    return f"user {current_user.get_id()}" if current_user.is_authenticated else request.remote_addr or ""


@site.route("/submit", methods=["GET", "POST"])
@limiter.limit("60 per hour", methods=["POST"], key_func=_by_person)
def start_entry() -> Response:
    """What entering means, one's own entries so far, and the button that begins a draft."""
    if request.method == "GET":
        return _answer_start()
    if not current_user.is_authenticated:
        keep_for_later("draft", "Your entry", "/submit", contest_id=_contest_id())
        return _see(url_for("auth.show_sign_in", next="/submit"))
    return _start(_contest_id())


@finishes("draft")
def finish_draft(facts: dict[str, Any]) -> Response:
    """Begin the draft that somebody wanted before they signed in."""
    return _start(int(facts["contest_id"]))


def _start(contest_id: int) -> Response:
    try:
        entry_id = entries.start_draft(current_user.id, contest_id, now())
    except entries.NotFound:
        abort(404)
    except TooManyDrafts as refusal:
        return _answer_start(422, refusal.message)
    except EntryRefused as refusal:
        return _answer_start(409, refusal.message)
    return _see(step_url(entry_id, "cause"))


@site.get("/submit/<int:entry_id>")
@signed_in_only
def edit_entry(entry_id: int) -> Response:
    """The step that is asked for, or the first with something missing; once sent in, where the entry stands."""
    draft = get_draft_or_404(entry_id)
    if not draft.is_open:
        return _answer_state(draft)
    step = request.args.get("step", "")
    return _answer_step(draft, step if step in STEPS else first_open_step(find_draft_problems(draft)))


@site.get("/submit/<int:entry_id>/draft")
@site.get("/submit/<int:entry_id>/video")
@site.get("/submit/<int:entry_id>/link")
@site.get("/submit/<int:entry_id>/send")
@site.get("/submit/<int:entry_id>/revise")
@site.get("/submit/<int:entry_id>/withdraw")
@signed_in_only
def leave_form(entry_id: int) -> Response:
    """Addresses that take a form lead back to the steps: after signing in again, or a reload."""
    get_draft_or_404(entry_id)
    return _see(step_url(entry_id, "video" if request.path.endswith(("/video", "/link")) else ""))


@site.post("/submit/<int:entry_id>/draft")
@limiter.limit(SAVES, key_func=_by_person)
def save_draft(entry_id: int) -> Response:
    """Save what was typed, whatever it is; from a step's own button also look whether the step is complete.

    Whose session has ended meanwhile signs in again, and finds it saved.
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


def _keep_texts(entry_id: int) -> Response:
    typed = {name: request.form[name][:MOST_KEPT] for name in TEXT_FIELDS if name in request.form}
    step = request.form.get("step", "")
    path = step_url(entry_id, step if step in STEPS else "")
    if typed and not wants_json(request):
        keep_for_later(
            "texts", "What you typed", path, entry_id=entry_id, step=step, typed=typed, edit_count=_edit_count()
        )  # fmt: skip
    return _see(url_for("auth.show_sign_in", next=path))


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
    return _see(str(facts["path"]))


@site.post("/submit/<int:entry_id>/video")
@csrf.exempt  # type: ignore[untyped-decorator]  # receive_upload checks the token once the body is read
@limiter.limit(UPLOADS, key_func=_by_person)
@signed_in_only
def upload_video(entry_id: int) -> Response:
    """Take a video file; it is looked at at once and prepared by the worker."""
    get_draft_or_404(entry_id)
    settings = get_settings()
    owner_id = current_user.id
    try:
        upload = receive_upload("file", parts_of(settings), settings.max_upload_mb * 1024 * 1024, entropy)
    except UploadTooLarge:
        return _refuse_video(entry_id, 413, f"Videos can be up to {_say_size(settings.max_upload_mb)}.")
    if upload is None:
        return _refuse_video(entry_id, 422, "Choose a video file first.")
    moment, originals = now(), originals_of(settings)
    attach = entries.attaching(entry_id, owner_id, moment)
    try:
        video_id = media.receive_file(
            owner_id, upload.path, upload.name, originals, moment, entropy, attach=attach
        )
    except entries.NotFound:
        abort(404)
    except EarlierVideoKept as refusal:
        return _refuse_video(entry_id, 422, refusal.message)
    except WrongState:
        return answer_error(409, SENT_IN_MEANWHILE)
    video = find_video(video_id)
    if video is not None and video.state == "refused":
        return _refuse_video(entry_id, 422, video.message)
    if wants_json(request):
        return make_response(jsonify(_progress(get_draft_or_404(entry_id))), 201)
    return _see(step_url(entry_id, "video"))


@site.post("/submit/<int:entry_id>/link")
@limiter.limit(UPLOADS, key_func=_by_person)
@signed_in_only
def link_video(entry_id: int) -> Response:
    """Take a video at YouTube or Vimeo by its address; nothing of it is downloaded."""
    draft = get_draft_or_404(entry_id)
    form = LinkForm()
    attach = entries.attaching(entry_id, current_user.id, now())
    try:
        media.link_video(current_user.id, form.address.data or "", now(), attach=attach)
    except entries.NotFound:
        abort(404)
    except WrongState:
        return answer_error(409, SENT_IN_MEANWHILE)
    except MediaRefused as refused:
        form.address.errors = [refused.message]
        return _answer_step(draft, "video", 422, link_form=form)
    return _see(step_url(entry_id, "video"))


@site.get("/submit/<int:entry_id>/progress.json")
@signed_in_only
def show_progress(entry_id: int) -> Response:
    """How far the draft's video is, for the page that waits for it."""
    response = jsonify(_progress(get_draft_or_404(entry_id)))
    response.headers["Cache-Control"] = "private, no-store"
    return response


@site.post("/submit/<int:entry_id>/send")
@limiter.limit(UPLOADS, key_func=_by_person)
@signed_in_only
def send_in(entry_id: int) -> Response:
    """Hand the draft to the moderators; whoever has no name yet gives one along with it."""
    draft = get_draft_or_404(entry_id)
    refused = take_name()
    if refused is not None:
        return _answer_step(draft, "preview", 422, name_form=refused)
    settings = get_settings()
    address = f"{settings.base_url}{url_for('site.edit_entry', entry_id=entry_id)}"
    try:
        entries.send_in(entry_id, current_user.id, now(), composer(settings), address)
    except NotReady as refusal:
        return _answer_step(get_draft_or_404(entry_id), "preview", 422, problems=refusal.problems)
    except (EntriesClosed, NotOpenYet) as refusal:
        return _answer_step(get_draft_or_404(entry_id), "preview", 409, refusal=refusal.message)
    except WrongState:
        if draft.revision.state != "submitted":
            return answer_error(409, "This entry cannot be sent in now.")
    flash("It is sent in. Thank you!", "good")
    return _see(url_for("site.edit_entry", entry_id=entry_id))


@site.post("/submit/<int:entry_id>/revise")
@signed_in_only
def revise_entry(entry_id: int) -> Response:
    """Open a published entry for changes; what is live stays live."""
    try:
        entries.start_revision(entry_id, current_user.id, now())
    except entries.NotFound:
        abort(404)
    except WrongState:
        return answer_error(409, "This entry cannot be changed now: a change of it is being looked at.")
    return _see(step_url(entry_id, "cause"))


@site.post("/submit/<int:entry_id>/withdraw")
@signed_in_only
def withdraw_entry(entry_id: int) -> Response:
    """Take an entry back; the box says that it is meant."""
    draft = get_draft_or_404(entry_id)
    if request.form.get("sure") != "yes":
        return _answer_state(draft, 422, "Tick the box first, so that this does not happen by mistake.")
    try:
        entries.withdraw(entry_id, current_user.id, now())
    except WrongState:
        return answer_error(409, "This entry cannot be withdrawn any more.")
    flash("It is withdrawn.", "good")
    return _see(url_for("site.start_entry"))


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
        return _answer_step(fresh, step, 422, form=_with_errors(build_form(step, fresh), problems))
    return _see(step_url(draft.entry.id, next_step(step)))


def _save_rights(draft: Draft) -> Response:
    form = RightsForm()
    missing = {name: "Please tick this box." for name in RIGHTS if not form[name].data}
    if missing:
        return _answer_step(draft, "rights", 422, form=_with_errors(form, missing))
    try:
        entries.accept_rules(draft.entry.id, current_user.id, form.rules_version.data or 0, now())
    except EntryRefused as refusal:
        if isinstance(refusal, WrongState):
            raise
        fresh = build_form("rights", draft)
        return _answer_step(
            draft, "rights", 409, form=_with_errors(fresh, {"accepts_rules": refusal.message})
        )
    return _see(step_url(draft.entry.id, "preview"))


def _save_poster(draft: Draft) -> Response:
    form = PosterForm()
    second = form.poster_second.data
    if second is None or not second.is_finite():
        form.poster_second.errors = ["Give the second as a number, for example 2.5."]
        return _answer_step(draft, "preview", 422, form=form)
    video_id = entries.choose_poster(draft.entry.id, current_user.id, float(second), now())
    if video_id is not None:
        refresh_poster.later(video_id)
        flash("The new picture is being cut. It shows in a moment.", "good")
    return _see(step_url(draft.entry.id, "preview"))


def _answer_stale(draft: Draft, step: str, stale: StaleDraft) -> Response:
    if wants_json(request):
        return answer_error(412, stale.message)
    step = step if step in STEP_FIELDS else "cause"
    form = build_form(step, draft)
    assert form is not None
    for name in STEP_FIELDS[step]:
        form[name].data = stale.typed[name]
    form.edit_count.data = str(stale.edit_count)
    return _answer_step(
        draft,
        step,
        412,
        form=form,
        refusal=stale.message,
        elsewhere=list_differences(stale.saved, stale.typed),
    )


def _refuse_video(entry_id: int, status: int, message: str) -> Response:
    if wants_json(request):
        return answer_error(status, message)
    return _answer_step(get_draft_or_404(entry_id), "video", status, file_problem=message)


def _answer_start(status: int = 200, refusal: str = "") -> Response:
    moment = now()
    contests = [
        contest
        for contest in list_contests()
        if any(phase.may_submit and moment < phase.ends_at for phase in contest.phases)
    ]
    drafts = list_drafts(current_user.id) if current_user.is_authenticated else []
    page = render_template("site/submit.html", contests=contests, drafts=drafts, refusal=refusal)
    return _private(make_response(page, status))


def _answer_step(
    draft: Draft,
    step: str,
    status: int = 200,
    *,
    form: FlaskForm | None = None,
    link_form: LinkForm | None = None,
    name_form: NameForm | None = None,
    problems: Mapping[str, str] | None = None,
    refusal: str = "",
    file_problem: str = "",
    elsewhere: list[tuple[str, str]] | None = None,
) -> Response:
    """One step's page. `elsewhere` is what another tab saved; `problems` what kept it from being sent in."""
    is_playing = request.args.get("play") == "1"
    if is_playing:
        allow_players()
    page = render_template(
        f"site/submit_{step}.html",
        draft=draft,
        step=step,
        steps=list_steps(draft.entry.id),
        position=list(STEPS).index(step),
        form=form if form is not None else build_form(step, draft),
        link_form=link_form or LinkForm(formdata=None),
        file_form=FileForm(formdata=None),
        name_form=name_form or build_name_form(),
        is_playing=is_playing,
        video=describe_video(draft.video),
        reason=find_reason(draft),
        problems=problems or {},
        open_problems=find_draft_problems(draft),
        step_of={field: step_url(draft.entry.id, name) for field, name in STEP_OF.items()},
        refusal=refusal,
        file_problem=file_problem,
        elsewhere=elsewhere or [],
        causes=list_causes(draft.contest.id) if step == "cause" else [],
        contest=find_contest_by_id(draft.contest.id),
        texts=tidy_texts(draft.texts),
        limits=LIMITS,
        max_upload=_say_size(get_settings().max_upload_mb),
        max_length=_say_length(get_settings().max_video_seconds),
        next_url=step_url(draft.entry.id, next_step(step)),
        closes=_say_closing(draft),
    )
    return _private(make_response(page, status))


def _answer_state(draft: Draft, status: int = 200, refusal: str = "") -> Response:
    page = render_template(
        "site/submit_state.html",
        draft=draft,
        video=describe_video(draft.video),
        reason=find_reason(draft),
        texts=tidy_texts(draft.texts),
        refusal=refusal,
    )
    return _private(make_response(page, status))


def _progress(draft: Draft) -> dict[str, object]:
    video = describe_video(draft.video)
    if video is None:
        return {"state": "none", "percent": 0, "words": "", "message": "", "is_final": True}
    return {
        "state": video.state,
        "percent": video.percent,
        "words": video.words,
        "message": video.message,
        "is_final": video.is_final,
        "src": video.src,
        "poster": video.poster_url,
        "width": video.width,
        "height": video.height,
    }


def _say_closing(draft: Draft) -> str:
    """Why the draft could not be sent in right now, or ''."""
    if draft.entry.submitted_at is not None:
        return ""
    try:
        check_open(draft.contest.phases, now(), draft.contest.time_zone)
    except EntryRefused as refusal:
        return refusal.message
    return ""


def _with_errors(form: FlaskForm | None, problems: Mapping[str, str]) -> FlaskForm:
    assert form is not None
    for name, message in problems.items():
        form[name].errors = [message]
    return form


def _contest_id() -> int:
    text = request.form.get("contest_id", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        abort(404)
    return int(text)


def _edit_count() -> int:
    text = request.form.get("edit_count", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _say_size(megabytes: int) -> str:
    return f"{megabytes / 1024:g} GB" if megabytes >= 1024 else f"{megabytes} MB"


def _say_length(seconds: int) -> str:
    return plural(seconds // 60, "minute") if seconds % 60 == 0 else plural(seconds, "second")


def _see(address: str) -> Response:
    return make_response(redirect(address, 303))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response
