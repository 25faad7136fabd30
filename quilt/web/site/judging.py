"""Judging: the contests I was asked to judge, their entries, and my own scores."""

from collections.abc import Mapping

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.contests.models import Contest
from quilt.entries.drafts import find_for_review
from quilt.judging.models import MOST_POINTS
from quilt.judging.queries import (
    JudgedEntry,
    find_sealed,
    list_criteria,
    list_judged_contests,
    list_judged_entries,
)
from quilt.judging.rules import JudgingRefused
from quilt.judging.service import declare_conflict, save_scores, take_conflict_back
from quilt.web.clock import now
from quilt.web.guards import signed_in_only
from quilt.web.site import site
from quilt.web.videos import describe_video


@site.get("/judge")
@signed_in_only
def show_judging() -> Response:
    """The contests that I judge."""
    contests = [
        (contest, list_judged_entries(contest.id, current_user.id), find_sealed(contest.id))
        for contest in list_judged_contests(current_user.id)
    ]
    return _answer("site/judging.html", contests=contests)


@site.get("/judge/<int:contest_id>")
@signed_in_only
def show_judged_contest(contest_id: int) -> Response:
    """The entries of one contest, those without my scores first."""
    contest = _get_contest_or_404(contest_id)
    entries = sorted(list_judged_entries(contest_id, current_user.id), key=lambda entry: entry.is_done)
    return _answer(
        "site/judged_contest.html",
        contest=contest,
        entries=entries,
        criteria=list_criteria(contest_id),
        sealed=find_sealed(contest_id),
    )


@site.get("/judge/<int:contest_id>/entries/<int:entry_id>")
@signed_in_only
def show_judged_entry(contest_id: int, entry_id: int) -> Response:
    """One entry with the form for my scores."""
    contest = _get_contest_or_404(contest_id)
    return _answer_entry(contest, _get_entry_or_404(contest_id, entry_id))


@site.post("/judge/<int:contest_id>/entries/<int:entry_id>")
@signed_in_only
def score_entry(contest_id: int, entry_id: int) -> Response:
    """Keep my scores, and go on to the next entry that has none."""
    contest = _get_contest_or_404(contest_id)
    entry = _get_entry_or_404(contest_id, entry_id)
    typed = {
        criterion.id: request.form.get(f"points-{criterion.id}", "")
        for criterion in list_criteria(contest_id)
    }
    try:
        save_scores(current_user.id, entry_id, _read_points(typed), now=now())
    except JudgingRefused as refusal:
        return _answer_entry(contest, entry, typed, refusal.message, 422)
    return _go_on(contest_id, entry_id, f"Your scores for “{entry.title}” are kept.")


@site.post("/judge/<int:contest_id>/entries/<int:entry_id>/conflict")
@signed_in_only
def declare_judge_conflict(contest_id: int, entry_id: int) -> Response:
    """I stand too near to this entry, or I was wrong to say so."""
    contest = _get_contest_or_404(contest_id)
    entry = _get_entry_or_404(contest_id, entry_id)
    words = request.form.get("words", "")
    try:
        if request.form.get("action") == "back":
            take_conflict_back(current_user.id, entry_id)
            return _go_on(contest_id, entry_id, "You judge this entry after all.", stays=True)
        declare_conflict(current_user.id, entry_id, words, now=now())
    except JudgingRefused as refusal:
        return _answer_entry(contest, entry, status=422, conflict_words=words, problem=refusal.message)
    return _go_on(contest_id, entry_id, f"The others judge “{entry.title}”. Thank you for saying so.")


def _get_contest_or_404(contest_id: int) -> Contest:
    mine = {contest.id: contest for contest in list_judged_contests(current_user.id)}
    return mine.get(contest_id) or abort(404)


def _get_entry_or_404(contest_id: int, entry_id: int) -> JudgedEntry:
    entries = {entry.id: entry for entry in list_judged_entries(contest_id, current_user.id)}
    return entries.get(entry_id) or abort(404)


def _read_points(typed: Mapping[int, str]) -> dict[int, int]:
    """The points that were typed; what is empty stays open. Raises JudgingRefused for what is no number."""
    points = {}
    for criterion_id, text in typed.items():
        plain = text.strip()
        if not plain:
            continue
        if not (plain.isascii() and plain.isdecimal() and len(plain) < 4):
            raise JudgingRefused(f"Points are whole numbers from 0 to {MOST_POINTS}. Nothing was saved.")
        points[criterion_id] = int(plain)
    return points


def _go_on(contest_id: int, entry_id: int, words: str, stays: bool = False) -> Response:
    flash(words, "good")
    entries = list_judged_entries(contest_id, current_user.id)
    waiting = [entry.id for entry in entries if not entry.is_done]
    following = [number for number in waiting if number > entry_id] or waiting
    if stays or following:
        number = entry_id if stays else following[0]
        address = url_for("site.show_judged_entry", contest_id=contest_id, entry_id=number)
    else:
        address = url_for("site.show_judged_contest", contest_id=contest_id)
    return make_response(redirect(address, 303))


def _answer_entry(
    contest: Contest,
    entry: JudgedEntry,
    typed: Mapping[int, str] | None = None,
    refusal: str = "",
    status: int = 200,
    conflict_words: str = "",
    problem: str = "",
) -> Response:
    draft = find_for_review(entry.id)
    if draft is None:
        abort(404)
    shown = typed if typed is not None else {number: str(points) for number, points in entry.scores.items()}
    return _answer(
        "site/judged_entry.html", status, contest=contest, entry=entry, story=draft.entry.story,
        video=describe_video(draft.video), criteria=list_criteria(contest.id), typed=shown, refusal=refusal,
        conflict_words=conflict_words, problem=problem, most=MOST_POINTS,
        is_playing=request.args.get("play") == "1",
    )  # fmt: skip


def _answer(template: str, status: int = 200, **facts: object) -> Response:
    response = make_response(render_template(template, **facts), status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
