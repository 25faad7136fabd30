"""What the pages of entering show: the steps, their forms, and where an entry stands."""

from flask import abort, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.widgets import NumberInput

from quilt.entries.drafts import Draft, find_draft
from quilt.entries.rules import TEXT_FIELDS, find_problems
from quilt.moderation.queries import Decision, list_decisions

STEPS = {
    "cause": "Title and cause",
    "video": "Video",
    "story": "Story",
    "rights": "Rights and rules",
    "preview": "Preview",
}
STEP_FIELDS = {"cause": ("title", "cause"), "story": ("story", "thanks")}
STEP_OF = {
    "title": "cause",
    "cause": "cause",
    "video": "video",
    "story": "story",
    "thanks": "story",
    "rights": "rights",
}
RIGHTS = ("owns_video", "people_agree", "accepts_rules")


class CauseForm(FlaskForm):  # type: ignore[misc]
    """What it is called and what it is for."""

    title = StringField("Title", [InputRequired()])
    cause = StringField("Cause", [InputRequired()])
    edit_count = HiddenField()


class StoryForm(FlaskForm):  # type: ignore[misc]
    """The words beside the video."""

    story = TextAreaField("Your story", [InputRequired()])
    thanks = StringField("Your thanks")
    edit_count = HiddenField()


class LinkForm(FlaskForm):  # type: ignore[misc]
    """A video that lives elsewhere."""

    address = StringField("Address of the video", [InputRequired()])


class FileForm(FlaskForm):  # type: ignore[misc]
    """A video file; read by quilt.web.uploads, not by this form."""


class RightsForm(FlaskForm):  # type: ignore[misc]
    """What the entrant declares."""

    owns_video = BooleanField(
        "I made this video, or its makers let me enter it, with its music and pictures", [InputRequired()]
    )
    people_agree = BooleanField(
        "Everybody who can be recognised in it agrees to be shown; for children, a parent does",
        [InputRequired()],
    )
    accepts_rules = BooleanField("I have read the rules of this contest and agree to them", [InputRequired()])
    rules_version = IntegerField(widget=NumberInput())


class PosterForm(FlaskForm):  # type: ignore[misc]
    """The moment that stands for the video."""

    poster_second = DecimalField(
        "Second of the video", [InputRequired()], places=1, widget=NumberInput(min=0, step=0.1)
    )


def get_draft_or_404(entry_id: int) -> Draft:
    """The signed-in person's own entry."""
    draft = find_draft(entry_id, current_user.id)
    if draft is None:
        abort(404)
    return draft


def find_draft_problems(draft: Draft) -> dict[str, str]:
    """What is missing before the draft can be sent in, by field."""
    video = draft.video
    return find_problems(
        draft.texts,
        video.state if video else None,
        video.message if video else "",
        draft.revision.accepted_rules_version,
        draft.contest.rules_version,
    )


def first_open_step(problems: dict[str, str]) -> str:
    """Where somebody who comes back should go on."""
    return next((STEP_OF[field] for field in problems), "preview")


def list_steps(entry_id: int) -> list[tuple[str, str]]:
    """Name and address of each step."""
    return [(name, step_url(entry_id, step)) for step, name in STEPS.items()]


def step_url(entry_id: int, step: str) -> str:
    """The address of a step; '' is wherever one had got to."""
    return url_for("site.edit_entry", entry_id=entry_id, step=step or None)


def next_step(step: str) -> str:
    """The step after this one; the last stays."""
    names = list(STEPS)
    return names[min(names.index(step) + 1, len(names) - 1)]


def build_form(step: str, draft: Draft) -> FlaskForm | None:
    """The form of a step, filled with what the draft holds."""
    if step == "cause":
        texts = {name: draft.texts[name] for name in STEP_FIELDS[step]}
        return CauseForm(formdata=None, edit_count=draft.revision.edit_count, **texts)
    if step == "story":
        texts = {name: draft.texts[name] for name in STEP_FIELDS[step]}
        return StoryForm(formdata=None, edit_count=draft.revision.edit_count, **texts)
    if step == "rights":
        agreed = draft.revision.accepted_rules_version == draft.contest.rules_version
        boxes = dict.fromkeys(RIGHTS, agreed)
        return RightsForm(formdata=None, rules_version=draft.contest.rules_version, **boxes)
    if step == "preview" and draft.video is not None:
        return PosterForm(formdata=None, poster_second=round(draft.video.poster_second, 1))
    return None


_DECIDED_BY = {
    "needs_changes": "ask_changes", "rejected": "reject", "removed": "remove", "disqualified": "disqualify",
}  # fmt: skip


def find_reason(draft: Draft) -> Decision | None:
    """What the moderators last asked for or why they refused, while that is how things stand."""
    wanted = _DECIDED_BY.get(draft.entry.state) or _DECIDED_BY.get(draft.revision.state)
    if wanted is None:
        return None
    return next((row for row in list_decisions("entry", draft.entry.id) if row.action == wanted), None)


def list_differences(saved: dict[str, str], typed: dict[str, str]) -> list[tuple[str, str]]:
    """The texts that another tab has saved otherwise: field and what stands there."""
    return [(name, saved[name]) for name in TEXT_FIELDS if saved[name] != typed[name]]
