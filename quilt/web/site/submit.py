"""Entering: where a draft begins, where it goes on, and handing it in, changing it or taking it back."""

from typing import Any

from flask import Response, abort, flash, request, url_for
from flask_login import current_user

from quilt.entries import service as entries
from quilt.entries.rules import (
    OUT,
    EntriesClosed,
    EntriesPaused,
    EntryRefused,
    NotOpenYet,
    NotReady,
    TooManyDrafts,
    WrongState,
)
from quilt.extensions import limiter
from quilt.letters import composer
from quilt.web.clock import now
from quilt.web.errors import answer_error
from quilt.web.guards import signed_in_only
from quilt.web.resuming import finishes, keep_for_later
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.draft_pages import SENDINGS, answer_start, answer_state, answer_step, by_person, see
from quilt.web.site.drafts import (
    STEPS,
    find_draft_problems,
    first_open_step,
    get_draft_or_404,
    step_url,
)
from quilt.web.site.naming import take_name


@site.route("/submit", methods=["GET", "POST"])
@limiter.limit("60 per hour", methods=["POST"], key_func=by_person)
def start_entry() -> Response:
    """What entering means, one's own entries so far, and the button that begins a draft."""
    if request.method == "GET":
        return answer_start()
    if not current_user.is_authenticated:
        keep_for_later("draft", "Your entry", "/submit", contest_id=_contest_id())
        return see(url_for("auth.show_sign_in", next="/submit"))
    return _start(_contest_id())


@finishes("draft")
def finish_draft(facts: dict[str, Any]) -> Response:
    """Begin the draft that somebody wanted before they signed in."""
    return _start(int(facts["contest_id"]))


@site.get("/submit/<int:entry_id>")
@signed_in_only
def edit_entry(entry_id: int) -> Response:
    """The step that is asked for, or the first with something missing; once sent in, where the entry stands."""
    draft = get_draft_or_404(entry_id)
    if not draft.is_open:
        return answer_state(draft)
    step = request.args.get("step", "")
    return answer_step(draft, step if step in STEPS else first_open_step(find_draft_problems(draft)))


@site.post("/submit/<int:entry_id>/send")
@limiter.limit(SENDINGS, key_func=by_person)
@signed_in_only
def send_in(entry_id: int) -> Response:
    """Hand the draft to the moderators; whoever has no name yet gives one along with it."""
    draft = get_draft_or_404(entry_id)
    refused = take_name()
    if refused is not None:
        return answer_step(draft, "preview", 422, name_form=refused)
    settings = get_settings()
    address = f"{settings.base_url}{url_for('site.edit_entry', entry_id=entry_id)}"
    try:
        entries.send_in(entry_id, current_user.id, now(), composer(settings), address)
    except NotReady as refusal:
        return answer_step(get_draft_or_404(entry_id), "preview", 422, problems=refusal.problems)
    except (EntriesClosed, EntriesPaused, NotOpenYet) as refusal:
        return answer_step(get_draft_or_404(entry_id), "preview", 409, refusal=refusal.message)
    except WrongState:
        draft = get_draft_or_404(entry_id)  # as it is now
        if draft.revision.state != "submitted" or draft.entry.state in OUT:
            return answer_error(409, "This entry cannot be sent in now.")
    flash("It is sent in. Thank you!", "good")
    return see(url_for("site.edit_entry", entry_id=entry_id))


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
    return see(step_url(entry_id, "cause"))


@site.post("/submit/<int:entry_id>/withdraw")
@signed_in_only
def withdraw_entry(entry_id: int) -> Response:
    """Take an entry back; the box says that it is meant."""
    draft = get_draft_or_404(entry_id)
    if request.form.get("sure") != "yes":
        return answer_state(draft, 422, "Tick the box first, so that this does not happen by mistake.")
    try:
        entries.withdraw(entry_id, current_user.id, now())
    except WrongState:
        return answer_error(409, "This entry cannot be withdrawn any more.")
    flash("It is withdrawn.", "good")
    return see(url_for("site.start_entry"))


def _start(contest_id: int) -> Response:
    try:
        entry_id = entries.start_draft(current_user.id, contest_id, now())
    except entries.NotFound:
        abort(404)
    except TooManyDrafts as refusal:
        return answer_start(422, refusal.message)
    except EntryRefused as refusal:
        return answer_start(409, refusal.message)
    return see(step_url(entry_id, "cause"))


def _contest_id() -> int:
    text = request.form.get("contest_id", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        abort(404)
    return int(text)
