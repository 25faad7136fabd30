"""Taking a branch of an entry's spread out of the figures, and putting it back."""

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.validators import InputRequired

from quilt.arrivals.exclusions import (
    Branch,
    ExclusionRefused,
    ReasonRefused,
    exclude_arrival,
    list_branches,
    list_excluded,
    list_log,
    restore_arrival,
)
from quilt.arrivals.queries import describe_spread
from quilt.entries.drafts import Draft
from quilt.spread.attribution import CHANNELS
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.admin import admin
from quilt.web.clock import now
from quilt.web.guards import staff_only
from quilt.web.lookups import get_any_draft_or_404

MOST_BRANCHES = 20
MOST_ROWS = 100
ACTIONS = {"exclude": exclude_arrival, "restore": restore_arrival}


class BranchForm(FlaskForm):  # type: ignore[misc]
    """One decision about one branch; `reason` stands in the log."""

    action = HiddenField()
    arrival_id = SelectField("Which branch", [InputRequired()], validate_choice=False)
    reason = TextAreaField("Why", [InputRequired()])


@admin.get("/entries/<int:entry_id>/spread")
@staff_only
def show_branches(entry_id: int) -> Response:
    """The largest branches, those that are out of the figures, and what was decided about them."""
    return _answer(get_any_draft_or_404(entry_id))


@admin.post("/entries/<int:entry_id>/spread")
@staff_only
def change_branch(entry_id: int) -> Response:
    """Take a branch out of the figures, or put it back."""
    draft, form = get_any_draft_or_404(entry_id), BranchForm()
    decide = ACTIONS.get(form.action.data or "")
    if decide is None:
        return _answer(draft, status=422, refusal="That is not a decision. Nothing was changed.")
    try:
        done = decide(
            _read_number(form), current_user.id, form.reason.data or "", now=now(), entry_id=entry_id
        )
    except ReasonRefused as refusal:
        form.reason.errors = [refusal.message]
        return _answer(draft, form, 422)
    except ExclusionRefused as refusal:
        return _answer(draft, form, 409, refusal.message)
    verb = "left the figures" if form.action.data == "exclude" else "count again"
    flash(f"{_say_people(done.people)} {verb}. The log keeps why.", "good")
    return make_response(redirect(url_for("admin.show_branches", entry_id=entry_id), 303))


def _answer(draft: Draft, form: BranchForm | None = None, status: int = 200, refusal: str = "") -> Response:
    entry_id = draft.entry.id
    branches, excluded = list_branches(entry_id, MOST_BRANCHES), list_excluded(entry_id)
    page = render_template(
        "admin/branches.html",
        draft=draft,
        figures=describe_spread(entry_id),
        branches=[(branch, _say_way(branch), _say_people(branch.people)) for branch in branches],
        excluded=[(branch, _say_way(branch)) for branch in excluded],
        exclude_form=_offer("exclude", branches, form),
        restore_form=_offer("restore", excluded, form),
        decisions=[(row, _say_people(row.people)) for row in list_log(entry_id, MOST_ROWS)],
        fewest=LEAST_SHOWN,
        refusal=refusal,
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _offer(action: str, branches: list[Branch], sent: BranchForm | None) -> BranchForm:
    """The form of one action: the one that was sent and refused, or an empty one."""
    is_sent = sent is not None and sent.action.data == action
    form = sent if is_sent and sent is not None else BranchForm(formdata=None, prefix="", action=action)
    form.arrival_id.choices = [
        (str(branch.arrival_id), f"Person {branch.arrival_id}, generation {branch.generation}")
        for branch in branches
    ]
    for part in (form.arrival_id, form.reason):
        part.id = f"{action}-{part.name}"
        part.label.field_id = part.id
    return form


def _read_number(form: BranchForm) -> int:
    text = form.arrival_id.data or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _say_way(branch: Branch) -> str:
    return CHANNELS.get(branch.channel, branch.channel) or "Not known"


def _say_people(people: int) -> str:
    if people < LEAST_SHOWN:
        return "Fewer than five people"
    return f"{people:,} people"
