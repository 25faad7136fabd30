"""A person's own page: what they entered, what they voted for, what grew from it, and their account."""

from dataclasses import dataclass

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField

from quilt.accounts import choices
from quilt.accounts.queries import find_user
from quilt.entries.drafts import Draft, list_drafts
from quilt.extensions import limiter
from quilt.judging.queries import list_judged_contests
from quilt.votes.queries import list_votes_of
from quilt.web.guards import signed_in_only
from quilt.web.site import site
from quilt.web.site.branch_views import list_own_branches
from quilt.web.site.naming import NameForm
from quilt.web.site.naming import change_name as rename

# What an entry's owner reads beside its state: what happens next, and what the one link says.
_NEXT_STEPS = {
    "draft": ("Not sent in yet. Everything you wrote is kept.", "Go on"),
    "submitted": ("A person looks at it, then we write to you.", "See what you sent"),
    "needs_changes": ("One more stitch: read what we ask for, change it, send it in again.", "Change it"),
    "published": ("Everybody can see it. Pass your own link on.", "Open it"),
    "rejected": ("We could not show it. The reason stands with it.", "Read the reason"),
    "removed": ("It is no longer shown. The reason stands with it.", "Read the reason"),
    "disqualified": ("It is out of the contest. The reason stands with it.", "Read the reason"),
}
_VIDEO_STEPS = {
    "queued": "The film waits its turn to be prepared.",
    "processing": "The film is being prepared.",
    "parked": "The film gave us trouble; we look at it ourselves.",
}


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One line of my entries."""

    title: str
    cause: str
    contest_title: str
    state: str
    step: str
    link_text: str
    url: str
    spread_url: str | None
    links_url: str
    notices_url: str
    kit_url: str
    is_edited: bool  # a changed version is under way while the approved one is shown


class ChoicesForm(FlaskForm):  # type: ignore[misc]
    """What a person may switch on and off."""

    has_branch_letters = BooleanField("Write to me when a branch of mine grows past 10, 100 or 1,000 people")
    is_named_spreader = BooleanField("Show my name among the top spreaders")


@site.get("/me")
@signed_in_only
def show_me() -> Response:
    """My entries with their next step, my votes with receipts, my branches, my account."""
    return _answer_me()


@site.post("/me/name")
@signed_in_only
@limiter.limit("30 per hour")
def change_name() -> Response:
    """Take a new name; the pages that show it are made anew."""
    refused = rename(request.form.get("name", ""))
    if refused is not None:
        return _answer_me(422, name_form=refused)
    flash("Your name is saved.", "good")
    return _back()


@site.post("/me/choices")
@signed_in_only
@limiter.limit("60 per hour")
def change_choices() -> Response:
    """Keep what is ticked, and forget what is not."""
    form = ChoicesForm()
    choices.choose(
        current_user.id,
        has_branch_letters=bool(form.has_branch_letters.data),
        is_named_spreader=bool(form.is_named_spreader.data),
    )
    flash("Your choices are saved.", "good")
    return _back()


def _answer_me(status: int = 200, name_form: NameForm | None = None) -> Response:
    page = render_template(
        "site/me.html",
        entries=[_describe(draft) for draft in list_drafts(current_user.id)],
        votes=list_votes_of(current_user.id),
        branches=list_own_branches(current_user.id),
        choices_form=ChoicesForm(formdata=None, obj=find_user(current_user.id)),
        judged_count=len(list_judged_contests(current_user.id)),
        name_form=name_form or NameForm(formdata=None, name=current_user.name),
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _describe(draft: Draft) -> OwnEntry:
    entry, revision = draft.entry, draft.revision
    is_public = entry.state == "published"
    step, link_text = _NEXT_STEPS[entry.state]
    if draft.video is not None and entry.state in ("draft", "submitted"):
        step = _VIDEO_STEPS.get(draft.video.state, step)
    public_url = url_for("site.show_entry", entry_id=entry.id, slug=entry.slug) if is_public else ""
    return OwnEntry(
        title=(entry.title if is_public else revision.title)[:120] or "Without a title yet",
        cause=(entry.cause if is_public else revision.cause)[:80],
        contest_title=draft.contest.title,
        state=entry.state,
        step=step,
        link_text=link_text,
        url=public_url or f"/submit/{entry.id}",
        spread_url=f"/entries/{entry.id}/spread" if is_public else None,
        links_url=f"/entries/{entry.id}/links",
        notices_url=f"/entries/{entry.id}/notices",
        kit_url=f"/entries/{entry.id}/kit",
        is_edited=is_public and revision.state != "approved",
    )


def _back() -> Response:
    return make_response(redirect(url_for("site.show_me")))
