"""Voting: an address, a code, a receipt; signed-in people need one click."""

import time
from typing import Any

from flask import (
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from werkzeug.exceptions import NotFound

from quilt.accounts.models import User
from quilt.accounts.people import Person
from quilt.accounts.proofs import SignInRefused
from quilt.accounts.providers import Provider, find_provider
from quilt.accounts.queries import is_letter_late
from quilt.accounts.rules import AccountRefused
from quilt.accounts.service import VOTE, redeem_code, request_code
from quilt.arrivals.heads import EntryHead
from quilt.database import db
from quilt.entries.models import Entry
from quilt.extensions import csrf, limiter
from quilt.letters import composer
from quilt.votes import service
from quilt.votes.ballots import Ballot, Receipt, needs_more_proof
from quilt.votes.challenges import ChallengeRefused
from quilt.votes.queries import find_vote_key
from quilt.votes.rules import (
    AlreadyVoted,
    DisposableAddress,
    Policy,
    VoteRefused,
    check_window,
    make_contest_key,
)
from quilt.web.clock import entropy, now
from quilt.web.errors import answer_error, wants_json
from quilt.web.evidence import Told, gather_evidence, read_told
from quilt.web.floods import FloodGate
from quilt.web.form_tickets import find_nonce, new_ticket, ticket_binding
from quilt.web.front import in_front
from quilt.web.inputs import read_form
from quilt.web.json_bodies import answer_json
from quilt.web.leaving import leave_for
from quilt.web.lookups import get_head_or_404
from quilt.web.plain import Answer, AnyRequest, tell_json
from quilt.web.policies import get_policy
from quilt.web.provider_words import describe_provider_refusal
from quilt.web.request_keys import KeyInUse, KeyUnreadable, hold_key, read_key
from quilt.web.resuming import finishes, keep_for_later
from quilt.web.settings import get_settings
from quilt.web.signing_in import came_by_passkey, find_session, is_by_passkey, sign_in
from quilt.web.site import site
from quilt.web.site.arrivals import record_form_visit
from quilt.web.site.challenges import find_letter_delay, make_challenge, read_proof
from quilt.web.tickets import FORM_AGE, TicketRefused, read_ticket
from quilt.web.visitors import Visitor, build_visit, describe_visitor, remember_code
from quilt.web.words import describe_account_refusal, describe_vote_refusal

LIMIT = 600  # votes a minute from one address, which may be a whole school: only a flood is refused
GATE = "quilt.vote_gate"  # where a request's environment says whether it was let in
_gate = FloodGate(LIMIT)


@site.post("/entries/<int:entry_id>/vote")
@csrf.exempt  # type: ignore[untyped-decorator]
def cast_vote(entry_id: int) -> Response:
    """Cast the vote of a signed-in person; send a code to everybody else."""
    if not _is_let_in(request):
        abort(429)
    try:
        head = get_head_or_404(entry_id)
    except NotFound:
        return _repeat_receipt_or_404(entry_id)
    nonce = find_nonce(entry_id)
    if nonce is None:
        return _ask_again(head)
    told = read_told(request.form, nonce, now())
    if ticket_binding():
        return _cast(head, current_user, request.form.get("via", ""), request.form.get("c", ""), told)
    if "provider" in request.form:
        return _leave_with_provider(head, told)
    return _send_code(head, told)


@in_front("/entries/<int:entry_id>/vote")
def cast_at_once(request: AnyRequest, entry_id: int) -> Answer | None:
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
        return _cast_and_answer(request, visitor, ballot, policy)
    except (TicketRefused, VoteRefused, KeyUnreadable, KeyInUse):
        return None


@site.route("/entries/<int:entry_id>/vote/confirm", methods=["GET", "POST"])
@limiter.limit(f"{LIMIT} per minute", methods=["POST"])
def confirm_vote(entry_id: int) -> Response:
    """Take the code, sign the voter in, and cast the vote that was waiting for it."""
    head = get_head_or_404(entry_id)
    pending = session.get("pending_vote", {})
    if pending.get("entry_id") != entry_id:
        return redirect(_entry_address(head))  # type: ignore[return-value]
    if request.method == "GET":
        return _show_confirm(head, pending)
    try:
        redeemed = redeem_code(
            pending["token"], request.form.get("code", ""), secret=get_settings().secret_key, now=now()
        )
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        return _show_confirm(head, pending, words, status)
    sign_in(redeemed.user, now())
    wait = now().timestamp() - pending["asked_at"]
    return _cast(head, redeemed.user, pending["via"], pending["channel"], pending["told"], wait)


def _send_code(head: EntryHead, told: Told) -> Response:
    """Mail a code, count the visit, and go on to the page that takes the code; nobody is asked for one in vain."""
    form = request.form
    policy = get_policy(head)
    try:
        check_window(policy, now())
    except VoteRefused as refusal:
        return _answer_refusal(head, refusal, policy)
    entry = db.session.get_one(Entry, head.id)
    address = form.get("email", "")
    if needs_more_proof(address[:400].strip(), policy, now()):
        status, words = describe_vote_refusal(DisposableAddress(), policy.time_zone)
        return _ask_address(head, status, words)
    try:
        proof = read_proof(head.id)
    except ChallengeRefused:
        return _ask_for_proof(head)
    told["solve"] = None if proof is None else proof.seconds
    try:
        token = request_code(
            address, VOTE, compose=composer(get_settings()), secret=get_settings().secret_key, now=now(),
            entropy=entropy, entry_id=head.id, title=entry.title, next_path=_entry_address(head),
            due_at=now() + find_letter_delay(proof),
        )  # fmt: skip
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        return _ask_address(head, status, words)
    session["pending_vote"] = {
        **_describe_wish(head, told), "token": token, "email": address.strip()[:320], "asked_at": now().timestamp(),
    }  # fmt: skip
    return _count_visit(_point_to_confirm(head), head)


def _describe_wish(head: EntryHead, told: Told) -> dict[str, Any]:
    """A vote that waits until its maker is known: for which entry, how they came, and what the page told."""
    via, channel = _read_way()
    return {"entry_id": head.id, "via": via, "channel": channel, "told": told}


def _count_visit(response: Response, head: EntryHead) -> Response:
    """Whoever sends the form has come to the entry: count them, and let their browser remember their code."""
    counted = record_form_visit(head.id, request.form.get("ticket", ""), *_read_way())
    if counted is not None:
        visitor, node = counted
        remember_code(response, visitor, head.id, node.code)
    return response


def _ask_for_proof(head: EntryHead) -> Response:
    """The work that came with the form is none, or was used: the page does it again, the address is kept."""
    words = "One moment: we check once more that it is you. Press the button again."
    if wants_json(request):
        return answer_json({"detail": words, "challenge": make_challenge(head.id)}, 422)
    return _ask_address(head, 422, words)


def _point_to_confirm(head: EntryHead) -> Response:
    """On to the page that takes the code; a client that speaks JSON is told where that is."""
    path = url_for("site.confirm_vote", entry_id=head.id)
    if wants_json(request):
        return answer_json({"detail": "We will send your code shortly.", "confirm": path}, 202)
    return make_response(redirect(path, 303))


def _leave_with_provider(head: EntryHead, told: Told) -> Response:
    """Keep the vote, count the visit, and go on to the provider; the vote is cast when its owner comes back."""
    form, settings = request.form, get_settings()
    provider = find_provider(form.get("provider", ""), settings)
    if provider is None:
        abort(404, "One cannot vote with that here. A code by e-mail always works.")
    policy = get_policy(head)
    try:
        check_window(policy, now())
    except VoteRefused as refusal:
        return _answer_refusal(head, refusal, policy)
    title = db.session.get_one(Entry, head.id).title
    keep_for_later("vote", f"Your vote for “{title}”", _entry_address(head), **_describe_wish(head, told))
    if provider.asks_where:
        address = url_for("auth.show_provider", name=provider.name, next=_entry_address(head))
        response = make_response(redirect(address, 303))
    else:
        response = _go_to(provider, head)
    return _count_visit(response, head)


def _go_to(provider: Provider, head: EntryHead) -> Response:
    try:
        return leave_for(provider, _entry_address(head))
    except SignInRefused as refusal:
        status, words = describe_provider_refusal(refusal, provider.label)
        return _ask_address(head, status, words)


@finishes("vote")
def finish_vote(facts: dict[str, Any]) -> Response:
    """Cast the vote that waited while its owner signed in."""
    head = get_head_or_404(int(facts["entry_id"]))
    return _cast(head, current_user, facts["via"], facts["channel"], facts["told"])


def _cast(
    head: EntryHead, user: User | Person, via: str, channel: str, told: Told, code_wait: float | None = None
) -> Response:
    policy = get_policy(head)
    visitor = describe_visitor(request)
    visit = build_visit(visitor, head.id, via, channel)
    evidence = _gather(request, visitor, policy, told, code_wait)
    try:
        tier = _name_tier(user, policy)
        ballot = Ballot(user.id, tier, visit, user.session_epoch, evidence, read_key(request))
        answer = _cast_and_answer(request, visitor, ballot, policy)
    except KeyUnreadable:
        abort(400, "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    except KeyInUse:
        return answer_error(409, "Your vote is being saved.", {"Retry-After": "1"})
    except VoteRefused as refusal:
        return _answer_refusal(head, refusal, policy)
    return answer.as_response()


def _name_tier(user: User | Person, policy: Policy) -> str:
    """The strongest proof that this session has shown, of those that count here.

    A program can play a device: behind an address that proves nobody, a passkey proves nobody either.
    """
    if "passkey" not in policy.tiers or not is_by_passkey():
        return "email"
    is_short_lived = needs_more_proof(user.email, policy, now())
    return "email" if is_short_lived else "passkey"


def _repeat_receipt_or_404(entry_id: int) -> Response:
    """The entry is gone: who sends the request of a vote that was cast before gets its receipt once more."""
    try:
        key = read_key(request)
    except KeyUnreadable:
        key = None
    earlier = find_vote_key(current_user.id, key) if key and current_user.is_authenticated else None
    if earlier is None or earlier.entry_id != entry_id:
        abort(404, "We cannot find that entry. It may have been withdrawn.")
    if wants_json(request):
        words = "That vote was cast before. The entry has gone since."
        return answer_json({"detail": words, "receipt": earlier.receipt}, 200)
    return make_response(redirect(url_for("site.show_receipt", number=earlier.receipt), 303))


def _is_let_in(request: AnyRequest) -> bool:
    """Whether this address may vote at this moment: asked once a request, here or in front."""
    if not limiter.enabled:
        return True
    if GATE not in request.environ:
        request.environ[GATE] = _gate.lets_in(request.remote_addr or "", time.monotonic())
    return bool(request.environ[GATE])


def _gather(
    request: AnyRequest, visitor: Visitor, policy: Policy, told: Told, code_wait: float | None = None
) -> bytes:
    contest_key = make_contest_key(get_settings().secret_key, policy.voter_salt)
    return gather_evidence(request, visitor, told, contest_key, now(), code_wait)


def _cast_and_answer(request: AnyRequest, visitor: Visitor, ballot: Ballot, policy: Policy) -> Answer:
    """Cast the vote and answer with its receipt; raises VoteRefused."""
    # When it arrived is for the database's clock to say: now=None.
    with hold_key(ballot.user_id, ballot.key):
        receipt = service.cast_vote(
            ballot, policy, secret=get_settings().secret_key, now=None, entropy=entropy
        )
    entry_id = ballot.visit.entry_id
    answer = _answer_receipt(request, entry_id, receipt)
    if ballot.visit.own_code != receipt.node.code:
        remember_code(answer, visitor, entry_id, receipt.node.code)
    return answer


def _answer_receipt(request: AnyRequest, entry_id: int, receipt: Receipt) -> Answer:
    if wants_json(request):
        facts = {
            "receipt": receipt.receipt,
            "cast_at": receipt.cast_at.isoformat(),
            "path": f"/s/{receipt.node.code}",
        }
        return tell_json(facts, 201)
    return Answer(
        303, headers=[("Location", f"/entries/{entry_id}/share?voted=1"), ("Cache-Control", "no-store")]
    )


def _answer_refusal(head: EntryHead, refusal: VoteRefused, policy: Policy) -> Response:
    status, words = describe_vote_refusal(refusal, policy.time_zone)
    if wants_json(request):
        known = {"receipt": refusal.receipt} if isinstance(refusal, AlreadyVoted) else {}
        return answer_json({"detail": words, **known}, status)
    return _answer_page(
        "site/vote_refused.html",
        head,
        status,
        words=words,
        refusal=type(refusal).__name__,
        tiers=policy.tiers,
    )


def _ask_again(head: EntryHead) -> Response:
    """The page was open for long, or somebody signed in meanwhile: one click renews it, the address is kept."""
    return _ask_address(head, 403, "The page was open too long. Nothing is lost: press the button once more.")


def _ask_address(head: EntryHead, status: int, words: str) -> Response:
    """The form once more with what went wrong; what was typed, and how one came, stay in it."""
    address = request.form.get("email", "")[:400]
    via, channel = _read_way()
    return _answer_page(
        "site/vote_address.html", head, status, words=words, address=address, via=via, channel=channel
    )


def _read_way() -> tuple[str, str]:
    """By whose link the form's sender came, and by which channel, as the form says."""
    return request.form.get("via", "")[:16], request.form.get("c", "")[:16]


def _show_confirm(head: EntryHead, pending: dict[str, str], words: str = "", status: int = 200) -> Response:
    is_late = is_letter_late(pending.get("token", ""), now())
    return _answer_page(
        "site/vote_confirm.html", head, status, words=words, email=pending.get("email", ""), is_late=is_late
    )


def _answer_page(template: str, head: EntryHead, status: int, **facts: object) -> Response:
    if wants_json(request):
        return answer_json({"detail": facts.get("words", "A code was sent."), "status": status}, status)
    entry = db.session.get_one(Entry, head.id)
    if entry.state != "published":
        abort(404)
    response = make_response(
        render_template(template, entry=entry, ticket=new_ticket(head.id), **facts), status
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _entry_address(head: EntryHead) -> str:
    return url_for("site.show_entry", entry_id=head.id, slug=head.slug)
