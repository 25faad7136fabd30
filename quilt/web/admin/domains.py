"""Mail domains: which need another proof than a code, which do not, by whose word and until when."""

from datetime import datetime

from flask import Response, flash, make_response, redirect, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from quilt.accounts.domains import DomainRefused, add_domain_word, end_domain_word, list_domain_lines
from quilt.contests.local_times import TimeRefused, read_local
from quilt.web.admin import admin
from quilt.web.admin.contest_forms import TimeField
from quilt.web.admin.contests import answer_desk
from quilt.web.clock import now
from quilt.web.guards import admin_only, staff_only


class DomainForm(FlaskForm):  # type: ignore[misc]
    """One word about one domain."""

    domain = StringField("Domain", [InputRequired()])
    verdict = RadioField(
        "Addresses there",
        [InputRequired()],
        choices=[
            SelectChoice("step_up", "need another proof than a code"),
            SelectChoice("fine", "are fine, whatever the list says"),
        ],
        default="step_up",
        validate_choice=False,
    )
    reason = StringField("Why", [InputRequired()])
    ends_at = TimeField("Until (UTC)")


@admin.get("/domains")
@staff_only
def show_domains() -> Response:
    """What we say about mail domains, beside the list of disposable ones that comes with the site."""
    return _answer(DomainForm(formdata=None))


@admin.post("/domains")
@admin_only
def add_domain() -> Response:
    """Say something about a domain."""
    form = DomainForm()
    try:
        add_domain_word(
            form.domain.data or "", form.verdict.data == "fine", form.reason.data or "", _read_end(form),
            actor_id=current_user.id, now=now(),
        )  # fmt: skip
    except DomainRefused as refusal:
        form[refusal.field].errors = [refusal.message]
        return _answer(form, 422)
    flash("It counts within five seconds.", "good")
    return _back()


@admin.post("/domains/<int:word_id>/end")
@admin_only
def end_domain(word_id: int) -> Response:
    """Let a word count no longer."""
    end_domain_word(word_id, now())
    flash("It counts no longer.", "good")
    return _back()


def _answer(form: DomainForm, status: int = 200) -> Response:
    return answer_desk("admin/domains.html", status, form=form, lines=list_domain_lines(now()))


def _read_end(form: DomainForm) -> datetime | None:
    text = (form.ends_at.data or "").strip()
    try:
        return read_local(text, "UTC") if text else None
    except TimeRefused as refusal:
        raise DomainRefused("ends_at", refusal.message) from None


def _back() -> Response:
    return make_response(redirect(url_for("admin.show_domains"), 303))
