"""A vote by a person's own program: the same transaction, keys and rules as the site's button."""

from datetime import datetime
from typing import NoReturn

from flask import Response, request

from quilt.accounts.api_tokens import Bearer
from quilt.database import db
from quilt.votes.queries import find_own_code, find_vote_key
from quilt.votes.rules import AlreadyVoted, KeyReused, Policy, VoteRefused, make_contest_key
from quilt.votes.service import Ballot, cast_vote
from quilt.web.api.answers import answer_private, make_url
from quilt.web.api.bodies import read_object
from quilt.web.api.operations import operation
from quilt.web.api.problems import refuse
from quilt.web.api.shapes import ADDRESS, INSTANT, TEXT, maybe, thing
from quilt.web.api.table import Operation
from quilt.web.clock import entropy, now
from quilt.web.evidence import gather_evidence, read_told
from quilt.web.lookups import get_head_or_404
from quilt.web.policies import get_policy
from quilt.web.request_keys import HEADER, KeyInUse, KeyUnreadable, hold_key, read_key
from quilt.web.settings import get_settings
from quilt.web.visitors import Visitor, build_visit, describe_visitor
from quilt.web.words import describe_vote_refusal, list_vote_facts

MOST_CHARACTERS = 16
PART = {"type": "string", "maxLength": MOST_CHARACTERS, "pattern": "^[A-Za-z0-9_-]*$"}
BODY = {"type": "object", "properties": {"via": PART, "channel": PART}, "additionalProperties": False}
RECEIPT = thing(receipt=TEXT, receipt_url=ADDRESS, cast_at=INSTANT, link=maybe(ADDRESS))


@operation(Operation(
    "cast_vote", "POST", "/entries/<int:entry_id>/votes",
    "Vote for an entry. The same key again is answered with the same receipt: 201 when the vote was cast now, 200 when it was there.",
    "Votes", RECEIPT, scope="votes:write", body=BODY, good=(200, 201), statuses=(409,), headers=(HEADER,),
))  # fmt: skip
def cast(speaker: Bearer, entry_id: int) -> Response:
    """Cast the vote of the token's owner; `via` is the code of the link they came by, `channel` the way."""
    key = _read_key()
    earlier = find_vote_key(speaker.user_id, key)
    if earlier is not None and earlier.entry_id == entry_id:  # also where the entry is gone since
        return _answer(earlier.receipt, earlier.used_at, find_own_code(earlier.receipt), 200)
    head = get_head_or_404(entry_id)
    body = read_object({"via": MOST_CHARACTERS, "channel": MOST_CHARACTERS})
    policy = get_policy(head)
    via, settings = body.get("via", ""), get_settings()
    visitor = Visitor(f"token of {speaker.user_id}", "")  # the program's address is nobody's
    visit = build_visit(visitor, head.id, via, body.get("channel", ""))
    evidence = gather_evidence(
        request, describe_visitor(request), read_told({"via": via}, None, now()),
        make_contest_key(settings.secret_key, policy.voter_salt), now(),
    )  # fmt: skip
    ballot = Ballot(speaker.user_id, "email", visit, speaker.session_epoch, evidence, key)
    db.session.rollback()
    try:
        with hold_key(speaker.user_id, key, settings.data):
            receipt = cast_vote(ballot, policy, secret=settings.secret_key, now=None, entropy=entropy)
    except KeyInUse:
        refuse(409, "key_in_use", "The first request with this key is still running.", {"Retry-After": "1"})
    except AlreadyVoted as refusal:
        return _answer(refusal.receipt, refusal.first_at, find_own_code(refusal.receipt), 200)
    except VoteRefused as refusal:
        _refuse(refusal, policy)
    return _answer(receipt.receipt, receipt.cast_at, receipt.node.code, 201)


def _read_key() -> bytes:
    try:
        key = read_key(request)
    except KeyUnreadable:
        key = None
    if key is None:
        refuse(
            400, "key_missing", f"Send an {HEADER} of 1 to 255 visible ASCII characters, new for each vote."
        )
    return key


def _refuse(refusal: VoteRefused, policy: Policy) -> NoReturn:
    status, words = describe_vote_refusal(refusal, policy.time_zone)
    code = "key_reused" if isinstance(refusal, KeyReused) else _name(type(refusal).__name__)
    refuse(status, code, words, facts=list_vote_facts(refusal))


def _name(words: str) -> str:
    """`VotingClosed` → voting_closed."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("_")


def _answer(number: str, cast_at: datetime, code: str | None, status: int) -> Response:
    """The receipt, and the link that the voter passes on."""
    facts = {
        "receipt": number,
        "receipt_url": make_url(f"/receipts/{number}"),
        "cast_at": cast_at,
        "link": make_url(f"/s/{code}") if code else None,
    }
    return answer_private(facts, status)
