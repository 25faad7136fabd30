"""The desk of contests: the list, one contest with what it still needs, and what can be done with it."""

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from flask_login import current_user

from quilt.contests import dates, service
from quilt.contests.changes import list_changes
from quilt.contests.desk import describe_state, find_desk_contest, list_desk_contests
from quilt.contests.freezing import has_voting_opened
from quilt.contests.local_times import TimeRefused, read_local, spell_local
from quilt.contests.models import Contest
from quilt.contests.policy_text import describe_policy, describe_result
from quilt.contests.preflight import run_checks
from quilt.contests.queries import PolicyFacts
from quilt.contests.refusals import InvalidContest
from quilt.contests.rules import Action, is_voting_over, list_windows
from quilt.web.admin import admin
from quilt.web.admin.contest_forms import BasicsForm, CloneForm, ExtendForm, ReasonForm, tell_refusal
from quilt.web.admin.zones import list_zones
from quilt.web.clock import entropy, now
from quilt.web.guards import admin_only, staff_only

TEXTS = ("title", "intro", "prize_text", "prize_from")


@admin.get("/contests")
@staff_only
def show_contests() -> Response:
    """Every contest, also those that nobody else can see."""
    return answer_desk("admin/contests.html", lines=list_desk_contests(now()))


@admin.get("/contests/new")
@admin_only
def new_contest() -> Response:
    """The form for a new contest: its names; the rest follows."""
    return _answer_new(BasicsForm(formdata=None, time_zone="America/New_York"))


@admin.post("/contests/new")
@admin_only
def create_contest() -> Response:
    """Begin a contest that nobody else sees until it is published."""
    form = BasicsForm()
    try:
        contest_id = service.create_contest(
            slug=(form.slug.data or "").strip(), time_zone=(form.time_zone.data or "").strip(), phases=(),
            policy=PolicyFacts(), is_published=False, actor_id=current_user.id, now=now(), entropy=entropy,
            **read_texts(form),
        )  # fmt: skip
    except InvalidContest as refusal:
        return _answer_new(form, 422, tell_refusal(form, refusal))
    flash("The contest is begun. Nobody sees it until you publish it.", "good")
    return go_to_contest(contest_id)


@admin.get("/contests/<int:contest_id>")
@staff_only
def show_contest_desk(contest_id: int) -> Response:
    """One contest: what it still needs, its dates, how votes count, what was changed, what can be done."""
    return answer_contest(get_contest_or_404(contest_id))


@admin.post("/contests/<int:contest_id>/publish")
@admin_only
def publish_contest(contest_id: int) -> Response:
    """Show it to everybody."""
    contest = get_contest_or_404(contest_id)
    try:
        service.publish_contest(contest.id, actor_id=current_user.id, now=now())
    except InvalidContest as refusal:
        return answer_contest(get_contest_or_404(contest_id), 422, refusal.message)
    flash("It is published: everybody can see it now.", "good")
    return go_to_contest(contest_id)


@admin.post("/contests/<int:contest_id>/hide")
@admin_only
def hide_contest(contest_id: int) -> Response:
    """Take it back, as long as nobody could vote."""
    contest = get_contest_or_404(contest_id)
    try:
        service.hide_contest(contest.id, actor_id=current_user.id, now=now())
    except InvalidContest as refusal:
        return answer_contest(get_contest_or_404(contest_id), 409, refusal.message)
    flash("It is hidden again.", "good")
    return go_to_contest(contest_id)


@admin.post("/contests/<int:contest_id>/pause")
@admin_only
def pause_contest(contest_id: int) -> Response:
    """Stop entering and voting until further notice."""
    contest, form = get_contest_or_404(contest_id), ReasonForm()
    try:
        dates.pause_contest(contest.id, form.reason.data or "", actor_id=current_user.id, now=now())
    except InvalidContest as refusal:
        words = tell_refusal(form, refusal)
        return answer_contest(get_contest_or_404(contest_id), 422, words, pause_form=form)
    flash("Paused, five seconds from now. The contest’s page says why.", "good")
    return go_to_contest(contest_id)


@admin.post("/contests/<int:contest_id>/resume")
@admin_only
def resume_contest(contest_id: int) -> Response:
    """Go on after a pause."""
    contest, form = get_contest_or_404(contest_id), ReasonForm()
    try:
        dates.resume_contest(contest.id, form.reason.data or "", actor_id=current_user.id, now=now())
    except InvalidContest as refusal:
        words = tell_refusal(form, refusal)
        return answer_contest(get_contest_or_404(contest_id), 422, words, pause_form=form)
    flash("It goes on, five seconds from now.", "good")
    return go_to_contest(contest_id)


@admin.post("/contests/<int:contest_id>/extend")
@admin_only
def extend_voting(contest_id: int) -> Response:
    """Let voting close later."""
    contest, form = get_contest_or_404(contest_id), ExtendForm()
    try:
        closes_at = read_local(form.closes_at.data or "", contest.time_zone)
        dates.extend_voting(
            contest.id, closes_at, form.reason.data or "", actor_id=current_user.id, now=now()
        )
    except TimeRefused as refusal:
        form.closes_at.errors = [refusal.message]
        return answer_contest(contest, 422, extend_form=form)
    except InvalidContest as refusal:
        words = tell_refusal(form, refusal)
        return answer_contest(get_contest_or_404(contest_id), 422, words, extend_form=form)
    flash("Voting closes later now. The contest’s page says why.", "good")
    return go_to_contest(contest_id)


@admin.post("/contests/<int:contest_id>/clone")
@admin_only
def clone_contest(contest_id: int) -> Response:
    """A new contest with the same settings, and no entries."""
    contest, form = get_contest_or_404(contest_id), CloneForm()
    try:
        fresh = service.clone_contest(
            contest.id, slug=(form.slug.data or "").strip(), title=(form.title.data or "").strip(),
            actor_id=current_user.id, now=now(), entropy=entropy,
        )  # fmt: skip
    except InvalidContest as refusal:
        words = tell_refusal(form, refusal)
        return answer_contest(get_contest_or_404(contest_id), 422, words, clone_form=form)
    flash("This is the new one. Look at its dates first.", "good")
    return go_to_contest(fresh)


def get_contest_or_404(contest_id: int) -> Contest:
    """The contest, published or not."""
    contest = find_desk_contest(contest_id)
    if contest is None:
        abort(404)
    return contest


def go_to_contest(contest_id: int) -> Response:
    """Back to the contest's page of the desk."""
    return make_response(redirect(url_for("admin.show_contest_desk", contest_id=contest_id), 303))


def read_texts(form: BasicsForm) -> dict[str, str]:
    """The texts of the form, without the blanks around them."""
    return {name: (form[name].data or "").replace("\r\n", "\n").strip() for name in TEXTS}


def answer_contest(
    contest: Contest,
    status: int = 200,
    refusal: str = "",
    *,
    pause_form: ReasonForm | None = None,
    extend_form: ExtendForm | None = None,
    clone_form: CloneForm | None = None,
) -> Response:
    """The contest's page of the desk, with what went wrong where something did."""
    moment, zone = now(), contest.time_zone
    windows = list_windows(contest.phases, Action.VOTE)
    closes = spell_local(windows[-1][1], zone) if windows else ""
    state, words = describe_state(contest, moment)
    return answer_desk(
        "admin/contest.html",
        status,
        contest=contest,
        state=state,
        state_words=words,
        refusal=refusal,
        checks=run_checks(contest, moment),
        policy=describe_policy(contest.policy, zone) + describe_result(contest.policy),
        has_voting_opened=has_voting_opened(contest, moment),
        is_paused=any(phase.paused_at and phase.resumed_at is None for phase in contest.phases),
        may_extend=contest.is_published and bool(windows) and not is_voting_over(contest.phases, moment),
        pause_form=pause_form or ReasonForm(formdata=None),
        extend_form=extend_form or ExtendForm(formdata=None, closes_at=closes),
        clone_form=clone_form or CloneForm(formdata=None, title=contest.title, slug=""),
        changes=list_changes(contest.id),
    )


def answer_desk(template: str, status: int = 200, **facts: object) -> Response:
    """A page of the desk: nobody keeps it."""
    response = make_response(render_template(template, **facts), status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _answer_new(form: BasicsForm, status: int = 200, refusal: str = "") -> Response:
    return answer_desk(
        "admin/contest_basics.html", status, contest=None, form=form, refusal=refusal, zones=list_zones(),
        is_frozen=False,
    )  # fmt: skip
