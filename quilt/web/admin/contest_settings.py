"""The four pages on which a contest is set up: basics, dates, ballot, rules."""

from flask import Response, flash
from flask_login import current_user

from quilt.contests import dates, service
from quilt.contests.desk import list_rules
from quilt.contests.freezing import has_voting_opened
from quilt.contests.models import Contest
from quilt.contests.policy_text import describe_policy, describe_result
from quilt.contests.refusals import EditedMeanwhile, Frozen, InvalidContest
from quilt.contests.rules import hash_rules
from quilt.web.admin import admin
from quilt.web.admin.contest_forms import (
    BallotForm,
    BasicsForm,
    DatesForm,
    RulesForm,
    add_spare_rows,
    fill_ballot,
    fill_dates,
    read_edit_count,
    read_phases,
    read_policy,
    tell_refusal,
)
from quilt.web.admin.contests import TEXTS, answer_desk, get_contest_or_404, go_to_contest, read_texts
from quilt.web.admin.zones import list_zones
from quilt.web.clock import now
from quilt.web.guards import admin_only


@admin.get("/contests/<int:contest_id>/basics")
@admin_only
def show_basics(contest_id: int) -> Response:
    """Names, words, prize, zone."""
    contest = get_contest_or_404(contest_id)
    texts = {name: getattr(contest, name) for name in TEXTS}
    form = BasicsForm(
        formdata=None, slug=contest.slug, time_zone=contest.time_zone, edit_count=contest.edit_count, **texts
    )
    return _answer_basics(contest, form)


@admin.post("/contests/<int:contest_id>/basics")
@admin_only
def save_basics(contest_id: int) -> Response:
    """Keep them."""
    contest, form = get_contest_or_404(contest_id), BasicsForm()
    try:
        service.edit_basics(
            contest.id, slug=(form.slug.data or "").strip(), time_zone=(form.time_zone.data or "").strip(),
            texts=read_texts(form), edit_count=read_edit_count(form), actor_id=current_user.id, now=now(),
        )  # fmt: skip
    except InvalidContest as refusal:
        contest = _renew(contest_id, form, refusal)
        return _answer_basics(contest, form, _status_of(refusal), tell_refusal(form, refusal))
    return _saved(contest_id)


@admin.get("/contests/<int:contest_id>/dates")
@admin_only
def show_dates(contest_id: int) -> Response:
    """The phases, in the contest's zone."""
    contest = get_contest_or_404(contest_id)
    return _answer_dates(contest, fill_dates(contest))


@admin.post("/contests/<int:contest_id>/dates")
@admin_only
def save_dates(contest_id: int) -> Response:
    """Keep them; of a published contest, everybody reads why."""
    contest, form = get_contest_or_404(contest_id), DatesForm()
    try:
        dates.set_phases(
            contest.id, read_phases(form, contest), reason=form.reason.data or "",
            edit_count=read_edit_count(form), actor_id=current_user.id, now=now(),
        )  # fmt: skip
    except InvalidContest as refusal:
        contest = _renew(contest_id, form, refusal)
        add_spare_rows(form)
        return _answer_dates(contest, form, _status_of(refusal), tell_refusal(form, refusal))
    return _saved(contest_id)


@admin.get("/contests/<int:contest_id>/ballot")
@admin_only
def show_ballot(contest_id: int) -> Response:
    """What may be cast and how it is counted."""
    contest = get_contest_or_404(contest_id)
    return _answer_ballot(contest, fill_ballot(contest))


@admin.post("/contests/<int:contest_id>/ballot")
@admin_only
def save_ballot(contest_id: int) -> Response:
    """Keep it."""
    contest, form = get_contest_or_404(contest_id), BallotForm()
    try:
        policy = read_policy(form, contest)
        service.change_policy(
            contest.id, policy, edit_count=read_edit_count(form), actor_id=current_user.id, now=now()
        )
    except InvalidContest as refusal:
        contest = _renew(contest_id, form, refusal)
        return _answer_ballot(contest, form, _status_of(refusal), tell_refusal(form, refusal))
    return _saved(contest_id)


@admin.get("/contests/<int:contest_id>/rules")
@admin_only
def show_rules_desk(contest_id: int) -> Response:
    """The text of the rules and the versions before."""
    contest = get_contest_or_404(contest_id)
    form = RulesForm(formdata=None, rules_text=contest.rules_text, edit_count=contest.edit_count)
    return _answer_rules(contest, form)


@admin.post("/contests/<int:contest_id>/rules")
@admin_only
def save_rules(contest_id: int) -> Response:
    """Keep the text as the next version."""
    contest, form = get_contest_or_404(contest_id), RulesForm()
    text = (form.rules_text.data or "").replace("\r\n", "\n").replace("\x00", "").strip()
    try:
        version = service.write_rules(
            contest.id, text, edit_count=read_edit_count(form), actor_id=current_user.id, now=now()
        )
    except InvalidContest as refusal:
        contest = _renew(contest_id, form, refusal)
        return _answer_rules(contest, form, _status_of(refusal), tell_refusal(form, refusal))
    return _saved(contest_id, f"Version {version} of the rules stands.")


def _renew(contest_id: int, form: object, refusal: InvalidContest) -> Contest:
    """The contest as it stands now; a form that was overtaken may be sent once more, knowing it."""
    contest = get_contest_or_404(contest_id)
    if isinstance(refusal, EditedMeanwhile):
        form.edit_count.data = str(contest.edit_count)  # type: ignore[attr-defined]
    return contest


def _status_of(refusal: InvalidContest) -> int:
    return 409 if isinstance(refusal, EditedMeanwhile | Frozen) else 422


def _saved(contest_id: int, words: str = "Saved.") -> Response:
    flash(words, "good")
    return go_to_contest(contest_id)


def _answer_basics(contest: Contest, form: BasicsForm, status: int = 200, refusal: str = "") -> Response:
    return answer_desk(
        "admin/contest_basics.html", status, contest=contest, form=form, refusal=refusal, zones=list_zones(),
        is_frozen=has_voting_opened(contest, now()),
    )  # fmt: skip


def _answer_dates(contest: Contest, form: DatesForm, status: int = 200, refusal: str = "") -> Response:
    return answer_desk(
        "admin/contest_dates.html", status, contest=contest, form=form, refusal=refusal,
        is_frozen=has_voting_opened(contest, now()),
    )  # fmt: skip


def _answer_ballot(contest: Contest, form: BallotForm, status: int = 200, refusal: str = "") -> Response:
    return answer_desk(
        "admin/contest_ballot.html", status, contest=contest, form=form, refusal=refusal,
        is_frozen=has_voting_opened(contest, now()),
        policy=describe_policy(contest.policy, contest.time_zone) + describe_result(contest.policy),
    )  # fmt: skip


def _answer_rules(contest: Contest, form: RulesForm, status: int = 200, refusal: str = "") -> Response:
    return answer_desk(
        "admin/contest_rules.html", status, contest=contest, form=form, refusal=refusal,
        is_frozen=has_voting_opened(contest, now()), versions=list_rules(contest.id),
        digest=hash_rules(contest.rules_text),
    )  # fmt: skip
