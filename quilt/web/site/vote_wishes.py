"""A vote whose maker is not known yet: it waits for the code from a letter, or for another service's word."""

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, make_response, redirect, request, session, url_for

from quilt.accounts.proofs import SignInRefused
from quilt.accounts.providers import Provider, find_provider
from quilt.accounts.queries import find_wish
from quilt.accounts.rules import AccountRefused, clean_email
from quilt.accounts.service import VOTE, request_code
from quilt.arrivals.heads import EntryHead
from quilt.database import db
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.votes.ballots import needs_more_proof
from quilt.votes.challenges import ChallengeRefused, Proof
from quilt.votes.rules import VoteRefused, check_window
from quilt.web.clock import entropy, now
from quilt.web.errors import wants_json
from quilt.web.evidence import Told
from quilt.web.json_bodies import answer_json
from quilt.web.leaving import leave_for
from quilt.web.policies import get_policy
from quilt.web.provider_words import describe_provider_refusal
from quilt.web.resuming import keep_for_later
from quilt.web.settings import get_settings
from quilt.web.site.arrivals import record_form_visit
from quilt.web.site.challenges import find_letter_delay, make_challenge, read_proof
from quilt.web.site.vote_answers import (
    answer_refusal,
    ask_address,
    find_entry_address,
    read_way,
    show_confirm,
)
from quilt.web.visitors import remember_code
from quilt.web.words import describe_account_refusal, describe_short_lived


def send_code(head: EntryHead, told: Told) -> Response:
    """Mail a code, count the visit, and go on to the page that takes the code; nobody is asked for one in vain."""
    form = request.form
    policy = get_policy(head)
    try:
        check_window(policy, now())
    except VoteRefused as refusal:
        return answer_refusal(head, refusal, policy)
    address = form.get("email", "")
    is_short_lived = needs_more_proof(_tidy(address), policy, now())
    may_go_on = is_short_lived and "email" in policy.tiers
    if is_short_lived and not (may_go_on and "goes_on" in form):
        return ask_address(head, 422, describe_short_lived(policy.tiers), may_go_on=may_go_on)
    try:
        proof = read_proof(head.id)
    except ChallengeRefused:
        return _ask_for_proof(head, may_go_on)
    told["solve"] = None if proof is None else proof.seconds
    try:
        _mail_code(head, address, _describe_wish(told), proof)
    except AccountRefused as refusal:
        status, words = describe_account_refusal(refusal)
        return ask_address(head, status, words, may_go_on=may_go_on)
    return _count_visit(_point_to_confirm(head), head)


def send_another_code(head: EntryHead, pending: dict[str, str]) -> Response:
    """Mail a new code for the vote that waits in this browser; what the page told of how it was cast stays."""
    policy, wish = get_policy(head), find_wish(pending["token"])
    if wish is None:  # asked for more than a day ago
        return redirect(find_entry_address(head), 303)  # type: ignore[return-value]
    try:
        check_window(policy, now())
        _mail_code(head, pending["email"], wish, None)
    except VoteRefused as refusal:
        return answer_refusal(head, refusal, policy)
    except AccountRefused as refusal:
        return show_confirm(head, pending, refusal)
    return _point_to_confirm(head)


def _mail_code(head: EntryHead, address: str, wish: Mapping[str, Any], proof: Proof | None) -> None:
    """Mail a code for this vote, which waits for it in this browser. Raises an AccountRefused."""
    title = db.session.get_one(Entry, head.id).title
    token = request_code(
        address, VOTE, compose=composer(get_settings()), secret=get_settings().secret_key, now=now(),
        entropy=entropy, entry_id=head.id, title=title, wish=wish,
        next_path=find_entry_address(head), due_at=now() + find_letter_delay(proof),
    )  # fmt: skip
    session["pending_vote"] = {"entry_id": head.id, "token": token, "email": address.strip()[:320]}


def _tidy(address: str) -> str:
    """The address as it would be stored: its domain can be spelled in many ways. '' for what is none."""
    try:
        return clean_email(address)
    except AccountRefused:
        return ""


def leave_with_provider(head: EntryHead, told: Told) -> Response:
    """Keep the vote, count the visit, and go on to the provider; the vote is cast when its owner comes back."""
    form, settings = request.form, get_settings()
    provider = find_provider(form.get("provider", ""), settings)
    if provider is None:
        abort(404, "One cannot vote with that here. A code by e-mail always works.")
    policy = get_policy(head)
    try:
        check_window(policy, now())
    except VoteRefused as refusal:
        return answer_refusal(head, refusal, policy)
    title = db.session.get_one(Entry, head.id).title
    what, path = f"Your vote for “{title}”", find_entry_address(head)
    keep_for_later("vote", what, path, entry_id=head.id, **_describe_wish(told))
    if provider.asks_where:
        address = url_for("auth.show_provider", name=provider.name, next=find_entry_address(head))
        response = make_response(redirect(address, 303))
    else:
        response = _go_to(provider, head)
    return _count_visit(response, head)


def _describe_wish(told: Told) -> dict[str, Any]:
    """A vote that waits until its maker is known: how they came, and what the page told."""
    via, channel = read_way()
    return {"via": via, "channel": channel, "told": told}


def _count_visit(response: Response, head: EntryHead) -> Response:
    """Whoever sends the form has come to the entry: count them, and let their browser remember their code."""
    counted = record_form_visit(head.id, request.form.get("ticket", ""), *read_way())
    if counted is not None:
        visitor, node = counted
        remember_code(response, visitor, head.id, node.code)
    return response


def _ask_for_proof(head: EntryHead, may_go_on: bool) -> Response:
    """The work that came with the form is none, or was used: the page does it again, the address is kept."""
    words = "One moment: we check once more that it is you. Press the button again."
    if wants_json(request):
        return answer_json({"detail": words, "challenge": make_challenge(head.id)}, 422)
    return ask_address(head, 422, words, may_go_on=may_go_on)


def _point_to_confirm(head: EntryHead) -> Response:
    """On to the page that takes the code; a client that speaks JSON is told where that is."""
    path = url_for("site.confirm_vote", entry_id=head.id)
    if wants_json(request):
        return answer_json({"detail": "We will send your code shortly.", "confirm": path}, 202)
    return make_response(redirect(path, 303))


def _go_to(provider: Provider, head: EntryHead) -> Response:
    try:
        return leave_for(provider, find_entry_address(head))
    except SignInRefused as refusal:
        status, words = describe_provider_refusal(refusal, provider.label)
        return ask_address(head, status, words)
