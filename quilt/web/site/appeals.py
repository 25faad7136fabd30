"""Doubt about votes, from the other side: yes, that was me; please look again; a mailing will go out."""

import math

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.contests.local_times import TimeRefused, read_local
from quilt.contests.models import Contest
from quilt.database import db
from quilt.entries.drafts import Draft
from quilt.extensions import csrf, limiter
from quilt.integrity.alerts import NoticeRefused, add_notice, list_notices
from quilt.integrity.appeals import (
    MOST_WORDS,
    AppealRefused,
    UnknownReceipt,
    appeal_by_receipt,
    appeal_for_entry,
    list_appeals_about,
)
from quilt.integrity.checks import PATH, VOTE_CHECK, CheckedVote, answer_check, find_checked
from quilt.integrity.facts import get_rulebook
from quilt.integrity.models import VoteCheck
from quilt.signed_ids import read_token
from quilt.votes.rules import make_contest_key
from quilt.web.clock import now
from quilt.web.evidence import gather_evidence, read_told
from quilt.web.form_tickets import find_nonce, new_ticket
from quilt.web.guards import signed_in_only
from quilt.web.lookups import get_head_or_404
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.drafts import get_draft_or_404
from quilt.web.site.receipts import tidy_number
from quilt.web.site.second_looks import find_second_look
from quilt.web.visitors import describe_visitor


@site.get(f"{PATH}<token>")
def show_check(token: str) -> Response:
    """Was it you? A GET changes nothing: mail scanners open every link of a letter."""
    return _answer_check(_get_checked_or_404(token))


@site.post(f"{PATH}<token>")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def confirm_check(token: str) -> Response:
    """Yes, that was me. The answer is the same whatever becomes of the vote."""
    vote = _get_checked_or_404(token)
    contest = db.session.get_one(Contest, vote.contest_id)
    told = read_told(request.form, find_nonce(vote.entry_id), now())
    key = make_contest_key(get_settings().secret_key, contest.voter_salt)
    answer_check(vote.vote_id, gather_evidence(request, describe_visitor(request), told, key, now()), now())
    db.session.rollback()  # it would go on seeing the database as it was before
    return _answer_check(_get_checked_or_404(token), is_quick=True)


@site.get("/appeal")
def show_appeal() -> Response:
    """The form for whoever holds the receipt of a vote that is held or rejected, and what became of their appeals."""
    receipt = tidy_number(request.args.get("receipt", ""))
    if receipt and find_second_look(receipt) is None:
        return _answer_appeal(receipt, problem=UnknownReceipt.message, status=404)
    return _answer_appeal(receipt)


@site.post("/appeal")
@limiter.limit("20 per hour")
def send_appeal() -> Response:
    """Ask for a second look at one vote."""
    receipt, words = request.form.get("receipt", "")[:64], request.form.get("words", "")
    author = current_user.id if current_user.is_authenticated else None
    try:
        appeal_by_receipt(receipt, words, author_id=author, now=now())
    except AppealRefused as refusal:
        status = 404 if isinstance(refusal, UnknownReceipt) else 422
        return _answer_appeal(receipt, words, str(refusal), status)
    flash("Your appeal is with us. Somebody who has not decided about this vote will answer it here.", "good")
    return make_response(redirect(url_for("site.show_appeal", receipt=receipt), 303))


@site.get("/entries/<int:entry_id>/notices")
@signed_in_only
def show_notices(entry_id: int) -> Response:
    """The entrant's page: tell of a mailing beforehand, appeal for the entry."""
    return _answer_notices(_get_published_or_404(entry_id))


@site.post("/entries/<int:entry_id>/notices")
@limiter.limit("60 per hour")
@signed_in_only
def send_notice(entry_id: int) -> Response:
    """Register a mailing."""
    draft = _get_published_or_404(entry_id)
    form = {name: request.form.get(name, "")[:400] for name in ("starts_at", "people", "words")}
    people = form["people"].replace(",", "").strip()
    try:
        starts_at = read_local(form["starts_at"], draft.contest.time_zone)
        number = int(people) if people.isascii() and people.isdecimal() and len(people) < 10 else 0
        add_notice(
            entry_id,
            starts_at=starts_at,
            people=number,
            words=form["words"],
            author_id=current_user.id,
            now=now(),
        )
    except TimeRefused as refusal:
        return _answer_notices(draft, 422, form, {"starts_at": refusal.message})
    except NoticeRefused as refusal:
        return _answer_notices(draft, 422, form, {refusal.field: refusal.message})
    flash("Thank you. If many votes come then, whoever looks at them reads your note.", "good")
    return make_response(redirect(url_for("site.show_notices", entry_id=entry_id), 303))


@site.post("/entries/<int:entry_id>/appeal")
@limiter.limit("20 per hour")
@signed_in_only
def appeal_entry(entry_id: int) -> Response:
    """The entrant asks for a second look at all held and rejected votes of the entry."""
    draft = _get_published_or_404(entry_id)
    words = request.form.get("words", "")
    try:
        appeal_for_entry(entry_id, words, author_id=current_user.id, now=now())
    except AppealRefused as refusal:
        return _answer_notices(draft, 422, {"appeal": words[: MOST_WORDS * 2]}, {"appeal": str(refusal)})
    flash(
        "Your appeal is with us. Somebody who has not decided about these votes will answer it here.", "good"
    )
    return make_response(redirect(url_for("site.show_notices", entry_id=entry_id), 303))


@site.get("/rules/evidence")
def show_evidence_rules() -> Response:
    """The rules of evidence in words, with the fingerprint of the file they stand in."""
    book = get_rulebook()
    families: dict[str, list[object]] = {}
    for sign in book.signs.values():
        families.setdefault(sign.family, []).append(sign)
    response = make_response(render_template("site/evidence_rules.html", book=book, families=families))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _get_checked_or_404(token: str) -> CheckedVote:
    vote_id = read_token(token, get_settings().secret_key, VOTE_CHECK)
    vote = find_checked(vote_id) if vote_id is not None and vote_id < 2**63 else None
    if vote is None:
        abort(
            404, "That link is cut off or not ours. Nothing was changed; open it from the letter once more."
        )
    return vote


def _get_published_or_404(entry_id: int) -> Draft:
    draft = get_draft_or_404(entry_id)
    get_head_or_404(entry_id)
    return draft


def _answer_check(vote: CheckedVote, *, is_quick: bool = False) -> Response:
    """The question, or thanks; `is_quick`: an answer that came just now, and was none where the question stands yet."""
    page = render_template(
        "site/vote_check.html", vote=vote, ticket=new_ticket(vote.entry_id),
        wait=_find_wait(vote.vote_id) if is_quick else 0,
    )  # fmt: skip
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _find_wait(vote_id: int) -> int:
    """How many seconds from now an answer is heard: so long after the letter, and after the page was opened."""
    book, mailed_at = get_rulebook(), db.session.get_one(VoteCheck, vote_id).mailed_at
    after_letter = book.confirm_below - (now() - mailed_at).total_seconds()
    return math.ceil(max(after_letter, book.signs["hasty"].numbers["below"]))


def _answer_appeal(receipt: str, words: str = "", problem: str = "", status: int = 200) -> Response:
    page = render_template(
        "site/appeal.html", receipt=receipt, words=words, problem=problem,
        look=find_second_look(tidy_number(receipt)),
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _answer_notices(
    draft: Draft,
    status: int = 200,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    page = render_template(
        "site/notices.html", entry=draft.entry, zone=draft.contest.time_zone, typed=typed or {}, problems=problems or {},
        notices=list_notices(draft.entry.id), appeals=list_appeals_about(draft.entry.id),
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
