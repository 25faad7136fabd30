"""Voting: an address, a code, a receipt; signed-in people need one click."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, abort, redirect, request, session
from flask_login import current_user
from werkzeug.exceptions import NotFound

from quilt.accounts.models import User
from quilt.accounts.people import Person
from quilt.accounts.rules import AccountRefused, CodeUsed
from quilt.accounts.service import Redeemed, redeem_code
from quilt.arrivals.heads import EntryHead
from quilt.extensions import csrf, limiter
from quilt.votes import service
from quilt.votes.ballots import Ballot, Receipt, needs_more_proof
from quilt.votes.rules import AlreadyVoted, Policy, SessionEnded, VoteRefused, make_contest_key
from quilt.web.clock import entropy, now
from quilt.web.errors import answer_error
from quilt.web.events import record_event
from quilt.web.evidence import Told, gather_evidence, read_told
from quilt.web.floods import FloodGate
from quilt.web.form_tickets import find_nonce, has_session, ticket_binding
from quilt.web.front import in_front
from quilt.web.inputs import FORMS, read_form
from quilt.web.later import LeftToView, Promise, raise_again
from quilt.web.lookups import get_head_or_404
from quilt.web.plain import Answer, AnyRequest
from quilt.web.policies import get_policy
from quilt.web.request_keys import KeyInUse, KeyUnreadable, read_key, take_key
from quilt.web.resuming import finishes
from quilt.web.settings import get_settings
from quilt.web.signing_in import came_by_passkey, find_session, is_by_passkey, sign_in
from quilt.web.site import site
from quilt.web.site.vote_answers import (
    answer_receipt,
    answer_refusal,
    answer_twice,
    ask_again,
    ask_for_cookies,
    find_earlier,
    find_entry_address,
    repeat_receipt,
    show_confirm,
)
from quilt.web.site.vote_wishes import leave_with_provider, send_another_code, send_code
from quilt.web.takeover import tell_takeover
from quilt.web.tickets import FORM_AGE, TicketRefused, read_ticket
from quilt.web.visitors import Visitor, build_visit, describe_visitor, remember_code

LIMIT = 600  # votes a minute from one address, which may be a whole school: only a flood is refused
REFUSAL = "quilt.vote_refused"  # where a request's environment has what the vote was refused for in front
_gate = FloodGate(LIMIT)


@site.post("/entries/<int:entry_id>/vote")
@csrf.exempt  # type: ignore[untyped-decorator]
def cast_vote(entry_id: int) -> Response:
    """Cast the vote of a signed-in person; send a code to everybody else."""
    if not _is_let_in(request):
        abort(429)
    if request.mimetype not in FORMS:
        abort(415, "Send this as a form. The API takes votes as JSON.")
    try:
        head = get_head_or_404(entry_id)
    except NotFound:
        return repeat_receipt(entry_id)
    nonce = find_nonce(entry_id)
    if nonce is None:
        return ask_again(head)
    told = read_told(request.form, nonce, now())
    if ticket_binding():
        return _cast(head, current_user, request.form.get("via", ""), request.form.get("c", ""), told)
    if "provider" in request.form:
        return leave_with_provider(head, told)
    return send_code(head, told)


@in_front("/entries/<int:entry_id>/vote")
def cast_at_once(request: AnyRequest, entry_id: int) -> Promise | None:
    """The vote of a signed-in person whose form fits; the view above has the words for everybody else."""
    session = find_session(request)
    if session is None or not _is_let_in(request):
        return None
    user_id, epoch = session
    head, form = get_head_or_404(entry_id), read_form(request)
    try:
        nonce = read_ticket(
            form.get("ticket", ""), entry_id, str(user_id), get_settings().secret_key, now(), FORM_AGE
        )
        visitor, policy = describe_visitor(request), get_policy(head)
        if "passkey" in policy.tiers and came_by_passkey(request):
            return None
        visit = build_visit(visitor, head.id, form.get("via", ""), form.get("c", ""))
        evidence = _gather(request, visitor, policy, read_told(form, nonce, now()))
        ballot = Ballot(user_id, "email", visit, epoch, evidence, read_key(request))
        return _plan_cast(request, visitor, ballot, policy, partial(_leave_to_view, request))
    except (TicketRefused, KeyUnreadable, KeyInUse):
        return None


@site.route("/entries/<int:entry_id>/vote/confirm", methods=["GET", "POST"])
@limiter.limit(f"{LIMIT} per minute", methods=["POST"])
def confirm_vote(entry_id: int) -> Response:
    """Take the code, sign the voter in, and cast the vote that was waiting for it; or mail another code."""
    head = get_head_or_404(entry_id)
    pending = session.get("pending_vote", {})
    if pending.get("entry_id") != entry_id:
        return redirect(find_entry_address(head)) if has_session() else ask_for_cookies(head)  # type: ignore[return-value]
    if request.method == "GET":
        return show_confirm(head, pending)
    if "another" in request.form:
        return send_another_code(head, pending)
    code = request.form.get("code", "")
    try:
        redeemed = redeem_code(pending["token"], code, secret=get_settings().secret_key, now=now())
    except AccountRefused as refusal:
        earlier = answer_twice(head, pending, code) if isinstance(refusal, CodeUsed) else None
        return earlier or show_confirm(head, pending, refusal)
    return cast_waiting(head, redeemed, way="code")


def cast_waiting(head: EntryHead, redeemed: Redeemed, *, way: str) -> Response:
    """Sign in whom a letter's code or link (`way`) has proven, and cast the vote that waited for it."""
    sign_in(redeemed.user, now(), way=way)
    record_event("signed_in", by=way, is_new=redeemed.is_new)
    tell_takeover(redeemed)
    wish, wait = redeemed.wish, (now() - redeemed.sent_at).total_seconds()
    via, channel, told = wish.get("via", ""), wish.get("channel", ""), wish.get("told", {})
    return _cast(head, redeemed.user, via, channel, told, wait)


@finishes("vote")
def finish_vote(facts: dict[str, Any]) -> Response:
    """Cast the vote that waited while its owner signed in."""
    head = get_head_or_404(int(facts["entry_id"]))
    return _cast(head, current_user, facts["via"], facts["channel"], facts["told"])


def _cast(
    head: EntryHead, user: User | Person, via: str, channel: str, told: Told, code_wait: float | None = None
) -> Response:
    policy = get_policy(head)
    if REFUSAL in request.environ:
        return answer_refusal(head, request.environ[REFUSAL], policy)
    visitor = describe_visitor(request)
    visit = build_visit(visitor, head.id, via, channel)
    evidence = _gather(request, visitor, policy, told, code_wait)
    try:
        tier = _name_tier(user, policy)
        ballot = Ballot(user.id, tier, visit, user.session_epoch, evidence, read_key(request))
        answer = _plan_cast(request, visitor, ballot, policy).keep()
    except KeyUnreadable:
        abort(400, "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    except KeyInUse:
        earlier = find_earlier(head.id)
        if earlier is not None:
            return answer_refusal(head, AlreadyVoted(earlier.used_at, earlier.receipt, None), policy)
        return answer_error(409, "Your vote is being saved.", {"Retry-After": "1"})
    except VoteRefused as refusal:
        return answer_refusal(head, refusal, policy)
    return answer.as_response()


def _name_tier(user: User | Person, policy: Policy) -> str:
    """The strongest proof that this session has shown, of those that count here.

    A program can play a device: behind an address that proves nobody, a passkey proves nobody either.
    """
    if "passkey" not in policy.tiers or not is_by_passkey():
        return "email"
    is_short_lived = needs_more_proof(user.email, policy, now())
    return "email" if is_short_lived else "passkey"


def _leave_to_view(request: AnyRequest, error: Exception) -> Answer:
    """Have the view say why no vote was cast, without casting it again; of a session it must find out by itself."""
    if not isinstance(error, VoteRefused):
        raise error
    if not isinstance(error, SessionEnded):
        request.environ[REFUSAL] = error
    raise LeftToView


def _is_let_in(request: AnyRequest) -> bool:
    """Whether this address may vote at this moment: asked once a request, here or in front."""
    return not limiter.enabled or _gate.lets_in_once(request.environ, time.monotonic())


def _gather(
    request: AnyRequest, visitor: Visitor, policy: Policy, told: Told, code_wait: float | None = None
) -> bytes:
    contest_key = make_contest_key(get_settings().secret_key, policy.voter_salt)
    return gather_evidence(request, visitor, told, contest_key, now(), code_wait)


def _plan_cast(
    request: AnyRequest,
    visitor: Visitor,
    ballot: Ballot,
    policy: Policy,
    refuse: Callable[[Exception], Answer] = raise_again,
) -> Promise:
    """The vote that is to be cast, answered with its receipt; raises KeyInUse."""
    # When it arrived is for the database's clock to say: now=None.
    cast = service.plan_vote(ballot, policy, secret=get_settings().secret_key, now=None, entropy=entropy)

    def answer(receipt: Receipt) -> Answer:
        entry_id, code = ballot.visit.entry_id, receipt.node.code
        told = answer_receipt(request, entry_id, receipt)
        if ballot.visit.own_code != code:
            remember_code(told, visitor, entry_id, code)
        return told

    return Promise(cast, answer, refuse, take_key(ballot.user_id, ballot.key, get_settings().data))
