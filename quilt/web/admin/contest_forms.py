"""The forms of the contest's desk: what was typed, and what it means."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, DateTimeLocalInput, ListWidget

from quilt.contests.local_times import TimeRefused, read_local, spell_local
from quilt.contests.models import Contest
from quilt.contests.policy_text import split_list
from quilt.contests.queries import PhaseFacts, PolicyFacts
from quilt.contests.refusals import InvalidContest

SPARE_ROWS = 2


class MultiCheckboxField(SelectMultipleField):  # type: ignore[misc]
    """Several of a few, each with its box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class TimeField(StringField):  # type: ignore[misc]
    """A day and a time on the contest's clocks, kept as typed."""

    widget = DateTimeLocalInput()


class BasicsForm(FlaskForm):  # type: ignore[misc]
    """Name, address, words and prize."""

    title = StringField("Title", [InputRequired()])
    slug = StringField("Address", [InputRequired()])
    time_zone = StringField("Time zone", [InputRequired()])
    intro = TextAreaField("What it is for")
    prize_text = StringField("Prize")
    prize_from = StringField("Who pays it")
    edit_count = HiddenField()


class PhaseForm(Form):  # type: ignore[misc]
    """One row of the dates; a row without a name and dates is none."""

    name = StringField("Name")
    starts_at = TimeField("From")
    ends_at = TimeField("Until")
    may_submit = BooleanField("People may enter")
    may_vote = BooleanField("People may vote")
    may_comment = BooleanField("People may comment")


class DatesForm(FlaskForm):  # type: ignore[misc]
    """The phases, in rows, and why they change."""

    phases = FieldList(FormField(PhaseForm), "Phases", max_entries=14)
    reason = StringField("Why do they change?")
    edit_count = HiddenField()


class BallotForm(FlaskForm):  # type: ignore[misc]
    """What may be cast and how it is counted."""

    tiers = MultiCheckboxField(
        "Proofs of a person that count",
        [InputRequired()],
        choices=[
            SelectChoice("email", "A code sent to an e-mail address"),
            SelectChoice("oauth", "A sign-in with another service"),
            SelectChoice("passkey", "A passkey"),
        ],
        validate_choice=False,
    )
    period = RadioField(
        "Votes are counted by",
        [InputRequired()],
        choices=[
            SelectChoice("contest", "The whole contest"),
            SelectChoice("day", "The day, in the contest’s time zone"),
            SelectChoice("week", "The week, Monday to Sunday, in the contest’s time zone"),
        ],
        validate_choice=False,
    )
    limit_count = StringField("Votes a person has in it")
    may_vote_for_own = BooleanField("People may vote for their own entry")
    revocable_until = TimeField("A vote can be taken back until")
    counts = RadioField(
        "Votes are shown",
        [InputRequired()],
        choices=[
            SelectChoice("live", "As they come"),
            SelectChoice("hour", "As they stood at the last full hour"),
            SelectChoice("day", "As they stood at the last midnight"),
            SelectChoice("end", "When voting has closed"),
        ],
        validate_choice=False,
    )
    judges_share = StringField("The judges’ share of a score, in percent", [InputRequired()])
    places = StringField("Places that are paid", [InputRequired()])
    runners_up = StringField("Runners-up", [InputRequired()])
    tie_breaks = RadioField(
        "Entries that are level",
        [InputRequired()],
        choices=[
            SelectChoice("draw", "are drawn"),
            SelectChoice(
                "stronger,draw", "go by votes with a stronger proof than an e-mail code, then are drawn"
            ),
        ],
        validate_choice=False,
    )
    draw_source = TextAreaField("The public value of the draw", [InputRequired()])
    edit_count = HiddenField()


class RulesForm(FlaskForm):  # type: ignore[misc]
    """The text of the rules."""

    rules_text = TextAreaField("The rules", [InputRequired()])
    edit_count = HiddenField()


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """A pause, or its end; the reason is public."""

    reason = StringField("Why? Everybody can read it", [InputRequired()])


class ExtendForm(FlaskForm):  # type: ignore[misc]
    """More time to vote; the reason is public."""

    closes_at = TimeField("Voting closes", [InputRequired()])
    reason = StringField("Why? Everybody can read it", [InputRequired()], id="extend-reason")


class CloneForm(FlaskForm):  # type: ignore[misc]
    """The names of the new contest."""

    title = StringField("Title of the new contest", [InputRequired()])
    slug = StringField("Its address", [InputRequired()])


def fill_dates(contest: Contest) -> DatesForm:
    """The rows of the phases there are, and some to spare."""
    form = DatesForm(formdata=None, edit_count=contest.edit_count)
    for phase in contest.phases:
        form.phases.append_entry(
            {
                "name": phase.name,
                "starts_at": spell_local(phase.starts_at, contest.time_zone),
                "ends_at": spell_local(phase.ends_at, contest.time_zone),
                "may_submit": phase.may_submit,
                "may_vote": phase.may_vote,
                "may_comment": phase.may_comment,
            }
        )
    add_spare_rows(form)
    return form


def add_spare_rows(form: DatesForm) -> None:
    """Empty rows at the end, for phases to come."""
    filled = [index for index, row in enumerate(form.phases) if _is_filled(row)]
    wanted = (filled[-1] + 1 if filled else 0) + SPARE_ROWS
    while len(form.phases) < min(wanted, 14):
        form.phases.append_entry()


def read_phases(form: DatesForm, contest: Contest) -> list[PhaseFacts]:
    """The phases of the filled rows. Raises InvalidContest after writing what is wrong beside each field.

    A time that is spelt as before stays the instant it was: seconds and clocks that come twice are kept.
    """
    known = {
        spell_local(at, contest.time_zone): at
        for phase in contest.phases
        for at in (phase.starts_at, phase.ends_at)
    }
    phases, is_right = [], True
    for row in form.phases:
        if not _is_filled(row):
            continue
        starts_at = _read_time(row.form.starts_at, contest.time_zone, known)
        ends_at = _read_time(row.form.ends_at, contest.time_zone, known)
        if starts_at is None or ends_at is None:
            is_right = False
            continue
        phases.append(
            PhaseFacts(
                (row.form.name.data or "").strip(), starts_at, ends_at, bool(row.form.may_submit.data),
                bool(row.form.may_vote.data), bool(row.form.may_comment.data), True,
            )
        )  # fmt: skip
    if not is_right:
        raise InvalidContest("phases", "Some dates are not clear yet; see each of them below.")
    return phases


def fill_ballot(contest: Contest) -> BallotForm:
    """The policy as it stands."""
    policy = contest.policy
    values = {name: getattr(policy, name) for name in PolicyFacts.__slots__}
    values |= {
        "tiers": list(split_list(policy.tiers)),
        "limit_count": "" if policy.limit_count is None else str(policy.limit_count),
        "revocable_until": spell_local(policy.revocable_until, contest.time_zone)
        if policy.revocable_until
        else "",
        "edit_count": contest.edit_count,
    }
    return BallotForm(formdata=None, data=values)


def read_policy(form: BallotForm, contest: Contest) -> PolicyFacts:
    """The policy that was chosen. Raises InvalidContest with the field to mend."""
    limit, until = (form.limit_count.data or "").strip(), (form.revocable_until.data or "").strip()
    return replace(
        PolicyFacts(),
        tiers=",".join(form.tiers.data or []),
        period=form.period.data or "",
        limit_count=_read_number(form, "limit_count") if limit else None,
        may_vote_for_own=bool(form.may_vote_for_own.data),
        revocable_until=_read_until(until, contest) if until else None,
        counts=form.counts.data or "",
        judges_share=_read_number(form, "judges_share"),
        tie_breaks=form.tie_breaks.data or "",
        places=_read_number(form, "places"),
        runners_up=_read_number(form, "runners_up"),
        draw_source=(form.draw_source.data or "").strip(),
    )


def read_edit_count(form: Any) -> int:
    """The number of the contest's last change when the form was opened; -1 where it was forged."""
    text = form.edit_count.data or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def tell_refusal(form: Any, refusal: InvalidContest) -> str:
    """Write a refusal beside its field; returns words for the whole page where it is of no field."""
    for other in refusal.others:
        tell_refusal(form, other)
    if refusal.field and refusal.field in form and refusal.field != "phases":
        form[refusal.field].errors = [refusal.message]
        return ""
    return refusal.message


def _is_filled(row: Any) -> bool:
    return any((row.form[name].data or "").strip() for name in ("name", "starts_at", "ends_at"))


def _read_time(field: Any, zone: str, known: dict[str, datetime]) -> datetime | None:
    text = (field.data or "").strip()
    if text in known:
        return known[text]
    try:
        return read_local(text, zone)
    except TimeRefused as refusal:
        field.errors = [refusal.message]
        return None


def _read_until(text: str, contest: Contest) -> datetime:
    known = contest.policy.revocable_until
    if known is not None and text == spell_local(known, contest.time_zone):
        return known
    try:
        return read_local(text, contest.time_zone)
    except TimeRefused as refusal:
        raise InvalidContest("revocable_until", refusal.message) from None


def _read_number(form: BallotForm, name: str) -> int:
    text = (form[name].data or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise InvalidContest(name, "Enter a whole number in digits.")
    return int(text)
