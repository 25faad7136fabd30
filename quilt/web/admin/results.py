"""The way to a result at the desk: the gate, the proposal, the approval by another person, the prize."""

from collections.abc import Callable
from tempfile import SpooledTemporaryFile

from flask import (
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_login import current_user

from quilt.accounts.queries import list_admins_besides
from quilt.contests.changes import list_changes
from quilt.contests.models import Contest
from quilt.results import service
from quilt.results.asking import ask_gate, find_request
from quilt.results.gate import ResultRefused
from quilt.results.pack import write_pack
from quilt.results.queries import (
    find_awaited_head,
    find_name,
    find_result,
    find_trial,
    list_names,
    list_places,
    list_prizes,
)
from quilt.results.tasks import answer_gate_request
from quilt.votes.keys import get_signing_key
from quilt.web.admin import admin
from quilt.web.admin.contests import get_contest_or_404
from quilt.web.clock import entropy, now
from quilt.web.guards import admin_only
from quilt.web.settings import get_settings

IN_MEMORY = 1 << 20  # bytes of a pack that are not put on the disk
STEP_WORDS = {"promised": "Promised", "verified": "Checked", "paid": "Paid", "told": "Told what it did"}


@admin.get("/contests/<int:contest_id>/result")
@admin_only
def show_result_desk(contest_id: int) -> Response:
    """How far the result is, and the next step."""
    return _answer(get_contest_or_404(contest_id))


@admin.post("/contests/<int:contest_id>/result/gate")
@admin_only
def try_gate(contest_id: int) -> Response:
    """Have a worker ask the gate, and propose the result where that was asked for and it is passed."""
    action = "propose" if request.form.get("action") == "propose" else "try"
    return _ask(contest_id, action, request.form.get("value", "").strip()[:300])


@admin.post("/contests/<int:contest_id>/result/approve")
@admin_only
def approve_result(contest_id: int) -> Response:
    """Have a worker ask the gate once more, and publish what somebody else proposed."""
    return _ask(contest_id, "approve", "")


@admin.post("/contests/<int:contest_id>/result/back")
@admin_only
def take_back_result(contest_id: int) -> Response:
    """Withdraw a result that is not final."""

    def work() -> str:
        service.take_back_result(
            contest_id, _words(), settings=get_settings(), actor_id=current_user.id, now=now()
        )
        return "It is taken back."

    return _do(get_contest_or_404(contest_id), work, "back")


@admin.post("/contests/<int:contest_id>/prizes/<int:place>")
@admin_only
def advance_prize(contest_id: int, place: int) -> Response:
    """Take a prize one step on."""

    def work() -> str:
        step = request.form.get("step", "")
        service.advance_prize(contest_id, place, step, _words(), actor_id=current_user.id, now=now())
        return "Everybody can read it now."

    return _do(get_contest_or_404(contest_id), work, f"step-{place}")


@admin.post("/contests/<int:contest_id>/prizes/<int:place>/pass-on")
@admin_only
def pass_prize_on(contest_id: int, place: int) -> Response:
    """Give a prize to the next in line."""

    def work() -> str:
        service.pass_prize_on(contest_id, place, _words(), actor_id=current_user.id, now=now())
        return "The prize is promised to the runner-up."

    return _do(get_contest_or_404(contest_id), work, f"pass-{place}")


@admin.get("/contests/<int:contest_id>/result/pack.zip")
@admin_only
def download_pack(contest_id: int) -> Response:
    """Everything that the result follows from, in one file."""
    get_contest_or_404(contest_id)
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 closed with the response
    try:
        name = write_pack(contest_id, get_signing_key(get_settings(), entropy), file, now())
    except ResultRefused as refusal:
        file.close()
        abort(409, refusal.message)
    file.seek(0)
    response = send_file(file, "application/zip", as_attachment=True, download_name=f"{name}-evidence.zip")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _ask(contest_id: int, action: str, value: str) -> Response:
    contest = get_contest_or_404(contest_id)
    try:
        ask_gate(contest_id, action, value, actor_id=current_user.id, now=now())
    except ResultRefused as refusal:
        return _answer(contest, 409, refusal.message, value=value)
    answer_gate_request.later(contest_id)
    return make_response(redirect(url_for("admin.show_result_desk", contest_id=contest_id), 303))


def _words() -> str:
    return request.form.get("words", "")


def _do(contest: Contest, work: Callable[[], str], typed_in: str = "", value: str = "") -> Response:
    try:
        words = work()
    except ResultRefused as refusal:
        return _answer(contest, 409, refusal.message, typed_in, value)
    flash(words, "good")
    return make_response(redirect(url_for("admin.show_result_desk", contest_id=contest.id), 303))


def _answer(
    contest: Contest, status: int = 200, refusal: str = "", typed_in: str = "", value: str = ""
) -> Response:
    result, trial = find_result(contest.id), find_trial(contest.id)
    places = list_places(result) if result else []
    prizes = list_prizes(contest.id)
    shown = {*places, *(trial.places if trial else ()), *(prize.entry_id for prize in prizes)}
    asked = find_request(contest.id)
    newest = next((line for line in list_changes(contest.id) if line.kind.startswith("result")), None)
    page = render_template(
        "admin/result.html", contest=contest, asked=asked, asker=find_name(asked.actor_id) if asked else "",
        result=result, trial=trial, places=places, prizes=prizes,
        head_due_at=find_awaited_head(contest.id, get_settings(), now()) if result is None else None,
        withdrawn=newest if newest and newest.kind == "result withdrawn" else None,
        paid=contest.policy.places, names=list_names(sorted(shown)), refusal=refusal, typed_in=typed_in,
        typed=_words() if typed_in else "", value=value, step_words=STEP_WORDS,
        proposer=find_name(result.proposed_by) if result else "",
        approver=find_name(result.approved_by) if result else "",
        others=list_admins_besides(current_user.id),
        is_proposer=result is not None and result.proposed_by == current_user.id,
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
