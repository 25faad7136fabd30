"""The panel of a contest at the desk: criteria, judges, what is missing, and its close. Nobody's scores are shown."""

from collections.abc import Callable

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts.rules import AccountRefused
from quilt.accounts.service import create_user
from quilt.contests.models import Contest
from quilt.judging import service
from quilt.judging.queries import (
    describe_panel,
    find_sealed,
    list_criteria,
    list_judges,
    list_named_points,
)
from quilt.judging.rules import JudgingRefused
from quilt.judging.service import WantedCriterion
from quilt.web.admin import admin
from quilt.web.admin.contests import get_contest_or_404
from quilt.web.clock import now
from quilt.web.guards import admin_only
from quilt.web.settings import get_settings
from quilt.web.words import describe_account_refusal

SPARE_ROWS = 3


@admin.get("/contests/<int:contest_id>/panel")
@admin_only
def show_panel(contest_id: int) -> Response:
    """Who judges, by what, and what is missing."""
    return _answer(get_contest_or_404(contest_id))


@admin.post("/contests/<int:contest_id>/panel/criteria")
@admin_only
def save_criteria(contest_id: int) -> Response:
    """Write the criteria and their weights."""
    contest = get_contest_or_404(contest_id)
    rows = list(zip(*(request.form.getlist(name) for name in ("name", "weight", "hint")), strict=False))
    filled = [row for row in rows if any(part.strip() for part in row)]
    wanted = [WantedCriterion(name, _read_weight(weight), hint) for name, weight, hint in filled]

    def work() -> None:
        service.set_criteria(contest_id, wanted, actor_id=current_user.id, now=now())

    return _do(contest, work, "The criteria are kept.", rows=filled)


@admin.post("/contests/<int:contest_id>/panel/judges")
@admin_only
def invite_judge(contest_id: int) -> Response:
    """Ask somebody by mail."""
    contest = get_contest_or_404(contest_id)
    email = request.form.get("email", "").strip()

    def work() -> None:
        service.invite_judge(
            contest_id,
            create_user(email, now=now()).id,
            actor_id=current_user.id,
            settings=get_settings(),
            now=now(),
        )

    return _do(contest, work, f"{email} has a letter with the way to the entries.", email=email)


@admin.post("/contests/<int:contest_id>/panel/judges/<int:user_id>/end")
@admin_only
def end_judge(contest_id: int, user_id: int) -> Response:
    """Somebody is no judge any more."""
    contest = get_contest_or_404(contest_id)

    def work() -> None:
        service.end_judge(contest_id, user_id, actor_id=current_user.id, now=now())

    return _do(contest, work, "They are no judge any more; what they gave counts no more.")


@admin.post("/contests/<int:contest_id>/panel/remind")
@admin_only
def remind_judges(contest_id: int) -> Response:
    """Write to those who have scores to give."""
    contest = get_contest_or_404(contest_id)
    letters = service.remind_judges(contest.id, get_settings(), now())
    if letters:
        flash(f"{letters} {'letter is' if letters == 1 else 'letters are'} on the way.", "good")
    else:
        flash("Nobody was written to: nothing is missing, or they had a letter within the last day.", "info")
    return _go_back(contest_id)


@admin.post("/contests/<int:contest_id>/panel/close")
@admin_only
def close_panel(contest_id: int) -> Response:
    """Fix the scores and show the points."""
    contest = get_contest_or_404(contest_id)

    if request.form.get("sure") != "1":
        return _answer(
            contest, 422, "Say that you know that it cannot be taken back. The panel is open as before."
        )

    def work() -> None:
        service.seal_panel(contest_id, actor_id=current_user.id, now=now())

    return _do(contest, work, "The panel is closed, and the points are public, on the page of the result.")


def _do(
    contest: Contest,
    work: Callable[[], None],
    words: str,
    *,
    rows: list[tuple[str, ...]] | None = None,
    email: str = "",
) -> Response:
    try:
        work()
    except JudgingRefused as refusal:
        return _answer(contest, 422, refusal.message, rows, email)
    except AccountRefused as refusal:
        status, told = describe_account_refusal(refusal)
        return _answer(contest, status, told, rows, email)
    flash(words, "good")
    return _go_back(contest.id)


def _go_back(contest_id: int) -> Response:
    return make_response(redirect(url_for("admin.show_panel", contest_id=contest_id), 303))


def _answer(
    contest: Contest,
    status: int = 200,
    refusal: str = "",
    rows: list[tuple[str, ...]] | None = None,
    email: str = "",
) -> Response:
    criteria = list_criteria(contest.id)
    shown = rows if rows is not None else [(one.name, str(one.weight), one.hint) for one in criteria]
    judges = list_judges(contest.id)
    page = render_template(
        "admin/panel.html", contest=contest, criteria=criteria, judges=judges, refusal=refusal, email=email,
        rows=[*shown, *[("", "", "")] * SPARE_ROWS], sealed=find_sealed(contest.id),
        state=describe_panel(contest, now()), points=list_named_points(contest.id),
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _read_weight(text: str) -> int:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 4 else 0
