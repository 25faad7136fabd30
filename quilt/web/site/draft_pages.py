"""The pages of entering: where it begins, one step of a draft, and where an entry stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Response, make_response, redirect, render_template, request
from flask_login import current_user
from flask_wtf import FlaskForm

from quilt.contests.queries import ContestFacts, PhaseFacts, find_contest_by_id, list_contests
from quilt.contests.rules import Action, Window, find_pause, list_windows, may
from quilt.entries.drafts import Draft, list_causes, list_drafts
from quilt.entries.rules import LIMITS, EntryRefused, check_open, tidy_texts
from quilt.web.clock import now
from quilt.web.context import plural
from quilt.web.headers import allow_players
from quilt.web.settings import get_settings
from quilt.web.site.drafts import (
    STEP_OF,
    STEPS,
    FileForm,
    LinkForm,
    build_form,
    find_draft_problems,
    find_reason,
    list_steps,
    next_step,
    step_url,
)
from quilt.web.site.naming import NameForm, build_name_form
from quilt.web.videos import describe_video

SAVES = "600 per hour"  # a draft saves itself every few seconds of typing
UPLOADS = "60 per hour"
SENDINGS = "60 per hour"


@dataclass(frozen=True, slots=True)
class Call:
    """A contest to enter: the stretches of time that are left for it, and the pause it is in."""

    contest: ContestFacts
    windows: tuple[Window, ...]
    pause: PhaseFacts | None
    is_open: bool


def answer_start(status: int = 200, refusal: str = "") -> Response:
    """What entering means, the contests that are open or will be, and one's own entries; `refusal` says what went wrong."""
    moment = now()
    calls = [call for contest in list_contests() if (call := _build_call(contest, moment)).windows]
    drafts = list_drafts(current_user.id) if current_user.is_authenticated else []
    page = render_template("site/submit.html", calls=calls, drafts=drafts, refusal=refusal)
    return _private(make_response(page, status))


def answer_step(
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
    open_problems = find_draft_problems(draft)
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
        open_problems=open_problems,
        missing={list(STEPS).index(STEP_OF[field]) for field in open_problems},
        step_of={field: step_url(draft.entry.id, name) for field, name in STEP_OF.items()},
        refusal=refusal,
        file_problem=file_problem,
        elsewhere=elsewhere or [],
        causes=list_causes(draft.contest.id) if step == "cause" else [],
        contest=find_contest_by_id(draft.contest.id),
        texts=tidy_texts(draft.texts),
        limits=LIMITS,
        max_upload=say_size(get_settings().max_upload_mb),
        max_length=_say_length(get_settings().max_video_seconds),
        next_url=step_url(draft.entry.id, next_step(step)),
        closes=_say_closing(draft),
    )
    return _private(make_response(page, status))


def answer_state(draft: Draft, status: int = 200, refusal: str = "") -> Response:
    """Where an entry stands once it was sent in; `refusal` says what went wrong."""
    page = render_template(
        "site/submit_state.html",
        draft=draft,
        video=describe_video(draft.video),
        reason=find_reason(draft),
        texts=tidy_texts(draft.texts),
        refusal=refusal,
    )
    return _private(make_response(page, status))


def with_errors(form: FlaskForm | None, problems: Mapping[str, str]) -> FlaskForm:
    """The form with a message at each of these fields."""
    assert form is not None
    for name, message in problems.items():
        form[name].errors = [message]
    return form


def see(address: str) -> Response:
    """On to a page after a form, which a reload does not send again."""
    return make_response(redirect(address, 303))


def by_person() -> str:
    """Whose requests count together for a limit: the person's, a stranger's address."""
    return f"user {current_user.get_id()}" if current_user.is_authenticated else request.remote_addr or ""


def say_size(megabytes: int) -> str:
    """2 GB, 500 MB."""
    return f"{megabytes / 1024:g} GB" if megabytes >= 1024 else f"{megabytes} MB"


def _build_call(contest: ContestFacts, moment: datetime) -> Call:
    windows = list_windows(contest.phases, Action.SUBMIT)
    left = tuple((start, end) for start, end in windows if end > moment)
    pause = find_pause(contest.phases, moment)
    return Call(contest, left, pause, may(contest.phases, Action.SUBMIT, moment))


def _say_closing(draft: Draft) -> str:
    """Why the draft could not be sent in right now, or ''."""
    if draft.entry.submitted_at is not None:
        return ""
    try:
        check_open(draft.contest.phases, now(), draft.contest.time_zone)
    except EntryRefused as refusal:
        return refusal.message
    return ""


def _say_length(seconds: int) -> str:
    return plural(seconds // 60, "minute") if seconds % 60 == 0 else plural(seconds, "second")


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response
